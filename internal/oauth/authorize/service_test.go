package authorize_test

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize"
	"github.com/admit-id/admit/internal/oauth/authorize/check"
	"github.com/admit-id/admit/internal/oauth/oauthdb"
)

func TestSilent(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.signIn("ann@x.example")
		w.reads.reads.Store(0)
		w.reads.writes.Store(0)
		out := b.begin("prompt", "none", "dpop_jkt", challenge)
		if w.reads.reads.Load() != 1 || w.reads.writes.Load() != 1 || len(w.errands) != 0 {
			t.Errorf("%d reads, %d writes, %d logins; want 1, 1, 0", w.reads.reads.Load(), w.reads.writes.Load(), len(w.errands))
		}
		b.onlyWithItsKey(out)
		b.code(b.begin(), "app_1")
		if b.code(b.begin("scope", "openid email"), "app_1").Scopes[1] != "email" {
			t.Error("scopes")
		}
		w.clk.Advance(2 * time.Hour) // single sign-on counts as a use
		b.code(b.begin(), "app_1")
		found, err := w.sessions.Peek(ctx, acc, b.session)
		if err != nil || w.clk.Now().Sub(found.LastSeen) > time.Minute {
			t.Error("the use of the session was not noted", err)
		}
	})
}

// onlyWithItsKey wants a code that is bound to the DPoP key.
func (b *browser) onlyWithItsKey(out authorize.Outcome) {
	b.Helper()
	code := oauth.CodeHash(secretOf(b.answer(out).Get("code")))
	err := b.db.Write(ctx, tx.In(acc), func(ctx context.Context, t tx.Tx) error {
		_, err := oauthdb.Codes{}.TakeCode(ctx, t, oauth.AuthorizationCode{Hash: code, RedirectURI: callback, Challenge: challenge, Authorization: oauth.Authorization{Account: acc, Client: "app_1"}})
		return err
	})
	if !isNotFound(err) {
		b.Error("a code that is bound to a key was redeemed without it:", err)
	}
}

func TestLogin(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		out := b.begin("login_hint", "ann@x.example", "ui_locales", "de")
		id, state, e := b.atLogin(out)
		if out.NewBrowser.Empty() || e.Hint != "ann@x.example" || e.Fresh || e.Choose || !strings.HasSuffix(out.Location, "&ui_locales=de") {
			t.Fatalf("%+v %+v", out, e)
		}
		thief := w.browser()
		thief.signIn("eve@x.example")
		thief.onPage(thief.resume(id), oauth.InvalidRequest)
		thief.who = secretOf("other")
		thief.onPage(thief.resume(id), oauth.InvalidRequest)
		b.atLogin(b.resume(id)) // too early: back to the box
		w.done[state] = true
		b.signIn("ann@x.example")
		b.code(b.resume(id), "app_1")
		b.onPage(b.resume(id), oauth.InvalidRequest)

		late, _, _ := w.browser().atLogin(w.browser().begin())
		w.clk.Advance(oauth.RequestLife)
		b.onPage(b.resume(late), oauth.InvalidRequest)

		gone := w.browser()
		id, _, _ = gone.atLogin(gone.begin())
		gone.signIn("ann@x.example")
		c := w.clients["app_1"]
		c.RedirectURIs = nil
		w.clients["app_1"] = c // the address was taken from the client meanwhile
		gone.onPage(gone.resume(id), oauth.InvalidRequest)
	})
}

