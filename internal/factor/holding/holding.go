package holding

import (
	"context"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/factor/recovery"
	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Deps is what the service needs.
type Deps struct {
	DB        tx.Runner
	Passkeys  *passkey.Service
	TOTP      *totp.Service
	Recovery  *recovery.Service
	Passwords *password.Service
	Regain    *regain.Service
	// Policy is what the account demands of a person's sign-ins.
	Policy func(ident.AccountID) policy.Policy
	// TakesPasswords tells whether the account has passwords at all.
	TakesPasswords func(ident.AccountID) bool
}

// Service holds the verbs.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// Owner is a person who looks after what they hold, in a session of theirs.
type Owner struct {
	By      actor.Actor // the person
	Session ident.SessionID
	Issuer  string // the account's name, for the app or the authenticator
	Name    string // the person's
	Label   string // an address, or the name
}

// User is the person.
func (o Owner) User() ident.UserID { return ident.UserID(o.By.ID) }

func (o Owner) validate() error {
	if o.By.Kind != actor.User || o.By.ID == "" || o.By.Account == "" {
		return fault.New(fault.Forbidden, fault.CodeForbidden, "Only a person has factors of their own.")
	}
	return nil
}

// Kept is what a person has.
type Kept struct {
	Passkeys []passkey.Passkey
	Devices  []totp.Device
	Codes    int // recovery codes that are left
	Password bool
	// What the account offers.
	TakesPasskeys, TakesTOTP, TakesPasswords bool
}

// Held is what a login must know of it. A passkey that waits for its first proof is none yet.
func (k Kept) Held() factor.Held {
	h := factor.Held{TOTP: len(k.Devices), Recovery: k.Codes, Password: k.Password}
	for _, p := range k.Passkeys {
		if !p.Pending {
			h.Passkeys++
		}
	}
	return h
}

// Of returns what a person has.
func (s *Service) Of(ctx context.Context, account ident.AccountID, user ident.UserID) (k Kept, err error) {
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		if k.Passkeys, err = s.d.Passkeys.List(ctx, t, account, user); err != nil {
			return err
		}
		if k.Devices, err = s.d.TOTP.List(ctx, t, account, user); err != nil {
			return err
		}
		if k.Codes, err = s.d.Recovery.Left(ctx, t, account, user); err != nil {
			return err
		}
		k.Password, err = s.d.Passwords.Held(ctx, t, account, user)
		return err
	})
	p := s.d.Policy(account)
	k.TakesPasskeys = s.d.Passkeys.Available(account) && (p.AllowsFirst(factor.Passkey) || p.AllowsSecond(factor.Passkey))
	k.TakesTOTP, k.TakesPasswords = p.AllowsSecond(factor.TOTP), s.d.TakesPasswords(account) && p.AllowsFirst(factor.Password)
	return k, fault.Wrap("holding.Of", err)
}

// Held returns what a login must know of what a person has.
func (s *Service) Held(ctx context.Context, account ident.AccountID, user ident.UserID) (factor.Held, error) {
	k, err := s.Of(ctx, account, user)
	return k.Held(), err
}

// write runs one change of the person's.
func (s *Service) write(ctx context.Context, o Owner, fn func(context.Context, tx.Tx) error) error {
	if err := o.validate(); err != nil {
		return err
	}
	return s.d.DB.Write(ctx, tx.In(o.By.Account), fn)
}

// RenamePasskey names a passkey. Errors: Invalid, NotFound for one that the person does not have.
func (s *Service) RenamePasskey(ctx context.Context, o Owner, id, name string) error {
	return s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		return s.d.Passkeys.Rename(ctx, t, o.By, o.User(), id, name)
	})
}

// RemovePasskey deletes a passkey. NotFound for one that the person does not have.
func (s *Service) RemovePasskey(ctx context.Context, o Owner, id string) error {
	return s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		return s.d.Passkeys.Remove(ctx, t, o.By, o.User(), id)
	})
}

// RemoveTOTP deletes an authenticator app. NotFound for one that the person does not have.
func (s *Service) RemoveTOTP(ctx context.Context, o Owner, id string) error {
	return s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		return s.d.TOTP.Remove(ctx, t, o.By, o.User(), id)
	})
}

// RemovePassword deletes the person's password. NotFound when there is none.
func (s *Service) RemovePassword(ctx context.Context, o Owner) error {
	return s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		return s.d.Passwords.Remove(ctx, t, o.By, o.User())
	})
}
