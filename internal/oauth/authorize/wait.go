package authorize

import (
	"context"
	"net/url"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/address"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize/check"
	"github.com/admit-id/admit/internal/user"
)

// The pages of ours that a request passes.
const (
	PathResume  = "/oauth/resume"
	PathConsent = "/consent"
)

// store makes a request wait: a row that belongs to this browser.
func store(v Visit, r *check.Request, row Request) (Request, secret.Text) {
	if row.ID != "" {
		return row, secret.Text{}
	}
	fresh := secret.Text{}
	if v.Browser.Empty() {
		fresh = secret.Random("")
		v.Browser = fresh
	}
	return Request{
		Account: v.Account, ID: ident.New("areq_"), Client: r.Client.ID, Params: r.Params, Pushed: r.Pushed, Signed: r.Signed,
		Extension: r.Extension, Browser: login.BrowserHash(v.Browser),
	}, fresh
}

// save writes a waiting request: a new row, or what changed of the old one.
func (s *Service) save(ctx context.Context, t tx.Tx, old, row Request) error {
	if old.ID != "" {
		return s.d.Store.Await(ctx, t, row)
	}
	row.CreatedAt, row.ExpiresAt = t.Now(), t.Now().Add(oauth.RequestLife)
	return s.d.Store.Insert(ctx, t, row)
}

// sendToLogin makes the request wait for a login.
func (s *Service) sendToLogin(ctx context.Context, v Visit, r *check.Request, old Request, n need) (Outcome, error) {
	row, fresh := store(v, r, old)
	errand := login.Errand{
		Account: v.Account, Actor: v.Actor, Application: r.Client.Application, Return: PathResume + "?" + url.Values{"request": {row.ID}}.Encode(),
		Host: v.Host, Hint: r.LoginHint, Fresh: n.fresh, Choose: n.choose, ACR: n.acr, Wish: n.wish,
	}
	if errand.Application == "" {
		errand.PartyName = r.Client.Name
	}
	var started login.Started
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) (err error) {
		if started, err = s.d.Logins.StartErrandIn(ctx, t, errand); err != nil {
			return err
		}
		row.Login, row.User = started.ID, ""
		return s.save(ctx, t, old, row)
	})
	if err != nil {
		return s.refuse(ctx, v, r, err)
	}
	to := started.URL
	if r.Locales != "" {
		to = address.WithQuery(to, url.Values{"ui_locales": {r.Locales}})
	}
	return Outcome{Location: to, NewBrowser: fresh}, nil
}

// sendToConsent makes the request wait for what the person says.
func (s *Service) sendToConsent(ctx context.Context, v Visit, r *check.Request, old Request, f facts) (Outcome, error) {
	row, fresh := store(v, r, old)
	row.User = f.session.User
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		return s.save(ctx, t, old, row)
	})
	if err != nil {
		return s.refuse(ctx, v, r, err)
	}
	q := url.Values{"request": {row.ID}}
	if r.Locales != "" {
		q.Set("ui_locales", r.Locales)
	}
	return Outcome{Location: s.base(v) + PathConsent + "?" + q.Encode(), NewBrowser: fresh}, nil
}

// base is where this browser finds our pages: the issuer's address, or its loopback twin (I-2).
func (s *Service) base(v Visit) string {
	issuer := s.d.Tools.Issuer(v.Account)
	if twin := address.Twin(issuer); twin != "" && address.SameHost(v.Host, twin) {
		return twin
	}
	return issuer
}

// Pending is what the consent page of a request shows. A fault of kind NotFound when this browser
// has no such request, or nobody is to be asked: then the browser belongs to PathResume.
func (s *Service) Pending(ctx context.Context, v Visit, id string) (p Pending, err error) {
	row, r, err := s.open(ctx, v, id)
	if err != nil {
		return Pending{}, gone(err)
	}
	err = s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		f, err := s.asking(ctx, t, v, r, row)
		if err != nil {
			return err
		}
		var u user.User
		if u, err = s.d.Users.Find(ctx, t, v.Account, f.session.User); err != nil {
			return err
		}
		n, _ := decide(r, f) // asking has looked at the fault
		p = Pending{Client: r.Client, User: u, Scopes: r.Scopes, Resources: r.Resources, Details: r.Details, ReturnURL: r.RedirectURI, Confirm: n.confirm}
		return nil
	})
	return p, err
}

// Decide notes what the person said on the consent page. The browser goes to PathResume then, with
// the request's id. A fault of kind NotFound as with Pending: another person may have signed in
// since the page was shown.
func (s *Service) Decide(ctx context.Context, v Visit, id string, allow bool) error {
	row, r, err := s.open(ctx, v, id)
	if err != nil {
		return gone(err)
	}
	return s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		f, err := s.asking(ctx, t, v, r, row)
		if err != nil {
			return err
		}
		decided := row
		decided.Decision = Denied
		if allow {
			decided.Decision = Allowed
			if f.asked {
				if err := s.d.Consents.Allow(ctx, t, v, r.Client, f.authorization); err != nil {
					return err
				}
			}
		}
		return s.d.Store.Decide(ctx, t, decided)
	})
}

// asking tells whether the request waits for the consent of the person who is signed in here.
func (s *Service) asking(ctx context.Context, t tx.Tx, v Visit, r *check.Request, row Request) (facts, error) {
	f, err := s.factsIn(ctx, t, v, r, row)
	if err != nil {
		return f, err
	}
	n, err := decide(r, f)
	if err != nil || !n.consent || row.User != f.session.User {
		return f, errNothing.With(err)
	}
	return f, nil
}

var errNothing = fault.New(fault.NotFound, fault.CodeNotFound, "Nobody is asked for consent here.")

// gone makes the outcome of a request that cannot go on one that pages know.
func gone(err error) error {
	if oauth.CodeOf(err) != "" {
		return errNothing.With(err)
	}
	return err
}
