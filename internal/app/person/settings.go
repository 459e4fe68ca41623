package person

import (
	"context"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/audit"
	"github.com/admit-id/admit/internal/factor/holding"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login/remember"
	"github.com/admit-id/admit/internal/oauth/consent"
	"github.com/admit-id/admit/internal/self"
	"github.com/admit-id/admit/internal/surface/hosted/page"
	"github.com/admit-id/admit/internal/surface/hosted/settings"
	"github.com/admit-id/admit/internal/token"
)

// Others are features that hold something about a person and are no part of their sign-ins.
type Others struct {
	Audit    *audit.Service
	Access   *access.Service
	Engine   *access.Engine
	Consents *consent.Service
	Verifier *token.Verifier
	Feed     Feed
}

// Holding are the verbs of what a person has registered, for pages and the browser SDK.
func (f *Features) Holding() *holding.Service {
	return holding.New(holding.Deps{
		DB: f.d.DB, Passkeys: f.Passkeys, TOTP: f.TOTP, Recovery: f.Recovery, Passwords: f.Passwords, Regain: f.Regain,
		Policy:         func(id ident.AccountID) policy.Policy { return f.Directory.Of(id, "", "") },
		Models:         f.models,
		TakesPasswords: func(id ident.AccountID) bool { return f.offer(id).Passwords }, Identified: f.Links.Identified,
	})
}

// OwnSessions are the verbs of where a person is signed in, for pages and the browser SDK.
func (f *Features) OwnSessions() *self.Sessions {
	return self.NewSessions(f.d.DB, f.d.Sessions, f.Browsers)
}

// aboutMe is what a person takes along: one part of every feature that holds something about them.
func (f *Features) aboutMe(h *holding.Service, sessions *self.Sessions, o Others) *self.Service {
	part := func(name string, read func(ctx context.Context, a ident.AccountID, u ident.UserID) (any, error)) self.Part {
		return self.Part{Name: name, Read: read}
	}
	return self.New(f.d.DB, o.Audit,
		part("profile", func(ctx context.Context, a ident.AccountID, u ident.UserID) (any, error) {
			return f.d.Users.About(ctx, a, u)
		}),
		part("factors", func(ctx context.Context, a ident.AccountID, u ident.UserID) (any, error) { return h.About(ctx, a, u) }),
		part("sessions", func(ctx context.Context, a ident.AccountID, u ident.UserID) (any, error) {
			return sessions.About(ctx, a, u)
		}),
		part("rememberedBrowsers", func(ctx context.Context, a ident.AccountID, u ident.UserID) (any, error) {
			return remember.NewOwn(f.d.DB, f.Browsers).About(ctx, a, u)
		}),
		part("tenants", func(ctx context.Context, a ident.AccountID, u ident.UserID) (any, error) {
			return f.later.Tenants.TenantsOf(ctx, a, u)
		}),
		part("applications", func(ctx context.Context, a ident.AccountID, u ident.UserID) (any, error) {
			return o.Consents.About(ctx, a, u)
		}),
		part("permissions", func(ctx context.Context, a ident.AccountID, u ident.UserID) (any, error) {
			return o.Access.About(ctx, a, u)
		}),
	)
}

// settingsRoutes are the routes of the person's own page.
func (f *Features) settingsRoutes(kit *page.Kit, door page.Door, o Others) ([]web.Route, error) {
	h, sessions, browsers := f.Holding(), f.OwnSessions(), remember.NewOwn(f.d.DB, f.Browsers)
	s, err := settings.New(settings.Deps{
		Kit: kit, Door: door, Profiles: f.d.Users, Holdings: h, Passkeys: h, Typed: h, Sessions: sessions, Consents: o.Consents,
		Browsers: browsers, Places: f.Places, Self: f.aboutMe(h, sessions, o), Identities: f.Links, Applications: f.d.Applications, Clock: f.d.Clock,
		Connection: func(a ident.AccountID, id ident.ConnectionID) string {
			c, _ := f.later.Connections.Get(a, id)
			return c.Name
		},
	})
	if err != nil {
		return nil, err
	}
	return s.Routes(), nil
}
