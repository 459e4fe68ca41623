package app

import (
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/application/applicationdb"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/registration"
	"github.com/admit-id/admit/internal/oauth/registration/registrationdb"
	"github.com/admit-id/admit/internal/oauth/remote"
	"github.com/admit-id/admit/internal/surface/oidc/back"
)

func (a *App) newRegistrations() *registration.Service {
	return registration.New(registration.Deps{
		DB: a.db, Tokens: registrationdb.Store{}, Settings: a.openClients, Issuer: a.f.accountDirectory.Issuer, Limits: ratelimit.Store{},
		Applications: func(in tx.Runner) registration.Applications { return application.New(in, applicationdb.Store{}) },
	})
}

func (a *App) newDocuments() *registration.Documents {
	return registration.NewDocuments(registration.DocumentDeps{Fetch: remote.New(a.outbound), Settings: a.openClients, Clock: a.clock, From: web.ContextAddress})
}

func (a *App) registrationSurface() *back.Registration {
	return back.NewRegistration(a.f.registrations)
}

// openClients are the account's rules for clients that it did not make itself.
func (a *App) openClients(id ident.AccountID) registration.Settings {
	found, _ := a.f.accountDirectory.Get(id)
	o := found.Settings.OAuth
	return registration.Settings{Mode: registration.Mode(o.Registration), DocumentHosts: o.DocumentHosts, Scopes: o.Scopes, Resources: o.Resources}
}

// fitClient holds a client that registered itself to what the account allows such clients now.
func (a *App) fitClient(c oauth.Client) oauth.Client {
	return registration.Fit(c, a.openClients(c.Account))
}
