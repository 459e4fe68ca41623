package login

import (
	"context"
	"errors"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/user"
)

// NotOK is ErrMoved for a statement that changed nothing.
func NotOK(ok bool) error {
	if ok {
		return nil
	}
	return ErrMoved
}

// Home sends the browser to where the people of an address's domain sign in, if that is elsewhere.
func (s *Service) Home(ctx context.Context, v Visit, f Facts, address mail.Address) (view View, elsewhere bool, err error) {
	home, ok := s.Doors().HomeOf(f.Request, address)
	if ok {
		f.Request.Hint = string(address)
		view, err = s.forward(ctx, v, f.Request, home)
		if errors.Is(err, ErrMoved) {
			view, err = s.show(ctx, v, f.Request.ID, shown{})
		}
	}
	return view, ok, err
}

// finishFailed turns the failure of a completion into a page, where it is one.
func (s *Service) finishFailed(ctx context.Context, v Visit, r Request, err error) (View, error) {
	switch {
	case errors.Is(err, ErrMoved):
		return s.show(ctx, v, r.ID, shown{})
	case errors.Is(err, errSetupDead):
		return View{State: StateFailed, Problem: ProblemSetupDead, Account: v.Account}, nil
	case errors.Is(err, user.ErrUnusable):
		s.d.Log.WarnContext(ctx, "what a service client says about a person was refused", "login", r.ID, "error", err)
		return View{State: StateFailed, Problem: ProblemUpstreamFailed, Account: v.Account}, nil
	case errors.Is(err, errOther):
		return s.show(ctx, v, r.ID, shown{problem: ProblemOtherPerson})
	case errors.Is(err, errDemand), fault.Is(err, fault.Forbidden), linkProblem(err) != ProblemNone:
		problem := ProblemUserUnavailable
		switch {
		case linkProblem(err) != ProblemNone:
			problem = linkProblem(err)
		case errors.Is(err, errNotMember):
			problem = ProblemNotMember
		case errors.Is(err, errDemand):
			problem = ProblemPolicy
		}
		f, err := s.Facts(ctx, v, r.ID)
		if err != nil {
			return View{}, err
		}
		return s.page(ctx, StepChoose, v, f, shown{problem: problem})
	}
	return View{}, err
}
