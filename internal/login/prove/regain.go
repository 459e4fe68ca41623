package prove

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/policy"
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
		p, ok, err := s.mayRecover(ctx, t, v, f)
		if err != nil || !ok {
			return login.Found{Problem: login.ProblemPolicy}, err
		}
		r, got, err := s.d.Recoveries.Request(ctx, t, by(v), f.Whose(), p.RecoveryDelay())
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
		_, ok, err := s.mayRecover(ctx, t, v, f)
		if err == nil && !ok {
			ok, err = s.granted(ctx, t, v, f)
		}
		if err != nil || !ok {
			return login.Found{Problem: login.ProblemPolicy}, err
		}
		err = s.d.Recoveries.Finish(ctx, t, by(v), f.Whose(), f.Request.Evidence[0].At)
		if fault.Is(err, fault.NotFound) { // too early, cancelled, or proved before it was ready
			err = nil
		}
		return login.Found{Stay: true}, err
	})
}

// granted tells whether an administrator has begun the recovery, which holds where nobody can begin one themselves.
func (s *Service) granted(ctx context.Context, t tx.Tx, v login.Visit, f login.Facts) (bool, error) {
	if !firstProof(f) {
		return false, nil
	}
	r, err := s.d.Recoveries.Pending(ctx, t, v.Account, f.Whose())
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return r.Granted, err
}

// firstProof tells whether the login itself began with a first proof, and not with an old session.
func firstProof(f login.Facts) bool {
	return f.Request.Subject != "" && len(f.Request.Evidence) > 0 && demand.SecondKind(f.Request.Evidence[0].Method) == ""
}

// mayRecover: a first proof of this very login is what a recovery goes by, never an old session. What it
// removes is the person's everywhere, so that every policy under which they sign in has its say, and not
// only that of the application that somebody has chosen to sign in to.
func (s *Service) mayRecover(ctx context.Context, t tx.Tx, v login.Visit, f login.Facts) (policy.Policy, bool, error) {
	if !firstProof(f) {
		return f.Policy, false, nil
	}
	p, err := s.d.Demanded(ctx, t, v.Account, f.Whose())
	p = p.Merge(f.Policy)
	return p, !p.NoRecovery, err
}
