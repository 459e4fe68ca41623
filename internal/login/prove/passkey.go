package prove

import (
	"context"
	"slices"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
)

// BeginPasskey makes the options for navigator.credentials.get: of the step that the login is at. A page
// also asks for them beforehand, for the autofill of the address box.
func (s *Service) BeginPasskey(ctx context.Context, v login.Visit, id ident.LoginID) (options []byte, err error) {
	err = s.d.Box.Prepare(ctx, v, id, func(ctx context.Context, t tx.Tx, f login.Facts) error {
		if !mayPasskey(f) {
			return fault.New(fault.Conflict, fault.CodeConflict, "This sign-in takes no passkey.")
		}
		options, err = s.d.Passkeys.BeginLogin(ctx, t, ceremony(v, f))
		return err
	}, login.StepChoose, login.StepSecond)
	return options, err
}

// FinishPasskey takes the device's answer.
func (s *Service) FinishPasskey(ctx context.Context, v login.Visit, id ident.LoginID, response []byte) (login.View, error) {
	at, err := s.at(ctx, v, id)
	if err != nil {
		return login.View{}, err
	}
	return s.d.Box.Try(ctx, v, id, at, func(ctx context.Context, t tx.Tx, f login.Facts) (login.Found, error) {
		if !mayPasskey(f) {
			return login.Found{Problem: login.ProblemFactorRefused}, nil
		}
		proof, err := s.d.Passkeys.FinishLogin(ctx, t, ceremony(v, f), response)
		if err != nil {
			return login.Found{}, err
		}
		if proof.Refused != "" || proof.User == "" {
			return login.Found{Problem: problemOf(proof.Refused)}, nil
		}
		if err := s.shown(ctx, t, v, proof.User); err != nil {
			return login.Found{}, err
		}
		return login.Found{User: proof.User, Evidence: session.Evidence{
			Method: session.MethodPasskey, Connection: PasskeyConnection, Subject: proof.ID, Verified: proof.Verified, Synced: proof.Synced,
		}}, nil
	})
}

// at is whether a passkey would be the second step now, or a first proof.
func (s *Service) at(ctx context.Context, v login.Visit, id ident.LoginID) (login.Step, error) {
	f, err := s.d.Box.Facts(ctx, v, id)
	if f.At() == login.StepSecond {
		return login.StepSecond, err
	}
	return login.StepChoose, err
}

// mayPasskey tells whether the step that the login is at takes one.
func mayPasskey(f login.Facts) bool {
	if f.At() == login.StepSecond {
		return slices.Contains(f.Ways(), factor.Passkey)
	}
	return f.Only == "" && !f.NoPasskeys && f.Policy.AllowsFirst(factor.Passkey)
}

// ceremony is what a challenge is for: of whoever holds a passkey, who must be verified by the device then,
// or of the person whose second step it is.
func ceremony(v login.Visit, f login.Facts) passkey.Ceremony {
	c := passkey.Ceremony{Account: v.Account, Login: f.Request.ID, Browser: f.Browser, By: by(v), UserVerification: true}
	if f.At() == login.StepSecond {
		c.User, c.UserVerification = f.Whose(), f.Request.ACR == session.ACRPhishingResistant
	}
	return c
}

func problemOf(r passkey.Refusal) login.Problem {
	switch r {
	case passkey.RefusedUnknown:
		return login.ProblemPasskeyUnknown
	case passkey.RefusedUnproved:
		return login.ProblemPasskeyUnproved
	}
	return login.ProblemPasskeyRefused
}
