package login

import (
	"context"
	"encoding/json"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

const setupPurpose = "login/setup-link"

// SetupOutcome is what the setup hook made for the first administrator.
type SetupOutcome struct {
	User      ident.UserID
	ClientID  ident.ServiceClientID
	AccessKey secret.Text
}

// storedOutcome is SetupOutcome under a seal, between the login and its page.
type storedOutcome struct {
	User      ident.UserID          `json:"user"`
	ClientID  ident.ServiceClientID `json:"client"`
	AccessKey string                `json:"key"`
}

// IssueSetup makes the single setup link of an account, valid for SetupLife; the one before dies.
func (s *Service) IssueSetup(ctx context.Context, a actor.Actor) (url string, err error) {
	token := secret.Random("")
	err = s.d.DB.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		if err := s.d.Grants.PutSetup(ctx, t, a.Account, setupHash(token), t.Now().Add(SetupLife)); err != nil {
			return err
		}
		return t.Emit(ctx, event.New(a, "login.setup.issued", string(a.Account)))
	})
	return setupAddress(s.d.Accounts.Issuer(a.Account), token.Reveal()), err
}

// ViewSetup is GET /setup?token=...: StateChoose when the link is alive, else StateFailed. It changes nothing.
func (s *Service) ViewSetup(ctx context.Context, v Visit, token secret.Text) (view View, err error) {
	err = s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		alive, err := s.d.Grants.SetupAlive(ctx, t, v.Account, setupHash(token))
		view = View{State: StateChoose, Account: v.Account, Setup: true}
		if !alive {
			view.State, view.Problem = StateFailed, ProblemSetupDead
		}
		return err
	})
	return view, err
}

// StartSetup is the POST behind the setup page's button: it starts a login that is bound to the
// link and leads to its page. The link is used up when the login is finished.
func (s *Service) StartSetup(ctx context.Context, v Visit, token secret.Text) (View, error) {
	hash := setupHash(token)
	r := Request{Account: v.Account, ID: newLoginID(), Application: ident.DefaultApplication, Setup: hash, Browser: browserHash(v.Browser)}
	alive := false
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) (err error) {
		if alive, err = s.d.Grants.SetupAlive(ctx, t, v.Account, hash); err != nil || !alive {
			return err
		}
		r.CreatedAt, r.ExpiresAt = t.Now(), t.Now().Add(RequestLife)
		if err := s.d.Store.Insert(ctx, t, r); err != nil {
			return err
		}
		return t.Emit(ctx, event.New(v.Actor, "login.setup.started", string(r.ID)))
	})
	if err != nil {
		return View{}, err
	}
	if !alive {
		return View{State: StateFailed, Problem: ProblemSetupDead, Account: v.Account, Setup: true}, nil
	}
	return View{State: StateRedirect, ID: r.ID, Account: v.Account, Setup: true, Result: &Result{Location: s.address(r)}}, nil
}

// SetupResult is GET /setup/done?state=ID: what the setup made, shown once to the browser that
// did it. The fault's kind is NotFound when it was shown already.
func (s *Service) SetupResult(ctx context.Context, v Visit, id ident.LoginID) (out SetupOutcome, err error) {
	err = s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		browser := browserHash(v.Browser)
		if browser == nil {
			return fault.New(fault.NotFound, fault.CodeNotFound, "There is nothing to show.")
		}
		sealed, err := s.d.Store.TakeOutcome(ctx, t, v.Account, id, browser)
		if err != nil {
			return err
		}
		plain, err := s.d.Keys.Open(outcomePurpose, sealed, string(v.Account), string(id))
		if err != nil {
			return err
		}
		var stored storedOutcome
		if err := json.Unmarshal(plain, &stored); err != nil {
			return err
		}
		out = SetupOutcome{User: stored.User, ClientID: stored.ClientID, AccessKey: secret.New(stored.AccessKey)}
		return nil
	})
	return out, err
}

func setupHash(token secret.Text) []byte { return secret.Hash(setupPurpose, token.Reveal()) }
