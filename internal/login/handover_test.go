package login_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"maps"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor/handover"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/user"
)

const clientIssuer = "https://login.example.test/v1/clients/sc_1"

// client is two service clients with one key each, of which sc_1 may sign in anyone; more of
// them may later.
type client struct {
	keys map[ident.ServiceClientID]ed25519.PrivateKey
	may  map[ident.ServiceClientID]bool
}

func newClient() client {
	c := client{map[ident.ServiceClientID]ed25519.PrivateKey{}, map[ident.ServiceClientID]bool{"sc_1": true}}
	for _, id := range []ident.ServiceClientID{"sc_1", "sc_2"} {
		seed := sha256.Sum256([]byte(id))
		c.keys[id] = ed25519.NewKeyFromSeed(seed[:])
	}
	return c
}

func (c client) Key(account ident.AccountID, id ident.ServiceClientID, kid ident.KeyID) (ed25519.PublicKey, bool) {
	key, ok := c.keys[id]
	if !ok || account != acc || kid != "k" {
		return nil, false
	}
	return key.Public().(ed25519.PublicKey), true
}

func (c client) MaySignInAnyone(account ident.AccountID, id ident.ServiceClientID) bool {
	return account == acc && c.may[id]
}

// statement is what the server SDK's generateUserLoginUrl signs, with changes.
type statement struct {
	kid, typ string
	signer   ident.ServiceClientID
	claims   map[string]any
}

func (w *world) says(sub string, change func(*statement)) string {
	w.t.Helper()
	now := w.clk.Now().Unix()
	s := statement{kid: "k", typ: "oauth-authz-req+jwt", signer: "sc_1", claims: map[string]any{
		"aud": "acc_default.accounts.authress.io", "iss": clientIssuer, "sub": sub, "client_id": "sc_1", "iat": now, "exp": now + 60, "max_age": 60, "scope": "openid",
	}}
	if change != nil {
		change(&s)
	}
	maps.DeleteFunc(s.claims, func(_ string, v any) bool { return v == nil })
	out, err := jose.Sign(w.sc.keys[s.signer], s.kid, s.typ, s.claims)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) startHandover() ident.LoginID {
	w.t.Helper()
	return w.start(func(r *login.StartRequest) { r.Connection = "sc_1" })
}

func (b *browser) open(id ident.LoginID, code, iss string) login.View {
	b.t.Helper()
	return b.take(b.away.FinishUpstream(ctx, b.visit(), login.Callback{State: secret.New(string(id)), Code: secret.New(code), Issuer: iss, RawQuery: "x"}))
}

func (b *browser) confirm(v login.View) login.View {
	b.t.Helper()
	return b.take(b.away.ConfirmHandover(ctx, b.visit(), v.Ticket))
}

func (b *browser) handOver(id ident.LoginID, code string) login.View {
	b.t.Helper()
	v := b.open(id, code, clientIssuer)
	b.want(v, login.StateLink, "")
	return b.confirm(v)
}

func (w *world) refusedHandover(what string, v login.View) {
	w.t.Helper()
	if v.State != login.StateFailed || v.Problem != login.ProblemUpstreamFailed || v.ID != "" || v.Email != "" || v.ReturnURL != "" || !v.Ticket.Empty() {
		w.t.Errorf("%s: %+v", what, v)
	}
}

func (w *world) exists(id ident.UserID) bool {
	_, err := w.users.Get(ctx, acc, id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		w.t.Fatal(err)
	}
	return err == nil
}

