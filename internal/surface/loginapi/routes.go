package loginapi

import (
	"context"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/redeem"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// Logins are the verbs of the protocol. *login.Service has them.
type Logins interface {
	Start(ctx context.Context, r login.StartRequest) (login.Started, error)
	Update(ctx context.Context, r login.UpdateRequest) (login.Started, error)
}

// Codes turn a finished login into tokens. *redeem.Service does.
type Codes interface {
	Exchange(ctx context.Context, r redeem.Request) (login.Tokens, error)
	Renew(ctx context.Context, a actor.Actor, cookie secret.Text, app ident.ApplicationID) (redeem.Renewed, error)
}

// Sessions ends and finds sessions. *session.Service does.
type Sessions interface {
	Peek(ctx context.Context, account ident.AccountID, cookie secret.Text) (session.Session, error)
	End(ctx context.Context, a actor.Actor, account ident.AccountID, id ident.SessionID) error
	EndCookie(ctx context.Context, a actor.Actor, cookie secret.Text) (ended bool, err error)
}

// Users finds people. *user.Service does.
type Users interface {
	Get(ctx context.Context, account ident.AccountID, id ident.UserID) (user.User, error)
}

// Applications finds active applications. *application.Directory does.
type Applications interface {
	Get(account ident.AccountID, id ident.ApplicationID) (application.Application, bool)
	ByOrigin(account ident.AccountID, origin string) (application.Application, bool)
}

// Accounts knows the accounts' own addresses. *account.Directory does.
type Accounts interface {
	Issuer(account ident.AccountID) string
}

// Deps is what the surface needs.
type Deps struct {
	Logins       Logins
	Codes        Codes
	Sessions     Sessions
	Users        Users
	Applications Applications
	Accounts     Accounts
	Clock        clock.Clock
	Links        Links
	Tokens       web.Verifier
	Devices      Devices // without them the device calls are not there
	SessionByID  SessionByID
}

// Surface answers the protocol.
type Surface struct{ deps Deps }

// New makes the surface.
func New(d Deps) *Surface { return &Surface{d} }

// Routes are the protocol's routes.
func (s *Surface) Routes() []web.Route {
	list := []web.Route{
		{Method: "POST", Pattern: "/api/authentication", Auth: web.Public, Limit: web.LimitLogin, CORS: web.RegisteredOrigins, Handler: s.start},
		{Method: "PATCH", Pattern: "/api/authentication/{authenticationRequestId}", Auth: web.Public, Limit: web.LimitLogin, CORS: web.RegisteredOrigins, Handler: s.update},
		{Method: "POST", Pattern: "/api/authentication/{authenticationRequestId}/tokens", Auth: web.Public, Limit: web.LimitLogin, CORS: web.RegisteredOrigins, Handler: s.exchange, Errors: oauthError},
		{Method: "GET", Pattern: "/api/session", Auth: web.SessionCookie, Permission: "self", Limit: web.LimitSession, CORS: web.RegisteredOrigins, Handler: s.renew},
		{Method: "PATCH", Pattern: "/api/session", Auth: web.SessionCookie, Permission: "self", Limit: web.LimitSession, CORS: web.RegisteredOrigins, Handler: s.renew},
		{Method: "DELETE", Pattern: "/api/session", Auth: web.BearerOrCookie, Permission: "self", Limit: web.LimitSession, CORS: web.RegisteredOrigins, Handler: s.end},
		{Method: "GET", Pattern: "/api/session/profile", Auth: web.BearerOrCookie, Permission: "self", Limit: web.LimitSession, CORS: web.RegisteredOrigins, Handler: s.profile},
		{Method: "DELETE", Pattern: "/api/session/identities/{identityId}", Auth: web.BearerOrCookie, Permission: "self", Limit: web.LimitSession, CORS: web.RegisteredOrigins, Handler: s.unlink},
		// The address of older SDKs.
		{Method: "DELETE", Pattern: "/api/identities/{identityId}", Auth: web.BearerOrCookie, Permission: "self", Limit: web.LimitSession, CORS: web.RegisteredOrigins, Handler: s.unlink},
		// No page reads the answer; the SDK sends the browser here.
		{Method: "GET", Pattern: "/logout", Auth: web.Public, Limit: web.LimitPage, CORS: web.NoCORS, Handler: s.logout},
	}
	if s.deps.Devices != nil {
		list = append(list, s.deviceRoutes()...)
	}
	for i := range list {
		list[i].Scope, list[i].MaxBody = web.Account, maxBody
	}
	return list
}

// maxBody bounds a request. The largest has a redirect URL of 4 KB and twenty connection properties.
const maxBody = 64 << 10
