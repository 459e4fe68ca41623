package app

import (
	"time"

	"github.com/admit-id/admit/internal/app/recipe"
)

// Clients are the OAuth clients of the chosen account.
func (a *App) Clients() *recipe.Clients {
	return recipe.New(a.f.applications, a.operator(), a.f.accountDirectory.Issuer(a.chosen), awaitOthers)
}

// In is a moment from now.
func (a *App) In(d time.Duration) time.Time { return a.clock.Now().Add(d) }
