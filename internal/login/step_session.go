package login

import (
	"context"
	"errors"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

func systemActor(account ident.AccountID) actor.Actor { return actor.ForSystem(account) }

// Continue completes the login with the session that the browser has (View.Current).
func (s *Service) Continue(ctx context.Context, v Visit, id ident.LoginID) (View, error) {
	f, ok, err := s.Open(ctx, v, id)
	if err != nil {
		return View{}, err
	}
	if !ok {
		return s.Refused(ctx, v, f)
	}
	if able, err := s.continues(ctx, v, f); err != nil || !able {
		if err != nil {
			return View{}, err
		}
		return s.page(ctx, StepChoose, v, f, shown{})
	}
	view, err := s.continueSession(ctx, v, f)
	if errors.Is(err, ErrMoved) {
		return s.show(ctx, v, id, shown{})
	}
	return view, err
}

// continues tells whether the browser's session is good enough for the request, where the person says so. A
// request for one connection is not answered by a session from another, whoever asks.
func (s *Service) continues(ctx context.Context, v Visit, f Facts) (bool, error) {
	if f.Session == nil {
		return false, nil
	}
	f.Request.MultiAccount, f.Request.Other = false, false
	err := s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error { // of the one whose session it is
		return s.factors(ctx, t, v, &f, f.Whose())
	})
	return err == nil && f.sessionAnswers(), err
}

// continueSession answers the request with the living session: single sign-on. Nothing was
// proved anew, so the session, its cookie and its evidence stay as they are. ErrMoved when the
// session or the request is gone meanwhile.
func (s *Service) continueSession(ctx context.Context, v Visit, f Facts) (View, error) {
	var end ended
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		found, err := s.d.Sessions.ByCookie(ctx, t, v.Account, v.Session)
		if errors.Is(err, session.ErrNone) {
			return ErrMoved
		}
		if err != nil {
			return err
		}
		person, err := s.d.Users.Find(ctx, t, v.Account, found.User)
		if fault.Is(err, fault.NotFound) {
			return ErrMoved
		}
		if err != nil {
			return err
		}
		end, err = s.close(ctx, t, v, f.Request, ended{user: person, session: found})
		return err
	})
	if errors.Is(err, errSetupDead) {
		return View{State: StateFailed, Problem: ProblemSetupDead, Account: v.Account}, nil
	}
	if err != nil {
		return View{}, err
	}
	// Single sign-on is a use of the session; that it cannot be noted is no reason to refuse.
	if _, err := s.d.Sessions.Resume(ctx, v.Account, v.Session); err != nil {
		s.d.Log.WarnContext(ctx, "the use of a session cannot be noted", "error", err)
	}
	return s.leave(ctx, v, f.Request, end)
}
