// Package setup owns the setup link: whoever signs in with it becomes the account's first
// administrator, once. The login itself uses the link up (package login).
//
// Entry points: Service.Issue, and what the pages ask: ViewSetup, StartSetup, SetupResult.
package setup

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
)

const purpose = "login/setup-link"

// Deps is what the service needs.
type Deps struct {
	DB       tx.Runner
	Store    login.Store
	Grants   login.Grants
	Keys     *crypt.Keys
	Accounts login.Accounts
}

// Service holds the verbs.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// Issue makes the single setup link of an account, valid for login.SetupLife; the one before dies.
func (s *Service) Issue(ctx context.Context, a actor.Actor) (link string, err error) {
	token := secret.Random("")
	err = s.d.DB.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		if err := s.d.Grants.PutSetup(ctx, t, a.Account, hash(token), t.Now().Add(login.SetupLife)); err != nil {
			return err
		}
		return t.Emit(ctx, event.New(a, "login.setup.issued", string(a.Account)))
	})
	return s.d.Accounts.Issuer(a.Account) + "/setup?" + url.Values{"token": {token.Reveal()}}.Encode(), err
}

// ViewSetup is GET /setup?token=...: StateChoose when the link is alive, else StateFailed. It changes nothing.
func (s *Service) ViewSetup(ctx context.Context, v login.Visit, token secret.Text) (view login.View, err error) {
	err = s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		alive, err := s.d.Grants.SetupAlive(ctx, t, v.Account, hash(token))
		view = login.View{State: login.StateChoose, Account: v.Account, Setup: true}
		if !alive {
			view.State, view.Problem = login.StateFailed, login.ProblemSetupDead
		}
		return err
	})
	return view, err
}

// StartSetup is the POST behind the setup page's button: it starts a login that is bound to the
// link and leads to its page. The link is used up when the login is finished.
func (s *Service) StartSetup(ctx context.Context, v login.Visit, token secret.Text) (login.View, error) {
	r := login.Request{
		Account: v.Account, ID: login.NewID(), Application: ident.DefaultApplication, Setup: hash(token), Browser: login.BrowserHash(v.Browser),
	}
	alive := false
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) (err error) {
		if alive, err = s.d.Grants.SetupAlive(ctx, t, v.Account, r.Setup); err != nil || !alive {
			return err
		}
		r.CreatedAt, r.ExpiresAt = t.Now(), t.Now().Add(login.RequestLife)
		if err := s.d.Store.Insert(ctx, t, r); err != nil {
			return err
		}
		return t.Emit(ctx, event.New(v.Actor, "login.setup.started", string(r.ID)))
	})
	if err != nil {
		return login.View{}, err
	}
	if !alive {
		return login.View{State: login.StateFailed, Problem: login.ProblemSetupDead, Account: v.Account, Setup: true}, nil
	}
	page := s.d.Accounts.Issuer(v.Account) + "/login?" + url.Values{"state": {string(r.ID)}}.Encode()
	return login.View{State: login.StateRedirect, ID: r.ID, Account: v.Account, Setup: true, Result: &login.Result{Location: page}}, nil
}

// SetupResult is POST /setup/done: what the setup made, shown once to the browser that did it. The
// fault's kind is NotFound when it was shown already.
func (s *Service) SetupResult(ctx context.Context, v login.Visit, id ident.LoginID) (out login.SetupOutcome, err error) {
	err = s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		browser := login.BrowserHash(v.Browser)
		if browser == nil {
			return fault.New(fault.NotFound, fault.CodeNotFound, "There is nothing to show.")
		}
		sealed, err := s.d.Store.TakeOutcome(ctx, t, v.Account, id, browser)
		if err != nil {
			return err
		}
		plain, err := s.d.Keys.Open(login.OutcomePurpose, sealed, string(v.Account), string(id))
		if err != nil {
			return err
		}
		var stored login.StoredOutcome
		if err := json.Unmarshal(plain, &stored); err != nil {
			return err
		}
		out = login.SetupOutcome{User: stored.User, ClientID: stored.ClientID, AccessKey: secret.New(stored.AccessKey)}
		return nil
	})
	return out, err
}

func hash(token secret.Text) []byte { return secret.Hash(purpose, token.Reveal()) }
