package login

import (
	"context"
	"errors"

	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// fillAccounts lists who is signed in with this browser.
func (s *Service) fillAccounts(ctx context.Context, view *View, f Facts) error {
	return s.d.DB.Read(ctx, tx.In(view.Account), func(ctx context.Context, t tx.Tx) error {
		view.Accounts = nil
		for i, one := range append([]session.Session{*f.Session}, f.Aside...) {
			u, err := s.d.Users.Find(ctx, t, view.Account, one.User)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			view.Accounts = append(view.Accounts, Account{Which: string(one.ID), Person: Person{ID: u.ID, Name: u.Name, Email: u.Email}, Active: i == 0})
		}
		return nil
	})
}

// ChooseSession answers a request to choose an account with one of the browser's sessions, which becomes
// the one that other pages show. Only a session that the browser holds can be chosen.
func (s *Service) ChooseSession(ctx context.Context, v Visit, id ident.LoginID, which string) (View, error) {
	var cookie secret.Text
	var found session.Session
	var r Request
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		cookie = secret.Text{}
		f, err := s.factsIn(ctx, t, v, id)
		if err != nil {
			return err
		}
		if Next(f) != StepAccounts {
			return ErrMoved
		}
		if found, r = *f.Session, f.Request; string(found.ID) != which {
			a := v.Actor
			a.Account = v.Account
			found, cookie, err = s.d.Sessions.Switch(ctx, t, a, v.Session, ident.SessionID(which))
			if errors.Is(err, session.ErrNone) {
				return ErrMoved
			}
			if err != nil {
				return err
			}
		}
		r.Picked = found.User
		ok, err := s.d.Store.Choose(ctx, t, r)
		return errors.Join(err, NotOK(ok))
	})
	if errors.Is(err, ErrMoved) {
		return s.show(ctx, v, id, shown{})
	}
	if err != nil {
		return View{}, err
	}
	view := View{State: StateRedirect, ID: id, Account: v.Account, Application: r.Application, Result: &Result{Location: Address(s.d.Accounts, r), Session: cookie}}
	if !cookie.Empty() {
		view.Result.SessionExpires = found.AbsoluteExpiry
	}
	return view, nil
}

// UseOther lets somebody sign in who is not the one whom the page shows. A request that is about somebody
// stays so: another one is made for the same wish (I-8).
func (s *Service) UseOther(ctx context.Context, v Visit, id ident.LoginID) (View, error) {
	f, err := s.Facts(ctx, v, id)
	if err != nil {
		return View{}, err
	}
	r := f.Request
	if !f.Found || !r.boundTo(f.Browser) || !r.DoneAt.IsZero() || !f.Now.Before(r.ExpiresAt) {
		return s.Refused(ctx, v, f)
	}
	half := r.Subject != ""
	err = s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		if !half {
			r.Other, r.Problem = true, ProblemNone
			ok, err := s.d.Store.Choose(ctx, t, r)
			return errors.Join(err, NotOK(ok))
		}
		r = f.Request.clone(t.Now())
		r.Setup, r.Browser, r.Other = f.Request.Setup, f.Browser, true // it is this browser's own wish
		if err := s.d.Store.Insert(ctx, t, r); err != nil {
			return err
		}
		return t.Emit(ctx, event.New(v.Actor, "login.restarted", string(r.ID), "instead", string(id)))
	})
	if err != nil && !errors.Is(err, ErrMoved) {
		return View{}, err
	}
	if err != nil || !half {
		return s.show(ctx, v, id, shown{})
	}
	return View{State: StateRedirect, ID: r.ID, Account: v.Account, Application: r.Application, Result: &Result{Location: Address(s.d.Accounts, r)}}, nil
}
