package holding

import (
	"context"
	"slices"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// ErrOff says that the account does not take this factor.
var ErrOff = fault.New(fault.Forbidden, fault.CodeForbidden, "This way to sign in is switched off here.")

func (s *Service) ceremony(o Owner) passkey.Ceremony {
	return passkey.Ceremony{
		Account: o.By.Account, Session: o.Session, User: o.User(), UserVerification: true,
		Label: o.Label, Name: o.Name, By: o.By,
	}
}

// registration is the ceremony of a new passkey.
func (s *Service) registration(ctx context.Context, t tx.Tx, o Owner) (c passkey.Ceremony, err error) {
	c = s.ceremony(o)
	c.Models, err = s.d.Models(ctx, t, o.By.Account, o.User())
	return c, err
}

func (s *Service) takesPasskeys(o Owner) error {
	p := s.d.Policy(o.By.Account)
	if !s.d.Passkeys.Available(o.By.Account) || !p.AllowsFirst(factor.Passkey) && !p.AllowsSecond(factor.Passkey) {
		return ErrOff
	}
	return nil
}

// BeginPasskey returns the options of a registration, for navigator.credentials.create. The challenge is
// ours, and bound to the session.
func (s *Service) BeginPasskey(ctx context.Context, o Owner) (options []byte, err error) {
	if err := s.takesPasskeys(o); err != nil {
		return nil, err
	}
	err = s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		c, err := s.registration(ctx, t, o)
		if err != nil {
			return err
		}
		options, err = s.d.Passkeys.BeginRegistration(ctx, t, c)
		return err
	})
	return options, err
}

// FinishPasskey registers what the authenticator answered. What is refused is told by Registered.
func (s *Service) FinishPasskey(ctx context.Context, o Owner, name string, response []byte) (out passkey.Registered, err error) {
	if err := s.takesPasskeys(o); err != nil {
		return out, err
	}
	err = s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		c, err := s.registration(ctx, t, o)
		if err != nil {
			return err
		}
		out, err = s.d.Passkeys.FinishRegistration(ctx, t, c, name, response)
		return err
	})
	return out, err
}

func starter(o Owner) totp.Starter {
	return totp.Starter{Account: o.By.Account, User: o.User(), Binding: []byte("session:" + string(o.Session)), Issuer: o.Issuer, Label: o.Label}
}

// BeginTOTP makes a seed for an authenticator app, bound to the session.
func (s *Service) BeginTOTP(ctx context.Context, o Owner) (e totp.Enrolment, err error) {
	if !s.d.Policy(o.By.Account).AllowsSecond(factor.TOTP) {
		return e, ErrOff
	}
	err = s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		e, err = s.d.TOTP.Begin(ctx, t, starter(o))
		return err
	})
	return e, err
}

// ShownTOTP returns again what BeginTOTP returned to the session. totp.ErrGone when that is over.
func (s *Service) ShownTOTP(ctx context.Context, o Owner) (e totp.Enrolment, err error) {
	err = s.d.DB.Read(ctx, tx.In(o.By.Account), func(ctx context.Context, t tx.Tx) error {
		e, err = s.d.TOTP.Shown(ctx, t, starter(o))
		return err
	})
	return e, err
}

// ConfirmTOTP registers the app whose code it is. totp.ErrGone when there is nothing to confirm.
func (s *Service) ConfirmTOTP(ctx context.Context, o Owner, name, code string) (r factor.Result, err error) {
	if !s.d.Policy(o.By.Account).AllowsSecond(factor.TOTP) {
		return r, ErrOff
	}
	err = s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		_, r, err = s.d.TOTP.Confirm(ctx, t, o.By, o.User(), starter(o).Binding, name, code)
		return err
	})
	return r, err
}

// ImportTOTP registers an app whose seed was made elsewhere.
func (s *Service) ImportTOTP(ctx context.Context, o Owner, name string, seed secret.Text, code string) (d totp.Device, r factor.Result, err error) {
	if !s.d.Policy(o.By.Account).AllowsSecond(factor.TOTP) {
		return d, r, ErrOff
	}
	err = s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		d, r, err = s.d.TOTP.ImportSeed(ctx, t, o.By, o.User(), name, seed, code)
		return err
	})
	return d, r, err
}

// CreateCodes makes ten recovery codes; those before are gone.
func (s *Service) CreateCodes(ctx context.Context, o Owner) (codes []secret.Text, err error) {
	err = s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		codes, err = s.d.Recovery.Create(ctx, t, o.By, o.User())
		return err
	})
	return codes, err
}

// SetPassword gives the person a password. The error is a *password.Refused when it is not good enough.
func (s *Service) SetPassword(ctx context.Context, o Owner, text secret.Text) error {
	if err := o.validate(); err != nil {
		return err
	}
	if !s.d.TakesPasswords(o.By.Account) || !s.d.Policy(o.By.Account).AllowsFirst(factor.Password) {
		return ErrOff
	}
	held, err := s.Held(ctx, o.By.Account, o.User())
	if err != nil {
		return err
	}
	words := slices.DeleteFunc([]string{o.Issuer, o.Name, o.Label}, func(w string) bool { return w == "" })
	prepared, err := s.d.Passwords.Prepare(ctx, password.Choice{Password: text, Second: held.Second(), Context: words})
	if err != nil {
		return err
	}
	return s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		if prepared.Short() { // and the second factor is still there
			if _, err := s.d.Identified(ctx, t, o.By.Account, o.User()); err != nil {
				return err
			}
			now, err := s.kept(ctx, t, o.By.Account, o.User())
			if err == nil && !now.Held().Second() {
				err = password.ErrShort
			}
			if err != nil {
				return err
			}
		}
		return s.d.Passwords.Put(ctx, t, o.By, o.User(), prepared)
	})
}

// ImportPasskey keeps a passkey that an application's page made. It proves nothing before FinishProof. Which model made
// it cannot be known, for the challenge was not ours: where the models are restricted there is none.
func (s *Service) ImportPasskey(ctx context.Context, o Owner, f passkey.Foreign) (out passkey.Registered, err error) {
	if err := s.takesPasskeys(o); err != nil {
		return out, err
	}
	f.Account, f.User, f.By = o.By.Account, o.User(), o.By
	err = s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		models, err := s.d.Models(ctx, t, f.Account, f.User)
		if err != nil {
			return err
		}
		if len(models) > 0 {
			out = passkey.Registered{Refused: passkey.RefusedModel}
			return nil
		}
		out, err = s.d.Passkeys.RegisterPending(ctx, t, f)
		return err
	})
	return out, err
}
