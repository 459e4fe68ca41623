package prove

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/factor/recovery"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
)

// errMade says that the request makes no codes, or no more.
var errMade = fault.New(fault.Conflict, fault.CodeConflict, "This sign-in makes no recovery codes now.")

// RenewCodes makes new recovery codes for somebody whose last one this very sign-in took. The view has them,
// this once. Asked again before the sign-in ends, as by a press of the button that came twice, it makes others:
// those of the answer that is seen last are the good ones.
func (s *Service) RenewCodes(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	var codes []secret.Text
	err := s.d.Box.Prepare(ctx, v, id, func(ctx context.Context, t tx.Tx, f login.Facts) error {
		if ok, err := s.mayRenew(ctx, t, v, f); err != nil || !ok {
			return orElse(err, errMade)
		}
		who := by(v)
		who.Kind, who.ID = actor.User, string(f.Whose())
		var err error
		codes, err = s.d.Codes.Create(ctx, t, who, f.Whose())
		return err
	}, login.StepRenew, login.StepComplete)
	if fault.Is(err, fault.Conflict) { // its page says where it is
		return s.d.Box.View(ctx, v, id)
	}
	if err != nil {
		return login.View{}, err
	}
	f, err := s.d.Box.Facts(ctx, v, id)
	if err != nil {
		return login.View{}, err
	}
	return s.d.Box.PageWith(ctx, login.StepRenew, v, f, login.ProblemNone, func(p *login.View) { p.Codes = codes })
}

// mayRenew tells whether the last code was taken here, and nothing has become of those that were made since.
func (s *Service) mayRenew(ctx context.Context, t tx.Tx, v login.Visit, f login.Facts) (bool, error) {
	if login.Next(f) == login.StepRenew {
		return true, nil
	}
	made, err := s.d.Codes.Made(ctx, t, v.Account, f.Whose())
	if err != nil || f.Held.Recovery != recovery.Count {
		return false, err
	}
	for _, e := range f.Request.Evidence {
		if e.Method == session.MethodRecovery {
			return !made.Before(e.At.Truncate(time.Microsecond)), nil
		}
	}
	return false, nil
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