// TestPrompt is OAU-32.
func TestPrompt(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.refused(b.begin("prompt", "none"), oauth.LoginRequired)
		b.signIn("ann@x.example")
		ann := b.user
		w.clk.Advance(time.Minute)
		for _, pairs := range [][]string{{"prompt", "login"}, {"max_age", "0"}, {"max_age", "59"}} {
			none := append([]string{}, pairs...)
			if none[0] == "max_age" {
				b.refused(b.begin(append(none, "prompt", "none")...), oauth.LoginRequired)
			}
			id, state, e := b.atLogin(b.begin(pairs...))
			if !e.Fresh {
				t.Errorf("%v: not fresh", pairs)
			}
			_, again, _ := b.atLogin(b.resume(id)) // without a new proof
			if again == state {
				t.Error("the same login")
			}
			w.done[again] = true
			b.atLogin(b.resume(id)) // nor because the login says that it is over
			b.signIn("ann@x.example")
			if got := b.code(b.resume(id), "app_1"); w.clk.Now().Sub(got.AuthTime) > time.Second {
				t.Errorf("%v: proved at %v", pairs, got.AuthTime)
			}
			w.clk.Advance(time.Minute)
		}
		b.code(b.begin("max_age", "61"), "app_1")

		id, state, e := b.atLogin(b.begin("prompt", "select_account"))
		if !e.Choose || e.Fresh {
			t.Errorf("%+v", e)
		}
		b.atLogin(b.resume(id))
		_, state2, _ := b.atLogin(b.resume(id))
		w.done[state], w.done[state2] = true, true
		b.code(b.resume(id), "app_1")

		// Another person than the one who is asked for.
		b.refused(b.begin("prompt", "none", "id_token_hint", "hint:usr_bob"), oauth.LoginRequired)
		b.refused(b.begin("prompt", "none", "claims", `{"id_token":{"sub":{"value":"usr_bob"}}}`), oauth.LoginRequired)
		b.code(b.begin("prompt", "none", "id_token_hint", "hint:"+string(ann)), "app_1")
		id, state, e = b.atLogin(b.begin("id_token_hint", "hint:usr_bob"))
		if !e.Fresh {
			t.Error("the session of another may answer")
		}
		w.done[state] = true
		b.signIn("eve@x.example")
		b.refused(b.resume(id), oauth.LoginRequired)
		b.onPage(b.resume(id), oauth.InvalidRequest)

		b.refused(b.begin("claims", `{"id_token":{"acr":{"essential":true,"value":"urn:other:aal3"}}}`), oauth.UnmetAuthentication)
		w.browser().refused(w.browser().begin("claims", `{"id_token":{"acr":{"essential":true,"value":"urn:other:aal3"}}}`), oauth.UnmetAuthentication)
		b.code(b.begin("claims", `{"id_token":{"acr":{"essential":true,"values":["urn:other:aal3","urn:admit:aal1"]}}}`), "app_1")
		b.code(b.begin("acr_values", "urn:other:aal3"), "app_1")
	})
}

func TestConsent(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.signIn("ann@x.example")
		third := []string{"client_id", "app_third"}
		b.code(b.begin("prompt", "consent"), "app_1") // nobody is asked for a first-party client
		b.refused(b.begin(append(third, "prompt", "none")...), oauth.ConsentRequired)
		id := b.atConsent(b.begin(third...))
		p, err := w.s.Pending(ctx, b.visit(), id)
		if err != nil || p.Client.ID != "app_third" || p.User.ID != b.user || len(p.Scopes) != 1 || p.ReturnURL != callback {
			t.Fatalf("%+v %v", p, err)
		}
		b.atConsent(b.resume(id)) // nothing was said
		thief := w.browser()
		thief.signIn("eve@x.example")
		thief.who = secretOf("other")
		if _, err := w.s.Pending(ctx, thief.visit(), id); !isNotFound(err) {
			t.Error("another browser sees the request:", err)
		}
		if err := w.s.Decide(ctx, thief.visit(), id, true); !isNotFound(err) {
			t.Error("another browser decides:", err)
		}
		// Somebody else signs in between the page and its button.
		other := *b
		other.signIn("eve@x.example")
		if err := w.s.Decide(ctx, other.visit(), id, true); !isNotFound(err) {
			t.Error("another person decides what the first one was asked:", err)
		}
		b.signIn("ann@x.example")
		b.atConsent(b.resume(id))
		if err := w.s.Decide(ctx, b.visit(), id, true); err != nil {
			t.Fatal(err)
		}
		if err := w.s.Decide(ctx, b.visit(), id, false); !isNotFound(err) {
			t.Error("decided twice:", err)
		}
		b.code(b.resume(id), "app_third")
		b.code(b.begin(append(third, "prompt", "none")...), "app_third") // remembered
		b.atConsent(b.begin(append(third, "scope", "openid email")...))  // but not more
		id = b.atConsent(b.begin(append(third, "prompt", "consent")...))
		if err := w.s.Decide(ctx, b.visit(), id, false); err != nil {
			t.Fatal(err)
		}
		b.refused(b.resume(id), oauth.AccessDenied)
		b.onPage(b.resume(id), oauth.InvalidRequest)

		// Through the login box first.
		c := w.browser()
		id, state, _ := c.atLogin(c.begin(third...))
		w.done[state] = true
		c.signIn("new@x.example")
		if got := c.atConsent(c.resume(id)); got != id {
			t.Error("another request")
		}
		if err := w.s.Decide(ctx, c.visit(), id, true); err != nil {
			t.Fatal(err)
		}
		c.code(c.resume(id), "app_third")
	})
}