func TestHandover(t *testing.T) {
	each(t, func(w *world) {
		started, err := w.startWith(func(r *login.StartRequest) { r.Connection = "sc_1" })
		if err != nil {
			t.Fatal(err)
		}
		if u, err := url.Parse(started.URL); err != nil || u.Path != "/login" || u.Query().Get("client_id") != "sc_1" || u.Query().Get("state") != string(started.ID) {
			t.Fatalf("the login's address is %s (%v)", started.URL, err)
		}
		code := w.says("crm|7", func(s *statement) { s.claims["email"], s.claims["email_verified"] = "ann@x.example", true })
		for range 3 { // a mail scanner
			w.want(w.browser().open(started.ID, code, clientIssuer), login.StateLink, "")
		}
		if w.exists("crm|7") {
			t.Fatal("a GET has made a person")
		}
		b := w.browser()
		v := b.open(started.ID, code, clientIssuer)
		if v.Email != "ann@x.example" || v.ReturnURL != redirectURL || v.NewBrowser.Empty() {
			t.Fatalf("%+v", v)
		}
		w.clk.Advance(handover.ConfirmLife - time.Second) // there is time to read the page
		q := b.answer(b.confirm(v))
		tokens, err := w.exchange(started.ID, q.Get("code"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := tokens.Access.Reveal(); !strings.HasPrefix(got, "at:crm|7/") || !strings.Contains(got, "/app_default/client/") {
			t.Error(got)
		}
		if u, err := w.users.Get(ctx, acc, "crm|7"); err != nil || u.Email != "ann@x.example" || u.EmailVerified || len(u.Identities) != 0 {
			t.Errorf("%+v, %v", u, err)
		}
		found, err := w.sessions.Peek(ctx, acc, b.session)
		if err != nil || found.Connection != "sc_1" || found.Evidence[0].Issuer != clientIssuer || found.Evidence[0].Subject != "crm|7" {
			t.Errorf("%+v, %v", found, err)
		}
		w.want(b.open(started.ID, code, clientIssuer), login.StateFailed, login.ProblemUpstreamFailed) // too late by now
		// Both names of the client, and SDK 3 with its hour.
		for name, change := range map[string]func(*statement){
			"the fixed issuer": func(s *statement) { s.claims["iss"] = "https://acc_default.api.authress.io/v1/clients/sc_1" },
			"an hour":          func(s *statement) { s.claims["exp"], s.claims["jti"] = w.clk.Now().Unix()+3600, "j1" },
			"a slow clock":     func(s *statement) { s.claims["iat"] = w.clk.Now().Unix() + 9 },
		} {
			var iss string
			code := w.says("crm|7", func(s *statement) { change(s); iss = s.claims["iss"].(string) })
			id := w.startHandover()
			v := w.browser().open(id, code, iss)
			if v.State != login.StateLink || v.Email != "ann@x.example" {
				t.Errorf("%s: %+v", name, v)
			}
		}
	})
}

func TestHandoverFindsWhoIsThere(t *testing.T) {
	each(t, func(w *world) {
		w.browser().signIn(w.start(nil), "bea@x.example")
		page, _, err := w.users.List(ctx, acc, user.Query{})
		if err != nil || len(page) != 1 {
			t.Fatal(page, err)
		}
		bea := page[0].ID
		b := w.browser()
		id := w.startHandover()
		v := b.open(id, w.says(string(bea), nil), clientIssuer)
		if v.Email != "bea@x.example" {
			t.Errorf("the page names %q", v.Email)
		}
		b.answer(b.confirm(v))
		if found, err := w.sessions.Peek(ctx, acc, b.session); err != nil || found.User != bea {
			t.Errorf("%+v, %v", found, err)
		}
		if err := w.users.Delete(ctx, actor.ForOperator(acc), bea); err != nil {
			t.Fatal(err)
		}
		for _, sub := range []string{string(bea), "usr_never", "sc_1", "a b", "a\x00b", "a\u202eb", strings.Repeat("a", 65)} {
			b, id := w.browser(), w.startHandover()
			v := b.open(id, w.says(sub, nil), clientIssuer)
			if strings.HasPrefix(sub, "usr_") { // who is there, is looked up when it counts
				w.want(v, login.StateLink, "")
				v = b.confirm(v)
			}
			w.refusedHandover(sub, v)
			sub = strings.ReplaceAll(sub, "\x00", "")
			if w.exists(ident.UserID(sub)) || !b.session.Empty() {
				t.Errorf("%s lives", sub)
			}
		}
	})
}

// Each fault alone is refused, with one face, and makes nobody.
func TestHandoverFaults(t *testing.T) {
	each(t, func(w *world) {
		w.sc.may["sc_2"] = true
		now := w.clk.Now().Unix()
		set := func(name string, v any) func(*statement) { return func(s *statement) { s.claims[name] = v } }
		for name, change := range map[string]func(*statement){
			"an access token":           func(s *statement) { s.typ = "at+jwt" },
			"an ID token":               func(s *statement) { s.typ = "JWT" },
			"another client's key":      func(s *statement) { s.signer = "sc_2" },
			"a removed key":             func(s *statement) { s.kid = "gone" },
			"another client_id":         set("client_id", "sc_2"),
			"no client_id":              set("client_id", nil),
			"another account":           set("aud", "acc_other.accounts.authress.io"),
			"two audiences":             set("aud", []string{"acc_default.accounts.authress.io", "x"}),
			"another issuer":            set("iss", "https://evil.example/v1/clients/sc_1"),
			"another client's issuer":   set("iss", "https://login.example.test/v1/clients/sc_2"),
			"the account's own issuer":  set("iss", "https://login.example.test"),
			"another account's issuer":  set("iss", "https://acc_other.api.authress.io/v1/clients/sc_1"),
			"an issuer with a slash":    set("iss", clientIssuer+"/"),
			"expired":                   func(s *statement) { s.claims["iat"], s.claims["exp"] = now-30, now-10 },
			"long ago, still unexpired": func(s *statement) { s.claims["iat"], s.claims["exp"] = now-70, now+3600 },
			"no iat":                    set("iat", nil),
			"from the future":           set("iat", now+11),
			"not yet":                   set("nbf", now+11),
			"a text for a flag":         set("email_verified", "true"),
		} {
			iss := ""
			code := w.says("crm|fault", func(s *statement) { change(s); iss, _ = s.claims["iss"].(string) })
			w.refusedHandover(name, w.browser().open(w.startHandover(), code, iss))
		}
		good := w.says("crm|fault", nil)
		for name, iss := range map[string]string{"no iss": "", "another iss": "https://login.example.test/v1/clients/sc_2", "a slash": clientIssuer + "/"} {
			w.refusedHandover(name, w.browser().open(w.startHandover(), good, iss))
		}
		w.refusedHandover("no such login", w.browser().open("login_none", good, clientIssuer))
		w.refusedHandover("a login for nobody in particular", w.browser().open(w.start(nil), good, clientIssuer))
		w.refusedHandover("a login for a provider", w.browser().open(w.start(func(r *login.StartRequest) { r.Connection = "con_idp" }), good, clientIssuer))
		w.refusedHandover("another client's login", w.browser().open(w.start(func(r *login.StartRequest) { r.Connection = "sc_2" }), good, clientIssuer))
		w.refusedHandover("no JWT", w.browser().open(w.startHandover(), "an-upstream-code", clientIssuer))
		w.refusedHandover("no code", w.browser().open(w.startHandover(), "", clientIssuer))
		w.refusedHandover("two dots", w.browser().open(w.startHandover(), "..", clientIssuer))
		if w.exists("crm|fault") {
			t.Error("somebody was made")
		}
		w.refusedHandover("another account's host", func() login.View {
			v, err := w.away.FinishUpstream(ctx, login.Visit{Account: "acc_other"}, login.Callback{State: secret.New(string(w.startHandover())), Code: secret.New(good), Issuer: clientIssuer})
			if err != nil {
				t.Fatal(err)
			}
			return v
		}())
	})
}

func TestHandoverCountsOnce(t *testing.T) {
	each(t, func(w *world) {
		b, id := w.browser(), w.startHandover()
		code := w.says("crm|once", nil)
		v := b.open(id, code, clientIssuer)
		b.answer(b.confirm(v))
		w.want(b.confirm(v), login.StateDone, "")
		w.want(b.open(id, code, clientIssuer), login.StateDone, "")
		w.want(w.browser().open(id, code, clientIssuer), login.StateNoCookie, "") // which the page calls another browser

		// The same statement cannot complete another login.
		other, id2 := w.browser(), w.startHandover()
		w.refusedHandover("a used statement", other.handOver(id2, code))
		if !other.session.Empty() {
			t.Error("it has signed somebody in")
		}
		// A number is used once, whatever else the statement says.
		jti := func(s *statement) { s.claims["jti"] = "n1" }
		x := w.browser()
		x.answer(x.handOver(w.startHandover(), w.says("crm|once", jti)))
		w.clk.Advance(time.Second)
		w.refusedHandover("a used number", w.browser().handOver(w.startHandover(), w.says("crm|other", jti)))
		if w.exists("crm|other") {
			t.Error("it has made somebody")
		}
	})
}

func TestHandoverStaysInItsBrowser(t *testing.T) {
	each(t, func(w *world) {
		// The browser that showed the login first has it.
		mine, id := w.browser(), w.startHandover()
		w.want(mine.view(id), login.StateAwait, "")
		code := w.says("crm|b", nil)
		other := w.browser()
		other.view(w.start(nil)) // has a cookie of its own
		w.want(other.open(id, code, clientIssuer), login.StateOtherBrowser, "")
		v := mine.open(id, code, clientIssuer)
		w.refusedHandover("another's ticket", other.confirm(v))
		mine.answer(mine.confirm(v))

		// Of two that only looked, the one that confirms has it.
		id = w.startHandover()
		w.clk.Advance(time.Second)
		code = w.says("crm|b", nil)
		one, two := w.browser(), w.browser()
		v1, v2 := one.open(id, code, clientIssuer), two.open(id, code, clientIssuer)
		one.answer(one.confirm(v1))
		w.want(two.confirm(v2), login.StateOtherBrowser, "")
		if !two.session.Empty() {
			t.Error("both are signed in")
		}

		// Without cookies nothing is confirmed.
		bare, id := w.browser(), w.startHandover()
		w.clk.Advance(time.Second)
		v = bare.open(id, w.says("crm|b", nil), clientIssuer)
		bare.who = secret.Text{}
		w.want(bare.confirm(v), login.StateNoCookie, "")
	})
}

// What is taken away while the person reads the page counts.
func TestHandoverIsJudgedAgain(t *testing.T) {
	each(t, func(w *world) {
		open := func() (*browser, login.View) {
			w.clk.Advance(time.Second)
			b := w.browser()
			v := b.open(w.startHandover(), w.says("crm|late", nil), clientIssuer)
			w.want(v, login.StateLink, "")
			return b, v
		}
		b, v := open()
		w.sc.may["sc_1"] = false
		w.refusedHandover("without the option", b.confirm(v))
		if _, err := w.startWith(func(r *login.StartRequest) { r.Connection = "sc_1" }); !invalidConnection(err) {
			t.Errorf("a login starts: %v", err)
		}
		w.sc.may["sc_1"] = true

		b, v = open()
		key := w.sc.keys["sc_1"]
		delete(w.sc.keys, "sc_1")
		w.refusedHandover("without the key", b.confirm(v))
		w.sc.keys["sc_1"] = key

		b, v = open()
		w.clk.Advance(handover.ConfirmLife)
		w.refusedHandover("after a long while", b.confirm(v))
		b, v = open()
		v.Ticket = secret.New(v.Ticket.Reveal()[1:])
		w.refusedHandover("a bent ticket", b.confirm(v))
		if w.exists("crm|late") {
			t.Error("somebody was made")
		}
		b, v = open()
		b.answer(b.confirm(v))
	})
}

func TestHandoverOffer(t *testing.T) {
	each(t, func(w *world) {
		for _, c := range []ident.ConnectionID{"sc_2", "sc_none", "sc_"} {
			if _, err := w.startWith(func(r *login.StartRequest) { r.Connection = c }); !invalidConnection(err) {
				t.Errorf("%s: %v", c, err)
			}
		}
		// On loopback the SDK does not redirect for a service client: no twin.
		w.issuer = "http://localhost:8080"
		started, err := w.startWith(func(r *login.StartRequest) { r.Connection, r.RedirectURL = "sc_1", "http://localhost:3000/" })
		if err != nil || !strings.HasPrefix(started.URL, "http://localhost:8080/login?") {
			t.Error(started, err)
		}
		w.issuer = "https://login.example.test"
		// A button cannot be made up for one.
		b, id := w.browser(), w.start(nil)
		b.view(id)
		w.want(b.take(b.away.StartUpstream(ctx, b.visit(), id, "sc_1")), login.StateChoose, login.ProblemConnectionGone)
	})
}

// A provider's leg takes no statement, and a statement's login no provider's code: the row
// says which it is.
func TestHandoverAndUpstreamStayApart(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		id := w.start(func(r *login.StartRequest) { r.Connection = "con_idp" })
		b.want(b.view(id), login.StateRedirect, "")
		leg := w.upstream.leg.State
		w.upstream.err = errors.New("no such code")
		v := b.take(b.away.FinishUpstream(ctx, b.visit(), login.Callback{State: leg, Code: secret.New(w.says("crm|x", nil)), Issuer: clientIssuer}))
		b.want(v, login.StateChoose, login.ProblemUpstreamFailed)
		if w.exists("crm|x") || !b.session.Empty() {
			t.Error("a statement went in by a provider's door")
		}
	})
}

