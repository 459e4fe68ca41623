package login

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login/address"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

const codePurpose = "login/code"

var errSetupDead = errors.New("login: the setup link is dead")

// proved is what a step found out: who it is, what is said about them, and how it was proved.
type proved struct {
	identity user.Identity
	profile  user.Profile
	method   string
	named    bool         // the subject is the person's id here: the connection may sign in as anyone
	known    ident.UserID // whom one of Admit's own factors belongs to, or empty
	verified bool         // of a passkey: see session.Evidence
	synced   bool
}

func (p proved) evidence(at time.Time) session.Evidence {
	return session.Evidence{
		Method: p.method, Connection: p.identity.Connection, Issuer: p.identity.Issuer, Subject: p.identity.Subject, At: at,
		Verified: p.verified, Synced: p.synced,
	}
}

// ended is a finished login on its way back to the application.
type ended struct {
	user    user.User
	session session.Session
	tenant  ident.TenantID
	cookie  secret.Text // of a new session
	code    secret.Text // in code mode
	at      time.Time
	half    bool // nothing has ended: a second factor is wanted
	// of a browser that is remembered from now on
	device      secret.Text
	deviceUntil time.Time
}

// finish turns a first proof into a person, and if it is enough into a new session (I-10) and the end of
// the request.
func (s *Service) finish(ctx context.Context, t tx.Tx, v Visit, r Request, p proved) (ended, error) {
	if err := s.unreserved(ctx, t, r, p); err != nil {
		return ended{}, err
	}
	if r.Link != "" {
		return s.link(ctx, t, v, r, p)
	}
	a := v.Actor
	a.Account = v.Account
	person, err := s.person(ctx, t, a, r, p)
	if err != nil {
		return ended{}, err
	}
	proof := p.evidence(t.Now())
	if err := s.admit(ctx, t, a, r, p, person, &proof); err != nil {
		return ended{}, err
	}
	return s.advance(ctx, t, v, r, person, proof)
}

func (s *Service) person(ctx context.Context, t tx.Tx, a actor.Actor, r Request, p proved) (u user.User, err error) {
	switch {
	case p.known != "":
		return s.d.Users.Find(ctx, t, a.Account, p.known)
	case !p.named && r.Invite != "":
		return s.invited(ctx, t, a, r, p)
	case !p.named:
		u, _, err = s.d.Users.SignIn(ctx, t, a, p.identity, p.profile)
		return u, err
	}
	a.Kind, a.ID = actor.ServiceClient, string(p.identity.Connection) // it has signed for this
	u, _, err = s.d.Users.SignInAs(ctx, t, a, ident.UserID(p.identity.Subject), p.identity.Connection, p.profile)
	return u, err
}

// close ends the request with a session, in one statement that carries its bindings (I-4), and
// makes what the application will redeem.
func (s *Service) close(ctx context.Context, t tx.Tx, v Visit, r Request, e ended) (ended, error) {
	f := Finished{
		Account: v.Account, ID: r.ID, Browser: BrowserHash(v.Browser), User: e.user.ID,
		Session: e.session.ID, Evidence: e.session.Evidence,
	}
	who := userActor(v, e.user.ID, e.session.ID)
	if len(r.Setup) > 0 {
		sealed, err := s.setUp(ctx, t, r, e)
		if err != nil {
			return ended{}, err
		}
		f.Outcome = sealed
	}
	ok, err := s.d.Store.Finish(ctx, t, f)
	if err != nil || !ok {
		return ended{}, errors.Join(err, NotOK(ok))
	}
	e.tenant, err = TenantOf(ctx, t, s.d.Tenants, e.session)
	if err != nil {
		return ended{}, err
	}
	if r.Tenant != "" && r.Tenant != e.tenant { // the session is another's now
		return ended{}, ErrMoved
	}
	if wish := (Wish{r.Audiences, r.Scopes}); !wish.empty() {
		if err := s.d.Grants.PutWish(ctx, t, v.Account, e.session.Root, r.Application, wish); err != nil {
			return ended{}, err
		}
	}
	if len(r.Setup) == 0 && !r.errand() && s.mode(r) == modeCode {
		e.code = secret.Random("")
		if err := s.d.Artifacts.InsertCode(ctx, t, Code{
			Account: v.Account, Hash: CodeHash(e.code), Login: r.ID, Application: r.Application, RedirectURL: r.RedirectURL,
			Challenge: r.Challenge, User: e.user.ID, Session: e.session.ID, ExpiresAt: t.Now().Add(CodeLife),
		}); err != nil {
			return ended{}, err
		}
	}
	e.at = t.Now()
	app := r.Application
	if r.Link != "" { // nobody has signed in there
		app = ""
	}
	return e, t.Emit(ctx, event.New(who, "login.finished", string(r.ID),
		"application", string(app), "session", string(e.session.ID), "connection", string(e.session.Connection), "tenant", string(e.tenant)))
}

