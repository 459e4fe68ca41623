package login_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/factor/emailcode/emailcodedb"
	"github.com/admit-id/admit/internal/factor/handover"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/away"
	"github.com/admit-id/admit/internal/login/begin"
	"github.com/admit-id/admit/internal/login/choice"
	"github.com/admit-id/admit/internal/login/link"
	"github.com/admit-id/admit/internal/login/link/linkdb"
	"github.com/admit-id/admit/internal/login/logindb"
	"github.com/admit-id/admit/internal/login/mailed"
	"github.com/admit-id/admit/internal/login/redeem"
	"github.com/admit-id/admit/internal/login/remember"
	"github.com/admit-id/admit/internal/login/setup"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/seat"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/session/sessiontest"
	"github.com/admit-id/admit/internal/user"
	"github.com/admit-id/admit/internal/user/userdb"
)

const (
	acc         = ident.AccountID("acc_default")
	redirectURL = "https://app.example.test/page?tab=1"
	verifier    = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH"
)

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// world stands in for everything around a login.
type world struct {
	t          *testing.T
	db         *sqldb.DB
	clk        *clock.Fake
	service    *login.Service
	begins     *begin.Service
	away       *away.Service
	mailed     *mailed.Service
	choice     *choice.Service
	codes      *redeem.Service
	links      *setup.Service
	linker     *link.Service
	unlinkable map[ident.ConnectionID]bool
	moves      []link.Notice
	tenants    map[ident.TenantID]login.Tenant
	lookups    map[string]ident.TenantID // lookup identifiers and domains
	members    map[string]bool           // tenant/user
	arrivals   []login.Arrival
	invites    map[string]*invitation
	sessions   *session.Service
	users      *user.Service
	issuer     string
	app        login.Application
	upstream   fakeUpstream
	inactive   map[ident.ConnectionID]bool
	code, link string // of the last mail
	mails      int
	setups     int
	sc         client
	by         actor.Actor // of the last SignInAs
	policy     policy.Policy
	strict     map[ident.TenantID]policy.Policy
	apart      map[ident.ApplicationID]policy.Policy
	held       map[ident.UserID]factor.Held
	heldErr    error
	noPasskeys bool
	browsers   *remember.Service
}

func (w *world) Of(_ ident.AccountID, n ident.TenantID, app ident.ApplicationID) policy.Policy {
	return w.policy.Merge(w.strict[n]).Merge(w.apart[app])
}

func (w *world) holds(_ context.Context, _ tx.Tx, _ ident.AccountID, id ident.UserID) (factor.Held, error) {
	return w.held[id], w.heldErr
}

func (w *world) Issuer(ident.AccountID) string { return w.issuer }

type applications struct{ *world }

func (a applications) Get(account ident.AccountID, id ident.ApplicationID) (login.Application, bool) {
	found := a.app
	found.ID = id
	return found, account == acc && (id == a.app.ID || id == "app_other")
}

type connections struct{ *world }

func (c connections) Active(account ident.AccountID) (out []connection.Connection) {
	for _, id := range []ident.ConnectionID{"con_email", "con_idp", "con_two"} {
		if x, ok := c.Get(account, id); ok {
			out = append(out, x)
		}
	}
	return out
}

func (c connections) Get(account ident.AccountID, id ident.ConnectionID) (connection.Connection, bool) {
	if c.inactive[id] || !slices.Contains([]ident.ConnectionID{"con_email", "con_idp", "con_two"}, id) {
		return connection.Connection{}, false
	}
	return connection.Connection{Account: account, ID: id, Spec: connection.Spec{Name: string(id), Linking: c.linking(id)}, Active: true}, true
}

func (c connections) linking(id ident.ConnectionID) string {
	if c.unlinkable[id] {
		return ""
	}
	return connection.LinkingExplicit
}

type fakeUpstream struct {
	leg      connection.Leg
	identity connection.Identity
	err      error
}

func (f *fakeUpstream) AuthorizeURL(_ context.Context, _ connection.Connection, l connection.Leg) (string, error) {
	f.leg = l
	return "https://idp.example.test/authorize?" + url.Values{"state": {l.State.Reveal()}}.Encode(), f.err
}

func (f *fakeUpstream) Finish(_ context.Context, _ connection.Connection, b connection.Callback, l connection.Leg) (connection.Identity, error) {
	if l.Nonce != f.leg.Nonce || l.Verifier != f.leg.Verifier || l.RedirectURI != f.leg.RedirectURI {
		return connection.Identity{}, errors.New("the leg's secrets were not kept")
	}
	return f.identity, f.err
}

type issuer struct{}

func (issuer) Issue(_ context.Context, g login.Grant) (login.Tokens, error) {
	text := strings.Join([]string{string(g.User.ID), string(g.Session.ID), string(g.Application), strings.Join(g.Session.AMR(), "+"), strings.Join(g.Audiences, "+")}, "/")
	if g.Tenant != "" {
		text += "/" + string(g.Tenant)
	}
	return login.Tokens{Access: secret.New("at:" + text), ID: secret.New("id:" + text), Life: time.Hour}, nil
}