// TestStrangers is RED-10.
func TestStrangers(t *testing.T) {
	each(t, func(w *world) {
		for _, client := range []string{"app_self", "https://agent.example/c.json"} {
			b := w.browser()
			for _, pairs := range [][]string{{"scope", "invalid"}, {"response_type", "foo"}, {"prompt", "none"}, {"response_mode", "x"}} {
				out := b.begin(append(pairs, "client_id", client)...)
				if out.Problem == nil || out.Location != "" {
					t.Errorf("%s %v: %+v", client, pairs, out)
				}
			}
			b.session = secretOf("planted")
			b.onPage(b.begin("client_id", client, "scope", "invalid"), oauth.InvalidScope)
			b.session = secretOf("")
			b.signIn("ann@x.example")
			b.refused(b.begin("client_id", client, "scope", "invalid"), oauth.InvalidScope)
			b.refused(b.begin("client_id", client, "prompt", "none"), oauth.ConsentRequired)
			b.atConsent(b.begin("client_id", client))
		}
		b := w.browser()
		b.onPage(b.begin("client_id", "app_none"), oauth.InvalidClient)
		b.onPage(b.begin("redirect_uri", "https://evil.example/", "prompt", "none"), oauth.InvalidRequest)
		b.refused(b.begin("scope", "invalid"), oauth.InvalidScope)
	})
}

// TestModes is OAU-27 and OAU-36: every way carries iss and state, for success and for errors.
func TestModes(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.signIn("ann@x.example")
		read := func(out authorize.Outcome, mode string) (v url.Values) {
			t.Helper()
			var err error
			switch strings.TrimSuffix(mode, ".jwt") {
			case "form_post":
				if out.Form == nil || out.Form.Action != callback || out.Location != "" {
					t.Fatalf("%s: %+v", mode, out)
				}
				v = out.Form.Values
			case "fragment":
				rest, ok := strings.CutPrefix(out.Location, callback+"#")
				if v, err = url.ParseQuery(rest); !ok || err != nil {
					t.Fatalf("%s: %+v", mode, out)
				}
			default:
				rest, ok := strings.CutPrefix(out.Location, callback+"?")
				if v, err = url.ParseQuery(rest); !ok || err != nil {
					t.Fatalf("%s: %+v", mode, out)
				}
			}
			if !strings.HasSuffix(mode, "jwt") {
				return v
			}
			var claims map[string]any
			if len(v) != 1 || json.Unmarshal([]byte(v.Get("response")), &claims) != nil || claims["aud"] != "app_1" || claims["exp"] == nil {
				t.Fatalf("%s: %v", mode, v)
			}
			v = url.Values{}
			for name, one := range claims {
				if s, ok := one.(string); ok {
					v.Set(name, s)
				}
			}
			return v
		}
		for _, mode := range check.ResponseModes() {
			for _, pairs := range [][]string{nil, {"scope", "invalid"}, {"prompt", "none", "max_age", "0"}} {
				v := read(b.begin(append(pairs, "response_mode", mode)...), mode)
				if v.Get("iss") != issuer || v.Get("state") != "s 1&x=y" || v.Has("code") == v.Has("error") {
					t.Errorf("%s %v: %v", mode, pairs, v)
				}
			}
		}
		w.broken = true
		if out, err := w.s.Begin(ctx, b.visit(), check.Sent{Query: query("response_mode", "jwt")}); err == nil {
			t.Errorf("an unsigned answer: %+v", out)
		}
	})
}

