package prove

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/demand"
)

// RequestRecovery begins the delayed recovery of somebody who has proved a first factor and lost every
// second one. Nobody gets in by it now.
func (s *Service) RequestRecovery(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	return s.d.Box.Try(ctx, v, id, login.StepSecond, func(ctx context.Context, t tx.Tx, f login.Facts) (login.Found, error) {
		if !mayRecover(f) {
			return login.Found{Problem: login.ProblemPolicy}, nil
		}
		r, got, err := s.d.Recoveries.Request(ctx, t, by(v), f.Whose(), f.Policy.RecoveryDelay())
		if err == nil && got.Outcome == factor.Paused {
			until := t.Now().Add(time.Duration(got.Retry) * time.Second)
			return login.Found{Problem: login.ProblemSecondPaused, Fill: func(p *login.View) { p.RetryAt = until }}, nil
		}
		return login.Found{Stay: true, Fill: func(p *login.View) { p.RecoveryAt = r.ReadyAt }}, err
	})
}

// FinishRecovery ends a recovery whose time has come: what the person has lost is removed, their sessions
// end, and the login goes on without a second factor, or with a new one where the policy demands it.
func (s *Service) FinishRecovery(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	return s.d.Box.Try(ctx, v, id, login.StepSecond, func(ctx context.Context, t tx.Tx, f login.Facts) (login.Found, error) {
		if !mayRecover(f) {
			return login.Found{Problem: login.ProblemPolicy}, nil
		}
		err := s.d.Recoveries.Finish(ctx, t, by(v), f.Whose(), f.Request.Evidence[0].At)
		if fault.Is(err, fault.NotFound) { // too early, cancelled, or proved before it was ready
			err = nil
		}
		return login.Found{Stay: true}, err
	})
}

// mayRecover: a first proof of this very login is what a recovery goes by, never an old session.
func mayRecover(f login.Facts) bool {
	return !f.Policy.NoRecovery && f.Request.Subject != "" && len(f.Request.Evidence) > 0 && demand.SecondKind(f.Request.Evidence[0].Method) == ""
}