func each(t *testing.T, fn func(w *world)) {
	migrations := slices.Concat(userdb.Migrations(), sessiondb.Migrations(), emailcodedb.Migrations(), logindb.Migrations(), linkdb.Migrations(), mail.Migrations(), ratelimit.Migrations())
	sqldbtest.Each(t, migrations, func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, db: db, clk: clk, issuer: "https://login.example.test", inactive: map[ident.ConnectionID]bool{}}
		w.app = login.Application{
			ID: "app_default", Name: "Shop",
			AllowsRedirect: func(u string) bool {
				return strings.HasPrefix(u, "https://app.example.test/") || strings.HasPrefix(u, "http://localhost")
			},
			LoopbackTokens: func(u string) bool { return strings.HasPrefix(u, "http://localhost:3000/") },
		}
		w.upstream.identity = connection.Identity{Issuer: "https://idp.example.test", Subject: "s1", Email: "ann@x.example", EmailVerified: true, Name: "Ann"}
		w.sessions = session.New(session.Deps{DB: db, Store: sessiondb.Store{}, Tokens: sessiondb.Store{}, Chains: sessiondb.Store{}, Keys: sessiontest.Keys()})
		w.sc = newClient()
		w.users = user.New(db, userdb.Store{}, userdb.Store{})
		w.tenants, w.lookups, w.members, w.invites = map[ident.TenantID]login.Tenant{}, map[string]ident.TenantID{}, map[string]bool{}, map[string]*invitation{}
		w.codes = redeem.New(redeem.Deps{
			DB: db, Codes: logindb.Artifacts{}, Wishes: logindb.Grants{}, Applications: applications{w}, Users: people{w.users, w},
			Sessions: w.sessions, Tenants: tenants{w}, Issuer: issuer{}, Policies: w, Held: w.holds,
			Seats: seat.New(sessiondb.Seats{}, w.sessions, func(ident.AccountID, ident.ApplicationID) bool { return false }),
		})
		w.links = setup.New(setup.Deps{DB: db, Store: logindb.Store{}, Grants: logindb.Grants{}, Keys: keys, Accounts: w})
		w.held, w.browsers = map[ident.UserID]factor.Held{}, &remember.Service{Store: logindb.Browsers{}}
		codes := &emailcode.Service{Store: emailcodedb.Store{}, Keys: keys, Outbox: &mail.Outbox{Keys: keys}}
		handovers := &handover.Service{Clients: w.sc, Issuer: w.Issuer, Keys: keys}
		w.begins = begin.New(begin.Deps{
			DB: db, Store: logindb.Store{}, Artifacts: logindb.Artifacts{}, Accounts: w, Applications: applications{w}, Connections: connections{w},
			Tenants: tenants{w}, Invites: invites{w}, Handovers: handovers,
		})
		outbox := &mail.Outbox{Keys: keys}
		w.unlinkable = map[ident.ConnectionID]bool{}
		w.linker = link.New(link.Deps{
			DB: db, Store: linkdb.Store{}, Users: w.users, Sessions: w.sessions, Evidence: sessiondb.Evidence{}, Connections: connections{w}, Outbox: outbox, Issuer: w.Issuer,
			Held: w.holds,
			Compose: func(n link.Notice) (mail.Message, error) {
				w.moves = append(w.moves, n)
				return mail.Message{Subject: "moved", Text: "moved"}, nil
			},
		})
		w.service = login.New(login.Deps{
			Links: w.linker,
			DB:    db, Store: logindb.Store{}, Artifacts: logindb.Artifacts{}, Grants: logindb.Grants{}, Keys: keys,
			Accounts: w, Applications: applications{w}, Connections: connections{w}, Tenants: tenants{w}, Invites: invites{w}, Users: people{w.users, w}, Sessions: w.sessions,
			EmailCodes: codes,
			Issuer:     issuer{}, Setup: w.setup, Log: slog.New(slog.DiscardHandler),
			Policies: w, Browsers: w.browsers, Passkeys: func(ident.AccountID) bool { return !w.noPasskeys },
			Recovering: func(context.Context, tx.Tx, ident.AccountID, ident.UserID) (time.Time, error) {
				return time.Time{}, nil
			},
			Held: w.holds,
		})
		w.away = away.New(away.Deps{
			DB: db, Box: w.service, Store: logindb.Store{}, Artifacts: logindb.Artifacts{}, Keys: keys, Accounts: w, Connections: connections{w},
			Upstream: &w.upstream, Users: people{w.users, w}, Handovers: handovers, Log: slog.New(slog.DiscardHandler),
		})
		w.mailed = mailed.New(mailed.Deps{DB: db, Box: w.service, Store: logindb.Store{}, Accounts: w, Applications: applications{w}, Codes: codes})
		w.choice = choice.New(choice.Deps{DB: db, Box: w.service, Store: logindb.Store{}, Accounts: w, Sessions: w.sessions, Codes: codes.Store})
		fn(w)
	})
}

