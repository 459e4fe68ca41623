package login

import (
	"context"
	"log/slog"
	"time"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login/remember"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// Application is what a login needs to know of a relying party.
type Application struct {
	ID           ident.ApplicationID
	Name         string
	CookieDomain string // parent domain of the cookies "authorization" and "user", or empty
	// AllowsRedirect is the redirect rule (I-1).
	AllowsRedirect func(url string) bool
	// LoopbackTokens tells whether tokens may travel in the query of this redirect URL.
	LoopbackTokens func(url string) bool
}

// Applications finds active applications.
type Applications interface {
	Get(account ident.AccountID, id ident.ApplicationID) (Application, bool)
}

// Accounts knows the accounts' own addresses.
type Accounts interface {
	// Issuer returns the absolute base URL without a trailing slash. It comes from
	// configuration or storage, never from a request.
	Issuer(account ident.AccountID) string
}

// Connections finds connections that people can sign in with.
type Connections interface {
	Get(account ident.AccountID, id ident.ConnectionID) (connection.Connection, bool)
	Active(account ident.AccountID) []connection.Connection
}

// Users finds and creates people. *user.Service does.
type Users interface {
	// SignIn finds the person with that identity in the actor's account, or creates one.
	SignIn(ctx context.Context, t tx.Tx, by actor.Actor, i user.Identity, p user.Profile) (u user.User, created bool, err error)
	// SignInAs finds the person with that id, or creates one, for a connection that may sign in
	// as anyone; user.ErrUnusable when nobody may have the id.
	SignInAs(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, via ident.ConnectionID, p user.Profile) (u user.User, created bool, err error)
	// SignUpAs is SignIn, and gives a new person the id, which nobody may ever have had.
	SignUpAs(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, i user.Identity, p user.Profile) (u user.User, created bool, err error)
	// Find returns a person, or a fault of kind NotFound.
	Find(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (user.User, error)
}

// Grant is what tokens are issued from. Assurance comes from the session's evidence (I-9).
type Grant struct {
	// At is when session and user were read: what ends them later ends the tokens too, however
	// long signing takes.
	At          time.Time
	Session     session.Session
	User        user.User
	Application ident.ApplicationID
	Tenant      ident.TenantID // that the session was made for and the person belongs to, or empty
	Wish
}

// Issuer signs tokens. It must not wait for anything but memory.
type Issuer interface {
	Issue(ctx context.Context, g Grant) (Tokens, error)
}

// Setup makes the first administrator: the person gets every right over the account and the
// first service client is made, in the login's unit of work.
type Setup func(ctx context.Context, t tx.Tx, a actor.Actor, user ident.UserID) (SetupOutcome, error)

// Deps is what the service needs.
type Deps struct {
	DB           tx.Runner
	Store        Store
	Artifacts    Artifacts
	Grants       Grants
	Keys         *crypt.Keys
	Accounts     Accounts
	Applications Applications
	Connections  Connections
	Tenants      Tenants
	Invites      Invites
	Users        Users
	Sessions     *session.Service
	EmailCodes   *emailcode.Service
	Issuer       Issuer
	Setup        Setup
	Policies     Policies
	Links        Links
	// Held tells what a person has registered. That it fails refuses the login: it never stands for
	// nobody's having anything.
	Held     func(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (factor.Held, error)
	Browsers *remember.Service
	// Passkeys tells whether an account's address can have passkeys.
	Passkeys func(account ident.AccountID) bool
	// Recovering tells when a person's delayed recovery is or was ready; zero when none waits.
	Recovering func(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (time.Time, error)
	Log        *slog.Logger
}

// Policies knows what is demanded of sign-ins. It answers from memory.
type Policies interface {
	// Of merges what the account, the tenant and the application demand; the last two may be empty.
	Of(account ident.AccountID, tenant ident.TenantID, application ident.ApplicationID) policy.Policy
}
