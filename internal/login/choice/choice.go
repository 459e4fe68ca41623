// Package choice owns what somebody chooses about whose login it is: one of the sessions that the browser has, somebody
// else, or to begin again.
//
// Entry points: ChooseSession, UseOther, Restart.
package choice

import (
	"context"
	"errors"

	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
)

// Deps is what the service needs.
type Deps struct {
	DB       tx.Runner
	Box      *login.Service
	Store    login.Store
	Accounts login.Accounts
	Sessions *session.Service
	Codes    emailcode.Store
}

// Service holds the verbs.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d: d} }

// Restart begins an expired or foreign login again in this browser. An unfinished request that
// no other browser has is opened again, so that the application knows the answer for its own;
// for another browser a new request with the same wish is made, and the application, which
// did not start it there, will find the session instead. Either way the PKCE challenge stays.
func (s *Service) Restart(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	var to login.Request
	var unknown, setup, done bool
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		unknown, setup, done = false, false, false
		r, err := s.d.Store.Get(ctx, t, v.Account, id)
		if fault.Is(err, fault.NotFound) || err == nil && !s.d.Box.Returns(r) {
			unknown = true
			return nil
		}
		if err != nil {
			return err
		}
		to = r
		browser := login.BrowserHash(v.Browser)
		switch {
		case r.BoundTo(browser) && !r.DoneAt.IsZero():
			done = true
			return nil
		case r.DoneAt.IsZero() && (len(r.Browser) == 0 || r.BoundTo(browser)):
			if err := s.d.Codes.Forget(ctx, t, v.Account, id); err != nil {
				return err
			}
			ok, err := s.d.Store.Revive(ctx, t, v.Account, id, browser, t.Now().Add(login.RequestLife))
			return errors.Join(err, login.NotOK(ok))
		case len(r.Setup) > 0:
			setup = true
			return nil
		}
		to = r.Clone(t.Now())
		if err := s.d.Store.Insert(ctx, t, to); err != nil {
			return err
		}
		return t.Emit(ctx, event.New(v.Actor, "login.restarted", string(to.ID), "instead", string(id)))
	})
	switch {
	case errors.Is(err, login.ErrMoved), err == nil && done:
		return s.d.Box.View(ctx, v, id)
	case err != nil:
		return login.View{}, err
	case unknown:
		return login.View{State: login.StateFailed, Problem: login.ProblemUnknownRequest, Account: v.Account}, nil
	case setup:
		return login.View{State: login.StateFailed, Problem: login.ProblemSetupDead, Account: v.Account}, nil
	}
	return login.View{State: login.StateRedirect, ID: to.ID, Account: v.Account, Application: to.Application, Result: &login.Result{Location: login.Address(s.d.Accounts, to)}}, nil
}

// ChooseSession answers a request to choose an account with one of the browser's sessions, which becomes
// the one that other pages show. Only a session that the browser holds can be chosen.
func (s *Service) ChooseSession(ctx context.Context, v login.Visit, id ident.LoginID, which string) (login.View, error) {
	var cookie secret.Text
	var found session.Session
	var r login.Request
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		cookie = secret.Text{}
		f, err := s.d.Box.FactsIn(ctx, t, v, id)
		if err != nil {
			return err
		}
		if login.Next(f) != login.StepAccounts {
			return login.ErrMoved
		}
		if found, r = *f.Session, f.Request; string(found.ID) != which {
			a := v.Actor
			a.Account = v.Account
			found, cookie, err = s.d.Sessions.Switch(ctx, t, a, v.Session, ident.SessionID(which))
			if errors.Is(err, session.ErrNone) {
				return login.ErrMoved
			}
			if err != nil {
				return err
			}
		}
		r.Picked = found.User
		ok, err := s.d.Store.Choose(ctx, t, r)
		return errors.Join(err, login.NotOK(ok))
	})
	if errors.Is(err, login.ErrMoved) {
		return s.d.Box.View(ctx, v, id)
	}
	if err != nil {
		return login.View{}, err
	}
	view := login.View{State: login.StateRedirect, ID: id, Account: v.Account, Application: r.Application, Result: &login.Result{Location: login.Address(s.d.Accounts, r), Session: cookie}}
	if !cookie.Empty() {
		view.Result.SessionExpires = found.AbsoluteExpiry
	}
	return view, nil
}

// UseOther lets somebody sign in who is not the one whom the page shows. A request that is about somebody
// stays so: another one is made for the same wish (I-8).
func (s *Service) UseOther(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	f, err := s.d.Box.Facts(ctx, v, id)
	if err != nil {
		return login.View{}, err
	}
	r := f.Request
	if !f.Found || !r.BoundTo(f.Browser) || !r.DoneAt.IsZero() || !f.Now.Before(r.ExpiresAt) {
		return s.d.Box.Refused(ctx, v, f)
	}
	half := r.Subject != ""
	err = s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		if !half {
			r.Other, r.Problem = true, login.ProblemNone
			ok, err := s.d.Store.Choose(ctx, t, r)
			return errors.Join(err, login.NotOK(ok))
		}
		r = f.Request.Clone(t.Now())
		r.Setup, r.Browser, r.Other = f.Request.Setup, f.Browser, true // it is this browser's own wish
		if err := s.d.Store.Insert(ctx, t, r); err != nil {
			return err
		}
		return t.Emit(ctx, event.New(v.Actor, "login.restarted", string(r.ID), "instead", string(id)))
	})
	if err != nil && !errors.Is(err, login.ErrMoved) {
		return login.View{}, err
	}
	if err != nil || !half {
		return s.d.Box.View(ctx, v, id)
	}
	return login.View{State: login.StateRedirect, ID: r.ID, Account: v.Account, Application: r.Application, Result: &login.Result{Location: login.Address(s.d.Accounts, r)}}, nil
}