// people notes on whose behalf somebody is signed in under a chosen id.
type people struct {
	*user.Service
	w *world
}

func (p people) SignInAs(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, via ident.ConnectionID, profile user.Profile) (user.User, bool, error) {
	p.w.by = by
	return p.Service.SignInAs(ctx, t, by, id, via, profile)
}

func (w *world) setup(_ context.Context, _ tx.Tx, _ actor.Actor, u ident.UserID) (login.SetupOutcome, error) {
	w.setups++
	return login.SetupOutcome{User: u, ClientID: "sc_1", AccessKey: secret.New("sc_1.k.acc_default.KEY")}, nil
}

func (w *world) compose(f mailed.Facts) (mailed.Content, error) {
	w.mails++
	w.code = f.Code
	_, w.link, _ = strings.Cut(f.Link, "token=")
	if !strings.HasPrefix(f.Link, w.issuer) && !strings.Contains(f.Link, "127.0.0.1") {
		w.t.Errorf("the link leads to %s", f.Link)
	}
	return mailed.Content{Subject: "code " + f.Code, Text: f.Link}, nil
}

// browser is one browser with its cookies.
type browser struct {
	*world
	who, session secret.Text
	host         string
}

func (w *world) browser() *browser { return &browser{world: w, host: "login.example.test"} }

func (b *browser) visit() login.Visit {
	return login.Visit{Account: acc, Actor: actor.Actor{Account: acc}, Host: b.host, Browser: b.who, Session: b.session}
}

// take keeps the cookies of an answer.
func (b *browser) take(v login.View, err error) login.View {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	if !v.NewBrowser.Empty() {
		b.who = v.NewBrowser
	}
	if v.Result != nil && !v.Result.Session.Empty() {
		b.session = v.Result.Session
	}
	return v
}

var ctx = context.Background()

func (b *browser) view(id ident.LoginID) login.View {
	b.t.Helper()
	return b.take(b.service.View(ctx, b.visit(), id))
}

func (b *browser) send(id ident.LoginID, email string) login.View {
	b.t.Helper()
	return b.take(b.mailed.SendCode(ctx, b.visit(), id, email, b.compose))
}

func (b *browser) enter(id ident.LoginID, code string) login.View {
	b.t.Helper()
	return b.take(b.mailed.EnterCode(ctx, b.visit(), id, code))
}

// signIn runs a whole login by e-mail code and returns the answer to the application.
func (b *browser) signIn(id ident.LoginID, email string) url.Values {
	b.t.Helper()
	b.view(id)
	b.send(id, email)
	return b.answer(b.enter(id, b.code))
}

// answer is what a redirect back to the application says.
func (b *browser) answer(v login.View) url.Values {
	b.t.Helper()
	b.want(v, login.StateRedirect, "")
	u, err := url.Parse(v.Result.Location)
	if err != nil {
		b.t.Fatal(err)
	}
	return u.Query()
}

func (w *world) want(v login.View, state login.State, problem login.Problem) {
	w.t.Helper()
	if v.State != state || v.Problem != problem {
		w.t.Fatalf("page %q, problem %q; want %q, %q", v.State, v.Problem, state, problem)
	}
}

func (w *world) startWith(change func(*login.StartRequest)) (login.Started, error) {
	r := login.StartRequest{
		Account: acc, Actor: actor.Actor{Account: acc}, Application: "app_default", RedirectURL: redirectURL, ChallengeMethod: "S256", Challenge: challenge(),
	}
	if change != nil {
		change(&r)
	}
	return w.begins.Start(ctx, r)
}

func (w *world) start(change func(*login.StartRequest)) ident.LoginID {
	w.t.Helper()
	started, err := w.startWith(change)
	if err != nil {
		w.t.Fatal(err)
	}
	return started.ID
}

func (w *world) exchange(id ident.LoginID, code string, change func(*redeem.Request)) (login.Tokens, error) {
	r := redeem.Request{
		Account: acc, Actor: actor.Actor{Account: acc}, ID: id, Application: "app_default", RedirectURL: redirectURL, Code: secret.New(code), Verifier: secret.New(verifier),
	}
	if change != nil {
		change(&r)
	}
	return w.codes.Exchange(ctx, r)
}

// renew is a silent renewal of the browser's session.
func (b *browser) renew() (login.Tokens, session.Session, error) {
	out, err := b.codes.Renew(context.Background(), actor.Actor{Account: acc}, b.session, "app_default")
	if err == nil {
		b.session = out.Cookie
	}
	return out.Tokens, out.Session, err
}
