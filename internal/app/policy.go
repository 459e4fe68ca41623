package app

import "github.com/admit-id/admit/internal/app/person"

// Policies are the sign-in policies of the chosen account.
func (a *App) Policies() person.Words { return a.f.person.Words(a.operator()) }