// The people whom it makes are on record under the client's name.
func TestHandoverIsAudited(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.answer(b.handOver(w.startHandover(), w.says("crm|seen", nil)))
		if w.by.String() != "client:sc_1" || w.by.Account != acc {
			t.Error(w.by)
		}
	})
}

func invalidConnection(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Kind == fault.Invalid && f.Code == "InvalidConnection"
}

// One statement, many logins, all at once: one of them is completed.
func TestHandoverCountsOnceAtOnce(t *testing.T) {
	each(t, func(w *world) {
		code := w.says("crm|race", nil)
		browsers, views := make([]*browser, 6), make([]login.View, 6)
		for i := range browsers {
			browsers[i] = w.browser()
			views[i] = browsers[i].open(w.startHandover(), code, clientIssuer)
		}
		var done atomic.Int32
		var wg sync.WaitGroup
		for i, b := range browsers {
			for range 2 { // and everybody presses the button twice
				wg.Go(func() {
					v, err := w.away.ConfirmHandover(ctx, b.visit(), views[i].Ticket)
					if err != nil {
						t.Error(err)
					}
					if v.State == login.StateRedirect {
						done.Add(1)
					}
				})
			}
		}
		wg.Wait()
		if done.Load() != 1 {
			t.Errorf("%d logins were completed", done.Load())
		}
	})
}
