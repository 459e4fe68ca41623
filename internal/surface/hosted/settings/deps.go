package settings

import (
	"context"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/holding"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/place"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/login/remember"
	"github.com/admit-id/admit/internal/oauth/consent"
	"github.com/admit-id/admit/internal/self"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/surface/hosted/page"
	"github.com/admit-id/admit/internal/user"
)

// Profiles are a person's own words about themselves. *user.Service has them.
type Profiles interface {
	SetProfile(ctx context.Context, by actor.Actor, id ident.UserID, w user.Wish) (user.User, error)
	Leave(ctx context.Context, by actor.Actor, id ident.UserID) error
}

// Holdings is what a person has to prove themselves with. *holding.Service knows.
type Holdings interface {
	Of(ctx context.Context, account ident.AccountID, user ident.UserID) (holding.Kept, error)
	Recovery(ctx context.Context, account ident.AccountID, user ident.UserID) (regain.Recovery, bool, error)
	CancelRecovery(ctx context.Context, o holding.Owner) error
	CreateCodes(ctx context.Context, o holding.Owner) ([]secret.Text, error)
}

// Passkeys are the verbs of a person's passkeys. *holding.Service has them.
type Passkeys interface {
	BeginPasskey(ctx context.Context, o holding.Owner) ([]byte, error)
	FinishPasskey(ctx context.Context, o holding.Owner, name string, response []byte) (passkey.Registered, error)
	BeginProof(ctx context.Context, o holding.Owner, id string) ([]byte, error)
	FinishProof(ctx context.Context, o holding.Owner, id string, response []byte) (passkey.Proof, error)
	RenamePasskey(ctx context.Context, o holding.Owner, id, name string) error
	RemovePasskey(ctx context.Context, o holding.Owner, id string) error
}

// Typed are the verbs of what a person types: authenticator apps and the password. *holding.Service has them.
type Typed interface {
	BeginTOTP(ctx context.Context, o holding.Owner) (totp.Enrolment, error)
	ShownTOTP(ctx context.Context, o holding.Owner) (totp.Enrolment, error)
	ConfirmTOTP(ctx context.Context, o holding.Owner, name, code string) (factor.Result, error)
	RemoveTOTP(ctx context.Context, o holding.Owner, id string) error
	SetPassword(ctx context.Context, o holding.Owner, text secret.Text) error
	RemovePassword(ctx context.Context, o holding.Owner) error
}

// Sessions is where a person is signed in. *self.Sessions knows.
type Sessions interface {
	List(ctx context.Context, account ident.AccountID, user ident.UserID, before string) (page []session.Session, next string, err error)
	End(ctx context.Context, by actor.Actor, id ident.SessionID) error
	EndOthers(ctx context.Context, by actor.Actor, keep session.Session, device secret.Text) (int, error)
	EndAll(ctx context.Context, by actor.Actor) error
}

// Browsers are where a person need not show a second factor. *remember.Own knows.
type Browsers interface {
	List(ctx context.Context, account ident.AccountID, user ident.UserID, cookie secret.Text) (all []remember.Browser, here string, err error)
	Forget(ctx context.Context, by actor.Actor, id string) error
}

// Consents are what people have allowed. *consent.Service has them.
type Consents interface {
	All(ctx context.Context, account ident.AccountID, user ident.UserID) ([]consent.Consent, error)
	Withdraw(ctx context.Context, by actor.Actor, user ident.UserID, client string) error
}

// Self is what a person may know of themselves. *self.Service does.
type Self interface {
	Activity(ctx context.Context, account ident.AccountID, user ident.UserID, before string) ([]self.Act, string, error)
	Export(ctx context.Context, by actor.Actor, user ident.UserID) (self.Export, error)
}

// Identities are the verbs of linking. Without them a person sees their identities and cannot change them.
type Identities interface {
	// Linkable are the connections through which a person can add a way to sign in.
	Linkable(account ident.AccountID) []connection.Connection
	// UnlinkOne takes one identity from the person. It refuses the last way to sign in.
	UnlinkOne(ctx context.Context, by actor.Actor, one user.Identity) error
}

// Applications finds active applications. *application.Directory does.
type Applications interface {
	Get(account ident.AccountID, id ident.ApplicationID) (application.Application, bool)
}

// Deps is what the surface works with.
type Deps struct {
	Kit          *page.Kit
	Door         page.Door
	Profiles     Profiles
	Holdings     Holdings
	Passkeys     Passkeys
	Typed        Typed
	Sessions     Sessions
	Browsers     Browsers
	Places       *place.Book // or nil
	Consents     Consents
	Self         Self
	Identities   Identities // or nil
	Applications Applications
	// Connection names a connection as people know it; empty for one that is gone.
	Connection func(account ident.AccountID, id ident.ConnectionID) string
	Clock      clock.Clock
}
