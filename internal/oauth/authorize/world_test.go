package authorize_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize"
	"github.com/admit-id/admit/internal/oauth/authorize/authorizedb"
	"github.com/admit-id/admit/internal/oauth/authorize/check"
	"github.com/admit-id/admit/internal/oauth/consent"
	"github.com/admit-id/admit/internal/oauth/consent/consentdb"
	"github.com/admit-id/admit/internal/oauth/oauthdb"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/session/sessiontest"
	"github.com/admit-id/admit/internal/user"
	"github.com/admit-id/admit/internal/user/userdb"
)

const (
	acc       = ident.AccountID("acc_a")
	issuer    = "https://login.example"
	callback  = "https://app.example/cb"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

var ctx = context.Background()

// world stands in for clients, the login box and signatures.
type world struct {
	*testing.T
	db       *sqldb.DB
	clk      *clock.Fake
	s        *authorize.Service
	sessions *session.Service
	users    *user.Service
	clients  map[string]oauth.Client
	errands  map[ident.LoginID]login.Errand
	done     map[ident.LoginID]bool
	strict   bool // the policy demands more than sessions have
	broken   bool // signing fails
	reads    *counted
}

// counted counts units of work.
type counted struct {
	tx.Runner
	reads, writes atomic.Int64
}

func (c *counted) Read(ctx context.Context, s tx.Scope, fn func(context.Context, tx.Tx) error) error {
	c.reads.Add(1)
	return c.Runner.Read(ctx, s, fn)
}

func (c *counted) Write(ctx context.Context, s tx.Scope, fn func(context.Context, tx.Tx) error) error {
	c.writes.Add(1)
	return c.Runner.Write(ctx, s, fn)
}

func (w *world) Client(_ context.Context, account ident.AccountID, id string) (oauth.Client, error) {
	c, ok := w.clients[id]
	if !ok || account != acc {
		return oauth.Client{}, oauth.Fail(oauth.InvalidClient, "There is no such client.")
	}
	return c, nil
}

func (w *world) StartErrandIn(_ context.Context, _ tx.Tx, e login.Errand) (login.Started, error) {
	id := login.NewID()
	w.errands[id] = e
	return login.Started{ID: id, URL: issuer + "/login?state=" + string(id)}, nil
}

func (w *world) Finished(_ context.Context, _ tx.Tx, _ ident.AccountID, id ident.LoginID) (ident.UserID, ident.SessionID, bool, error) {
	return "", "", w.done[id], nil
}

func (w *world) hint(_ context.Context, _ ident.AccountID, token string) (check.Hint, error) {
	if user, ok := strings.CutPrefix(token, "hint:"); ok {
		return check.Hint{User: ident.UserID(user), Audience: []string{"app_1"}}, nil
	}
	return check.Hint{}, errors.New("none")
}

func (w *world) sign(_ context.Context, _ oauth.Client, claims map[string]any) (secret.Text, error) {
	if w.broken {
		return secret.Text{}, errors.New("no key")
	}
	b, err := json.Marshal(claims)
	return secret.New(string(b)), err
}

func each(t *testing.T, fn func(w *world)) {
	migrations := slices.Concat(userdb.Migrations(), sessiondb.Migrations(), oauthdb.Migrations(), consentdb.Migrations(), authorizedb.Migrations())
	sqldbtest.Each(t, migrations, func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		w := &world{T: t, db: db, clk: clk, clients: map[string]oauth.Client{}, errands: map[ident.LoginID]login.Errand{}, done: map[ident.LoginID]bool{}}
		w.sessions = session.New(session.Deps{DB: db, Store: sessiondb.Store{}, Chains: sessiondb.Store{}, Keys: sessiontest.Keys()})
		w.users = user.New(db, userdb.Store{}, userdb.Store{})
		consents := consent.New(db, consentdb.Store{})
		w.reads = &counted{Runner: db}
		w.s = authorize.New(authorize.Deps{
			DB: w.reads, Store: authorizedb.Store{}, Codes: oauthdb.Codes{}, Logins: w, Sessions: w.sessions, Users: w.users, Consents: consents,
			Asked: consent.Asked, Enough: func(context.Context, tx.Tx, login.Visit, session.Session, ident.ApplicationID) (bool, error) {
				return !w.strict, nil
			}, Sign: w.sign, Log: slog.New(slog.DiscardHandler),
			Tools: check.Tools{Clients: w, Issuer: func(ident.AccountID) string { return issuer }, Clock: clk, Hint: w.hint,
				VerifySigned: func(context.Context, oauth.Client, string, []string, []string) (map[string]any, error) {
					return nil, errors.New("none")
				}},
		})
		add := func(id string, kind oauth.Kind, o application.OAuth) {
			w.clients[id] = oauth.Client{Account: acc, ID: id, Kind: kind, Name: "App", RedirectURIs: []string{callback}, Settings: o.Filled()}
		}
		add("app_1", oauth.Application, application.OAuth{})
		add("app_third", oauth.Application, application.OAuth{ThirdParty: true})
		add("app_self", oauth.Application, application.OAuth{Registered: "dynamic"})
		add("https://agent.example/c.json", oauth.Document, application.OAuth{})
		fn(w)
	})
}

