package prove

import (
	"context"
	"errors"
	"slices"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// BeginEnrolPasskey makes the options for navigator.credentials.create.
func (s *Service) BeginEnrolPasskey(ctx context.Context, v login.Visit, id ident.LoginID) (options []byte, err error) {
	err = s.d.Box.Prepare(ctx, v, id, func(ctx context.Context, t tx.Tx, f login.Facts) error {
		c, u, err := s.registration(ctx, t, v, f)
		if err != nil {
			return err
		}
		if !slices.Contains(f.Ways(), factor.Passkey) {
			return fault.New(fault.Conflict, fault.CodeConflict, "This sign-in takes no new passkey.")
		}
		c.Label, c.Name = label(u), u.Name
		options, err = s.d.Passkeys.BeginRegistration(ctx, t, c)
		return err
	}, login.StepEnrol)
	return options, err
}

// FinishEnrolPasskey registers what the device made, under a name or one that fits, and goes on with it as
// the second factor.
func (s *Service) FinishEnrolPasskey(ctx context.Context, v login.Visit, id ident.LoginID, name string, response []byte) (login.View, error) {
	return s.d.Box.Try(ctx, v, id, login.StepEnrol, func(ctx context.Context, t tx.Tx, f login.Facts) (login.Found, error) {
		if !slices.Contains(f.Ways(), factor.Passkey) {
			return login.Found{Problem: login.ProblemFactorRefused}, nil
		}
		c, _, err := s.registration(ctx, t, v, f)
		if err != nil {
			return login.Found{}, err
		}
		made, err := s.d.Passkeys.FinishRegistration(ctx, t, c, name, response)
		switch {
		case err != nil:
			return login.Found{}, err
		case made.Refused == passkey.RefusedGone:
			return login.Found{Problem: login.ProblemEnrolGone}, nil
		case made.Refused != "" || made.Passkey.Pending:
			return login.Found{Problem: login.ProblemEnrolRefused}, nil
		}
		return login.Found{User: f.Whose(), Evidence: session.Evidence{
			Method: session.MethodPasskey, Subject: made.Passkey.ID, Verified: made.Passkey.Verified, Synced: made.Passkey.Eligible,
		}}, nil
	})
}

func (s *Service) registration(ctx context.Context, t tx.Tx, v login.Visit, f login.Facts) (passkey.Ceremony, user.User, error) {
	u, err := s.d.Users.Find(ctx, t, v.Account, f.Whose())
	return passkey.Ceremony{
		Account: v.Account, Login: f.Request.ID, Browser: f.Browser, User: f.Whose(), By: by(v), Models: f.Policy.Authenticators,
		UserVerification: f.Request.ACR == session.ACRPhishingResistant,
	}, u, err
}

// BeginEnrolTOTP shows the seed for an authenticator app.
func (s *Service) BeginEnrolTOTP(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	return s.d.Box.Try(ctx, v, id, login.StepEnrol, func(ctx context.Context, t tx.Tx, f login.Facts) (login.Found, error) {
		if !slices.Contains(f.Ways(), factor.TOTP) {
			return login.Found{Problem: login.ProblemFactorRefused}, nil
		}
		b, err := s.starter(ctx, t, v, f)
		if err != nil {
			return login.Found{}, err
		}
		e, err := s.d.Apps.Begin(ctx, t, b)
		return login.Found{Stay: true, Fill: seed(e)}, err
	})
}

// FinishEnrolTOTP registers the app whose code was typed, and goes on with it as the second factor. After a
// wrong code the page shows the seed again.
func (s *Service) FinishEnrolTOTP(ctx context.Context, v login.Visit, id ident.LoginID, code string) (login.View, error) {
	return s.d.Box.Try(ctx, v, id, login.StepEnrol, func(ctx context.Context, t tx.Tx, f login.Facts) (login.Found, error) {
		if !slices.Contains(f.Ways(), factor.TOTP) {
			return login.Found{Problem: login.ProblemFactorRefused}, nil
		}
		b, err := s.starter(ctx, t, v, f)
		if err != nil {
			return login.Found{}, err
		}
		_, got, err := s.d.Apps.Confirm(ctx, t, by(v), f.Whose(), b.Binding, "", code)
		switch {
		case errors.Is(err, totp.ErrGone):
			return login.Found{Problem: login.ProblemEnrolGone}, nil
		case err != nil:
			return login.Found{}, err
		case got.Outcome == factor.Right:
			return login.Found{User: f.Whose(), Evidence: session.Evidence{Method: session.MethodTOTP}}, nil
		}
		found := wrong(t, got)
		e, err := s.d.Apps.Shown(ctx, t, b)
		if errors.Is(err, totp.ErrGone) { // that was the last attempt
			return login.Found{Problem: login.ProblemEnrolGone}, nil
		}
		found.Fill = seed(e)
		return found, err
	})
}

func (s *Service) starter(ctx context.Context, t tx.Tx, v login.Visit, f login.Facts) (totp.Starter, error) {
	u, err := s.d.Users.Find(ctx, t, v.Account, f.Whose())
	return totp.Starter{
		Account: v.Account, User: f.Whose(), Binding: append([]byte("login "+string(f.Request.ID)+" "), f.Browser...),
		Issuer: s.d.Name(v.Account), Label: label(u),
	}, err
}

func label(u user.User) string {
	switch {
	case u.Email != "":
		return u.Email
	case u.Name != "":
		return u.Name
	}
	return string(u.ID)
}

func seed(e totp.Enrolment) func(*login.View) {
	return func(p *login.View) { p.Seed, p.SeedURI = e.Secret, e.URI }
}
