package holding

import (
	"context"

	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// BeginProof returns the options of a proof by one passkey of the person's, for navigator.credentials.get: one
// that was registered with a challenge that was not ours counts only from then on.
func (s *Service) BeginProof(ctx context.Context, o Owner, id string) (options []byte, err error) {
	c := s.ceremony(o)
	c.Passkey = id
	err = s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		options, err = s.d.Passkeys.BeginLogin(ctx, t, c)
		return err
	})
	return options, err
}

// FinishProof takes the answer to BeginProof.
func (s *Service) FinishProof(ctx context.Context, o Owner, id string, response []byte) (p passkey.Proof, err error) {
	c := s.ceremony(o)
	c.Passkey = id
	err = s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		models, err := s.d.Models(ctx, t, o.By.Account, o.User())
		if err != nil {
			return err
		}
		if len(models) > 0 { // it was registered before they were restricted
			p = passkey.Proof{Refused: passkey.RefusedModel}
			return nil
		}
		p, err = s.d.Passkeys.FinishLogin(ctx, t, c, response)
		return err
	})
	return p, err
}

// Recovery is the recovery of a person that waits or is ready, if there is one.
func (s *Service) Recovery(ctx context.Context, account ident.AccountID, user ident.UserID) (r regain.Recovery, waits bool, err error) {
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		r, err = s.d.Regain.Pending(ctx, t, account, user)
		if waits = err == nil; fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	return r, waits, fault.Wrap("holding.Recovery", err)
}

// CancelRecovery stops a recovery that waits. NotFound when none does.
func (s *Service) CancelRecovery(ctx context.Context, o Owner) error {
	return s.write(ctx, o, func(ctx context.Context, t tx.Tx) error {
		return s.d.Regain.Cancel(ctx, t, o.By, o.User(), regain.BySession)
	})
}