// mode is how the application hears of the end.
type mode uint8

const (
	modeCode   mode = iota // an authorization code in the query
	modeCookie             // tokens in cookies of the shared parent domain
	modeQuery              // tokens in the query: loopback development only
	modeNone               // nothing: the application asks /api/session
)

// mode decides. What the application may not have falls back to a code.
func (s *Service) mode(r Request) mode {
	app, ok := s.d.Applications.Get(r.Account, r.Application)
	wantsCode := strings.Contains(" "+r.FlowType+" ", " code ")
	switch {
	case r.Link != "": // nothing was asked for
		return modeNone
	case !ok || wantsCode:
		return modeCode
	case r.ResponseLocation == "none":
		return modeNone
	case r.ResponseLocation == "cookie" && app.CookieDomain != "" && strings.HasPrefix(s.d.Accounts.Issuer(r.Account), "https://"):
		return modeCookie
	case r.ResponseLocation == "query" && app.LoopbackTokens(r.RedirectURL):
		return modeQuery
	}
	return modeCode
}

// leave builds the way back to the application, or the page of the step that is still wanted.
func (s *Service) leave(ctx context.Context, v Visit, r Request, e ended) (View, error) {
	if e.half {
		return s.show(ctx, v, r.ID, shown{})
	}
	view := View{State: StateRedirect, ID: r.ID, Account: v.Account, Application: r.Application, Setup: len(r.Setup) > 0}
	view.Result = &Result{Session: e.cookie, Device: e.device, DeviceExpires: e.deviceUntil}
	if !e.cookie.Empty() {
		view.Result.SessionExpires = e.session.AbsoluteExpiry
	}
	if view.Setup {
		view.Result.Location = setupDone(s.base(r), r.ID)
		return view, nil
	}
	if r.errand() {
		view.Result.Location = s.base(r) + r.Return
		return view, nil
	}
	answer := url.Values{"nonce": {string(r.ID)}, "iss": {s.d.Accounts.Issuer(v.Account)}}
	switch m := s.mode(r); m {
	case modeCode:
		if !e.code.Empty() {
			answer.Set("code", e.code.Reveal())
		}
	case modeCookie, modeQuery:
		tokens, err := s.d.Issuer.Issue(ctx, Grant{At: e.at, Session: e.session, User: e.user, Application: r.Application, Tenant: e.tenant, Wish: Wish{r.Audiences, r.Scopes}})
		if err != nil {
			return View{}, err
		}
		if m == modeCookie {
			app, _ := s.d.Applications.Get(v.Account, r.Application)
			view.Result.Tokens, view.Result.CookieDomain = &tokens, app.CookieDomain
			break
		}
		answer.Set("access_token", tokens.Access.Reveal())
		answer.Set("id_token", tokens.ID.Reveal())
		answer.Set("expires_in", strconv.Itoa(int(tokens.Life/time.Second)))
	}
	view.Result.Location = address.WithQuery(r.RedirectURL, answer)
	return view, nil
}

// CodeHash is what is kept of an authorization code.
func CodeHash(code secret.Text) []byte { return secret.Hash(codePurpose, code.Reveal()) }
