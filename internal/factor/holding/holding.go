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
	// Models are the only models of authenticators that a person may register as passkeys; none: any.
	Models func(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]string, error)
	// TakesPasswords tells whether the account has passwords at all.
	TakesPasswords func(ident.AccountID) bool
	// Identified keeps a person as they are until the unit of work ends, and tells whether they can sign in
	// without a passkey.
	Identified func(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (bool, error)
}

var (
	// ErrLast refuses to remove the last way to sign in.
	ErrLast = fault.New(fault.Conflict, "LastIdentity", "This is the only way you can sign in. Add another one before you remove it.")
	// ErrShort refuses to remove the last second factor of somebody whose password wants one.
	ErrShort = fault.New(fault.Conflict, "ShortPassword", "Your password is long enough only together with a second step. Set one of at least 15 characters, or remove it, before you remove the last second step.")
)

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
		k, err = s.kept(ctx, t, account, user)
		return err
	})
	p := s.d.Policy(account)
	k.TakesPasskeys = s.d.Passkeys.Available(account) && (p.AllowsFirst(factor.Passkey) || p.AllowsSecond(factor.Passkey))
	k.TakesTOTP, k.TakesPasswords = p.AllowsSecond(factor.TOTP), s.d.TakesPasswords(account) && p.AllowsFirst(factor.Password)
	return k, fault.Wrap("holding.Of", err)
}

// kept is what a person has registered.
func (s *Service) kept(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (k Kept, err error) {
	if k.Passkeys, err = s.d.Passkeys.List(ctx, t, account, user); err != nil {
		return k, err
	}
	if k.Devices, err = s.d.TOTP.List(ctx, t, account, user); err != nil {
		return k, err
	}
	if k.Codes, err = s.d.Recovery.Left(ctx, t, account, user); err != nil {
		return k, err
	}
	k.Password, err = s.d.Passwords.Held(ctx, t, account, user)
	return k, err
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

// remove takes a factor from the person. Whoever would have no way to sign in then keeps it, and so does whose
// password is good enough together with a second factor only. Two of them at once wait for one another.
func (s *Service) remove(ctx context.Context, o Owner, do func(context.Context, tx.Tx) error) error {
	return s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		identified, err := s.d.Identified(ctx, t, o.By.Account, o.User())
		if err != nil {
			return err
		}
		before, err := s.kept(ctx, t, o.By.Account, o.User())
		if err != nil {
			return err
		}
		short, err := s.d.Passwords.Short(ctx, t, o.By.Account, o.User())
		if err != nil {
			return err
		}
		if err := do(ctx, t); err != nil {
			return err
		}
		after, err := s.kept(ctx, t, o.By.Account, o.User())
		switch had, has := before.Held(), after.Held(); {
		case err != nil:
			return err
		case !identified && had.Passkeys > 0 && has.Passkeys == 0:
			return ErrLast
		case short && had.Second() && !has.Second():
			return ErrShort
		}
		return nil
	})
}

// RemovePasskey deletes a passkey. NotFound for one that the person does not have; ErrLast, ErrShort.
func (s *Service) RemovePasskey(ctx context.Context, o Owner, id string) error {
	return s.remove(ctx, o, func(ctx context.Context, t tx.Tx) error {
		return s.d.Passkeys.Remove(ctx, t, o.By, o.User(), id)
	})
}

// RemoveTOTP deletes an authenticator app. NotFound for one that the person does not have; ErrShort.
func (s *Service) RemoveTOTP(ctx context.Context, o Owner, id string) error {
	return s.remove(ctx, o, func(ctx context.Context, t tx.Tx) error {
		return s.d.TOTP.Remove(ctx, t, o.By, o.User(), id)
	})
}

// RemovePassword deletes the person's password. NotFound when there is none.
func (s *Service) RemovePassword(ctx context.Context, o Owner) error {
	return s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		return s.d.Passwords.Remove(ctx, t, o.By, o.User())
	})
}