func TestPush(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.signIn("ann@x.example")
		push := func(client, jkt string, q url.Values) (authorize.Reference, error) {
			return w.s.Push(ctx, authorize.PushRequest{Account: acc, Client: w.clients[client], Form: q, JKT: jkt})
		}
		use := func(client, uri string) authorize.Outcome {
			return b.take(w.s.Begin(ctx, b.visit(), check.Sent{Query: url.Values{
				"client_id": {client}, "request_uri": {uri}, "redirect_uri": {"https://evil.example"}, "state": {"z"}, "scope": {"admin"}, "dpop_jkt": {"x"},
			}}))
		}
		q := query("client_secret", "s3cret", "client_assertion", "x")
		q.Del("client_id")
		ref, err := push("app_1", "", q)
		if err != nil || !strings.HasPrefix(ref.URI, check.URN) || len(ref.URI) < len(check.URN)+43 || ref.Life > 600*time.Second {
			t.Fatal(ref, err)
		}
		b.onPage(use("app_third", ref.URI), oauth.InvalidRequestURI)
		b.code(use("app_1", ref.URI), "app_1")
		b.onPage(use("app_1", ref.URI), oauth.InvalidRequestURI)
		if ref, err = push("app_1", "", query()); err != nil {
			t.Fatal(err)
		}
		w.clk.Advance(ref.Life)
		b.onPage(use("app_1", ref.URI), oauth.InvalidRequestURI)

		if ref, err = push("app_1", challenge, query()); err != nil {
			t.Fatal(err)
		}
		b.onlyWithItsKey(use("app_1", ref.URI))
		if _, err = push("app_1", challenge, query("dpop_jkt", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU")); oauth.CodeOf(err) != oauth.InvalidDPoPProof {
			t.Error("another key than that of the proof:", err)
		}
		if _, err = push("app_1", "", query("redirect_uri", "https://evil.example")); oauth.CodeOf(err) != oauth.InvalidRequest {
			t.Error(err)
		}

		// What was pushed waits for a login as well, and is pushed still when the browser comes back.
		c := w.clients["app_1"]
		c.Settings.RequirePAR = true
		w.clients["app_1"] = c
		b = w.browser()
		if ref, err = push("app_1", "", query()); err != nil {
			t.Fatal(err)
		}
		id, state, _ := b.atLogin(use("app_1", ref.URI))
		w.done[state] = true
		b.signIn("ann@x.example")
		b.code(b.resume(id), "app_1")
		b.refused(b.begin(), oauth.InvalidRequest)
	})
}

func TestRaces(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		id, state, _ := b.atLogin(b.begin())
		w.done[state] = true
		b.signIn("ann@x.example")
		var won atomic.Int64
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				out, err := w.s.Resume(ctx, b.visit(), id)
				if err == nil && strings.Contains(out.Location, "code=") {
					won.Add(1)
				}
			})
		}
		if all.Wait(); won.Load() != 1 {
			t.Errorf("%d codes of one request", won.Load())
		}
	})
}

func TestGone(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.signIn("ann@x.example")
		if err := w.users.Delete(ctx, actor.ForOperator(acc), b.user); err != nil {
			t.Fatal(err)
		}
		b.refused(b.begin("prompt", "none"), oauth.LoginRequired)
		b.atLogin(b.begin())
		n, err := w.s.Purge(ctx, 100)
		if err != nil || n != 0 {
			t.Error(n, err)
		}
		w.clk.Advance(2*oauth.RequestLife + time.Second)
		if n, err = w.s.Purge(ctx, 100); err != nil || n != 1 {
			t.Error(n, err)
		}
	})
}

func secretOf(text string) secret.Text { return secret.New(text) }
