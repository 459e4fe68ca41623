package prove

import (
	"context"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
)

// EnterTOTP checks the code of an authenticator app. The attempt is spent even when it fails.
func (s *Service) EnterTOTP(ctx context.Context, v login.Visit, id ident.LoginID, code string) (login.View, error) {
	return s.enter(ctx, v, id, factor.TOTP, session.MethodTOTP, func(ctx context.Context, t tx.Tx, who ident.UserID) (factor.Result, error) {
		return s.d.Apps.Enter(ctx, t, by(v), who, code)
	})
}

// EnterRecovery uses a recovery code up. The attempt is spent even when it fails.
func (s *Service) EnterRecovery(ctx context.Context, v login.Visit, id ident.LoginID, code string) (login.View, error) {
	return s.enter(ctx, v, id, factor.Recovery, session.MethodRecovery, func(ctx context.Context, t tx.Tx, who ident.UserID) (factor.Result, error) {
		return s.d.Codes.Use(ctx, t, by(v), who, code)
	})
}

func (s *Service) enter(ctx context.Context, v login.Visit, id ident.LoginID, kind factor.Kind, method session.Method, check func(context.Context, tx.Tx, ident.UserID) (factor.Result, error)) (login.View, error) {
	return s.d.Box.Try(ctx, v, id, login.StepSecond, func(ctx context.Context, t tx.Tx, f login.Facts) (login.Found, error) {
		if !slices.Contains(f.Ways(), kind) {
			return login.Found{Problem: login.ProblemFactorRefused}, nil
		}
		got, err := check(ctx, t, f.Whose())
		if err != nil {
			return login.Found{}, err
		}
		if got.Outcome != factor.Right {
			return wrong(t, got), nil
		}
		return login.Found{User: f.Whose(), Evidence: session.Evidence{Method: method}}, s.shown(ctx, t, v, f.Whose())
	})
}

// shown notes that somebody has a second factor after all, be it that a passkey was their first proof: a
// recovery that waits is not needed, or somebody else's.
func (s *Service) shown(ctx context.Context, t tx.Tx, v login.Visit, who ident.UserID) error {
	err := s.d.Recoveries.Cancel(ctx, t, by(v), who, regain.ByLogin)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

func wrong(t tx.Tx, got factor.Result) login.Found {
	if got.Outcome == factor.Paused {
		until := t.Now().Add(time.Duration(got.Retry) * time.Second)
		return login.Found{Problem: login.ProblemSecondPaused, Fill: func(p *login.View) { p.RetryAt = until }}
	}
	return login.Found{Problem: login.ProblemSecondWrong}
}
