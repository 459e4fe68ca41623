// Package prove owns the steps of a login that Admit's own factors make, besides the mailed code: passkeys,
// passwords, authenticator apps and recovery codes, and registering one where the policy demands it.
//
// Flow: a page begins a ceremony (Begin...), which changes nothing of the login; what the person shows goes
// through login.Service.Try, which looks at the factor and moves the request on in one unit of work.
//
// Entry points: passkey.go, password.go, second.go, enrol.go, regain.go, renew.go.
//
// Never: the decision what comes next, evidence of a factor that has not been looked at, pages.
package prove

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/remember"
	"github.com/admit-id/admit/internal/user"
)

// PasskeyConnection stands for passkeys where a session names the connection that it came from.
const PasskeyConnection ident.ConnectionID = "con_passkey"

// Users finds people. *user.Service does.
type Users interface {
	Known(ctx context.Context, t tx.Tx, account ident.AccountID, i user.Identity) (user.User, error)
	Find(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (user.User, error)
}

// Passkeys are ceremonies. *passkey.Service has them.
type Passkeys interface {
	BeginLogin(ctx context.Context, t tx.Tx, c passkey.Ceremony) ([]byte, error)
	FinishLogin(ctx context.Context, t tx.Tx, c passkey.Ceremony, response []byte) (passkey.Proof, error)
	BeginRegistration(ctx context.Context, t tx.Tx, c passkey.Ceremony) ([]byte, error)
	FinishRegistration(ctx context.Context, t tx.Tx, c passkey.Ceremony, name string, response []byte) (passkey.Registered, error)
}

// Apps are authenticator apps. *totp.Service has them.
type Apps interface {
	Enter(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, code string) (factor.Result, error)
	Begin(ctx context.Context, t tx.Tx, b totp.Starter) (totp.Enrolment, error)
	Shown(ctx context.Context, t tx.Tx, b totp.Starter) (totp.Enrolment, error)
	Confirm(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, binding []byte, name, code string) (totp.Device, factor.Result, error)
}

// Codes are recovery codes. *recovery.Service has them.
type Codes interface {
	Use(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, typed string) (factor.Result, error)
	Create(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID) ([]secret.Text, error)
	Made(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (time.Time, error)
}

// Passwords are compared outside of units of work. *password.Service does.
type Passwords interface {
	Verify(ctx context.Context, by actor.Actor, a password.Attempt) (factor.Result, error)
}

// Recoveries wait. *regain.Service has them.
type Recoveries interface {
	Request(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, delay time.Duration) (regain.Recovery, factor.Result, error)
	Pending(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (regain.Recovery, error)
	Finish(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, proved time.Time) error
	Cancel(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, from regain.Cancelling) error
}

// Deps is what the service needs.
type Deps struct {
	DB          tx.Runner
	Box         *login.Service
	Users       Users
	Passkeys    Passkeys
	Apps        Apps
	Codes       Codes
	Passwords   Passwords
	Recoveries  Recoveries
	Browsers    *remember.Service
	Connections login.Connections
	// Demanded is what every policy demands under which a person signs in, wherever.
	Demanded func(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (policy.Policy, error)
	// Name is what an account is called, for authenticator apps.
	Name func(account ident.AccountID) string
}

// Service holds the verbs.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// passwords returns the account's connection for passwords, if it is on.
func (s *Service) passwords(account ident.AccountID) (connection.Connection, bool) {
	for _, c := range s.d.Connections.Active(account) {
		if c.Type == login.TypePassword {
			return c, true
		}
	}
	return connection.Connection{}, false
}

func by(v login.Visit) actor.Actor {
	a := v.Actor
	a.Account = v.Account
	return a
}