// browser is one browser with its cookies.
type browser struct {
	*world
	who, session secret.Text
	user         ident.UserID
}

func (w *world) browser() *browser { return &browser{world: w} }

func (b *browser) visit() authorize.Visit {
	return authorize.Visit{Account: acc, Actor: actor.Actor{Account: acc}, Host: "login.example", Browser: b.who, Session: b.session}
}

// signIn gives the browser a new session, as the login box does.
func (b *browser) signIn(subject string) {
	b.Helper()
	by := actor.Actor{Account: acc}
	err := b.db.Write(ctx, tx.In(acc), func(ctx context.Context, t tx.Tx) error {
		u, _, err := b.users.SignIn(ctx, t, by, user.Identity{Connection: "con_email", Issuer: "admit", Subject: subject}, user.Profile{Email: subject})
		if err != nil {
			return err
		}
		b.user = u.ID
		_, b.session, err = b.sessions.Start(ctx, t, session.NewSession{
			Actor: by, User: u.ID, Previous: b.session,
			Evidence: session.Evidence{Method: "email", Connection: "con_email", Issuer: "admit", Subject: subject, At: t.Now()},
		})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

func query(pairs ...string) url.Values {
	q := url.Values{
		"client_id": {"app_1"}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s 1&x=y"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"}, "nonce": {"n1"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}

func (b *browser) take(out authorize.Outcome, err error) authorize.Outcome {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	if !out.NewBrowser.Empty() {
		b.who = out.NewBrowser
	}
	if !out.Session.Empty() {
		b.session = out.Session
	}
	return out
}

func (b *browser) begin(pairs ...string) authorize.Outcome {
	b.Helper()
	return b.take(b.s.Begin(ctx, b.visit(), check.Sent{Query: query(pairs...)}))
}

func (b *browser) resume(id string) authorize.Outcome {
	b.Helper()
	return b.take(b.s.Resume(ctx, b.visit(), id))
}

// answer is what the client is told in the query.
func (b *browser) answer(out authorize.Outcome) url.Values {
	b.Helper()
	to, q, ok := strings.Cut(out.Location, "?")
	if to != callback || !ok {
		b.Fatalf("%+v; want an answer", out)
	}
	v, err := url.ParseQuery(q)
	if err != nil || v.Get("iss") != issuer || v.Get("state") != "s 1&x=y" {
		b.Fatalf("%s", out.Location)
	}
	return v
}

// refused wants an error that the client is told.
func (b *browser) refused(out authorize.Outcome, code oauth.Code) {
	b.Helper()
	if v := b.answer(out); v.Get("error") != string(code) || v.Has("code") || v.Get("error_description") == "" {
		b.Fatalf("%v; want %s", v, code)
	}
}

// onPage wants an error that stays with us.
func (b *browser) onPage(out authorize.Outcome, code oauth.Code) {
	b.Helper()
	if out.Problem == nil || out.Problem.Code != code || out.Location != "" || out.Form != nil {
		b.Fatalf("%+v; want %s on a page", out, code)
	}
}

// atLogin wants the login box, and returns the request and the errand.
func (b *browser) atLogin(out authorize.Outcome) (string, ident.LoginID, login.Errand) {
	b.Helper()
	state, ok := strings.CutPrefix(out.Location, issuer+"/login?state=")
	if !ok {
		b.Fatalf("%+v; want the login box", out)
	}
	state, _, _ = strings.Cut(state, "&")
	e := b.errands[ident.LoginID(state)]
	id, ok := strings.CutPrefix(e.Return, "/oauth/resume?request=")
	if !ok {
		b.Fatalf("%+v", e)
	}
	return id, ident.LoginID(state), e
}

// atConsent wants the consent page, and returns the request.
func (b *browser) atConsent(out authorize.Outcome) string {
	b.Helper()
	id, ok := strings.CutPrefix(out.Location, issuer+"/consent?request=")
	if !ok {
		b.Fatalf("%+v; want the consent page", out)
	}
	return id
}

// code redeems the code of an answer.
func (b *browser) code(out authorize.Outcome, client string) oauth.AuthorizationCode {
	b.Helper()
	var got oauth.AuthorizationCode
	err := b.db.Write(ctx, tx.In(acc), func(ctx context.Context, t tx.Tx) (err error) {
		got, err = oauthdb.Codes{}.TakeCode(ctx, t, oauth.AuthorizationCode{
			Hash: oauth.CodeHash(secret.New(b.answer(out).Get("code"))), RedirectURI: callback, Challenge: challenge,
			Authorization: oauth.Authorization{Account: acc, Client: client},
		})
		return err
	})
	if err != nil {
		b.Fatal(out, err)
	}
	if got.User != b.user || got.Grant == "" || got.Root == "" || got.Session == "" || got.ACR != session.ACR1 || len(got.AMR) == 0 ||
		got.AuthTime.IsZero() || got.Nonce != "n1" || !got.ExpiresAt.After(b.clk.Now()) || got.ExpiresAt.After(b.clk.Now().Add(time.Minute)) {
		b.Fatalf("%+v", got)
	}
	return got
}

func isNotFound(err error) bool { return fault.Is(err, fault.NotFound) }
