package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/app/bridge"
	"github.com/admit-id/admit/internal/app/person"
	"github.com/admit-id/admit/internal/kit/consistency"
	"github.com/admit-id/admit/internal/kit/cursor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/obs"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/serviceclient"
	"github.com/admit-id/admit/internal/surface/authzen"
	"github.com/admit-id/admit/internal/surface/dev"
	"github.com/admit-id/admit/internal/surface/loginapi"
	"github.com/admit-id/admit/internal/surface/oidc"
	"github.com/admit-id/admit/internal/surface/oidc/front"
	"github.com/admit-id/admit/internal/surface/ops"
	"github.com/admit-id/admit/internal/surface/v1"
	"github.com/admit-id/admit/internal/surface/v1/decide"
	"github.com/admit-id/admit/internal/surface/v1/grant"
	"github.com/admit-id/admit/internal/surface/v1/machine"
)

// buildSurfaces declares everything that is served.
func (a *App) buildSurfaces(ctx context.Context) error {
	x := &a.f
	pages, err := a.buildPages()
	if err != nil {
		return err
	}
	a.ops = ops.New(ops.Deps{
		Checks: a.readiness(), Metrics: a.metrics.Handler(), Clock: a.clock, Loopback: a.cfg.Loopback(),
	})
	tokens := consistency.New(a.keys, a.follower, a.cfg.CatchUp)
	routes := slices.Concat(
		a.ops.Routes(),
		pages.routes(),
		a.loginSurface().Routes(),
		a.discoverySurface().Routes(),
		a.oauthSurface().Routes(),
		a.deviceSurface().Routes(),
		a.registrationSurface().Routes(),
		a.apiSurface(tokens).Routes(),
		a.authzenSurface(tokens).Routes(),
	)
	var home web.Handler
	if a.cfg.Dev {
		surface, err := dev.New(dev.Deps{
			Mailbox: bridge.Mailbox{DB: a.db, Outbox: x.outbox}, Issuer: x.accountDirectory.Issuer, Clock: a.clock, Errors: pages.kit.Error,
		})
		if err != nil {
			return err
		}
		for _, r := range surface.Routes() {
			if r.Pattern == front.PathHome { // where extensions ask, too
				home = r.Handler
				continue
			}
			routes = append(routes, r)
		}
	}
	own, err := x.person.Routes(pages.kit, pages.door, person.Others{Audit: x.audit, Access: x.access, Engine: x.engine, Consents: x.oauth.consents, Verifier: x.verifier,
		Feed: person.Feed{Ring: x.ring, Fresh: a.follower.Fresh, Draining: func() bool { return a.router.Draining() }}})
	if err != nil {
		return err
	}
	routes = append(routes, own...)
	routes = append(routes, a.frontSurface(pages.asks, home).Routes()...)
	d := web.Deps{
		Accounts: hosts{x, a.cfg.BesideMTLS}, Tokens: x.verifier, Origins: x.applicationDirectory, Limiter: web.NewLimiter(a.clock, a.cfg.RateLimitScale),
		Clock: a.clock, Log: a.log, TrustedProxies: a.cfg.TrustedProxies, HTTPS: a.cfg.HTTPS(),
		Fresh: a.follower.Fresh, PageErrors: pages.kit.Error, Meter: a.metrics, Proofs: bridge.TokenProofs{Service: x.proofs},
	}
	if d.Certificates, err = a.certificates(); err != nil {
		return err
	}
	if a.cfg.OTLPEndpoint != "" {
		if a.tracer, err = obs.NewTracer(ctx, a.cfg.OTLPEndpoint, Version()); err != nil {
			return err
		}
		d.Tracer = a.tracer
	}
	a.served = map[string]bool{}
	for _, r := range routes {
		a.served[r.Pattern] = true
	}
	a.router, err = web.NewRouter(d, web.WithQuota(routes, serviceclient.NewLimiter(x.clientDirectory, a.clock), web.NewWriters(a.clock, a.cfg.RateLimitScale)))
	return err
}

func (a *App) loginSurface() *loginapi.Surface {
	x := &a.f
	return loginapi.New(loginapi.Deps{
		Logins: x.begins, Codes: x.codes, Sessions: x.sessions, Users: x.users, Applications: x.applicationDirectory,
		Accounts: x.accountDirectory, Clock: a.clock, Devices: x.person.Holding(), SessionByID: x.person.OwnSessions(), Links: x.person.Links, Tokens: x.verifier,
	})
}

func (a *App) discoverySurface() *oidc.Surface {
	return oidc.New(oidc.Deps{
		Accounts: a.f.accountDirectory, Keys: a.f.ring, Clients: a.f.clientDirectory, Provider: provider{a}, Clock: a.clock,
	})
}

func (a *App) apiSurface(tokens *consistency.Keeper) *v1.Surface {
	x := &a.f
	return v1.New(v1.Deps{
		Issuers: x.accountDirectory, Cursors: cursor.New(a.keys),
		Guard: x.engine, Consistency: tokens,
		Decide: decide.Deps{Permissions: x.engine, History: x.history},
		Grant:  grant.Deps{Records: x.access, Roles: x.access, Groups: x.access, Invites: x.invites, Accounts: x.accounts, Requests: x.requests, Resources: x.claims, ResourceUsers: x.history}, Changes: a.changesDeps(),
		Acting: x.engine, Accounts: x.accounts, Tenants: x.tenants, RegistrationTokens: x.registrations,
		Machine: machine.Deps{Applications: x.applications, Secrets: x.applications, Clients: x.clients, AccessKeys: x.clients, Extensions: newExtensions(a.db)},
		Users:   x.users, Tokens: x.sessions, Sessions: x.sessions, LinkedIssuers: x.issuers, TenantMembers: x.tenants, Connections: x.connections,
		Consents: x.oauth.consents, Logouts: x.oauth.logouts, Policies: x.person.Policies, Recoveries: x.person.Recoveries(), Places: x.person.Places,
	})
}

func (a *App) authzenSurface(tokens *consistency.Keeper) *authzen.Surface {
	x := &a.f
	return authzen.New(authzen.Deps{
		Decisions: x.engine, Subjects: x.history, Clients: x.clientDirectory, Issuers: x.accountDirectory,
		Cursors: cursor.New(a.keys), Consistency: tokens,
	})
}

// readiness is what must hold before this node takes traffic.
func (a *App) readiness() []ops.Check {
	return []ops.Check{
		{Name: "running", Ready: func(context.Context) error {
			if a.router.Draining() {
				return errors.New("this node is stopping")
			}
			return nil
		}},
		{Name: "database", Ready: func(ctx context.Context) error {
			_, _, err := a.db.Head(ctx)
			return err
		}},
		{Name: "change feed", Ready: func(context.Context) error {
			if !a.follower.Fresh() {
				return errors.New("no word from the database for " + a.cfg.StaleAfter.String())
			}
			return nil
		}},
		{Name: "signing keys", Ready: func(context.Context) error {
			_, err := a.f.ring.Signer(ident.DefaultAccount, "access")
			return err
		}},
		{Name: "clock", Ready: func(context.Context) error {
			if d := a.clock.Correction().Abs(); d > maxClockError {
				return errors.New("this machine's clock is " + d.Round(time.Millisecond).String() + " away from the database's")
			}
			return nil
		}},
	}
}

// maxClockError is how far this machine's clock may be from the database's. Times are corrected,
// but a clock that is this wrong is broken in other ways too.
const maxClockError = 5 * time.Minute
