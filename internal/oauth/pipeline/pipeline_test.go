package pipeline_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/pipeline"
)

// claims reads a JWT's, unverified.
func (w *world) claims(text string) map[string]any {
	w.Helper()
	own, err := w.tokens.ReadAccess(account, text, w.clock.Now())
	if err != nil {
		w.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(own.Claims, &out); err != nil {
		w.Fatal(err)
	}
	return out
}

func TestCode(t *testing.T) {
	everywhere(t, func(w *world) {
		out := w.first("app_public")
		c := w.claims(out.AccessToken.Reveal())
		if c["sub"] != string(w.person.ID) || c["aud"] != string(account) || c["client_id"] != "app_public" || c["sid"] != string(w.session.ID) ||
			c["scope"] != "openid profile email offline_access read write" || c["gid"] == nil || out.TokenType != "Bearer" || out.ExpiresIn != 15*time.Minute {
			w.Errorf("%v %+v", c, out)
		}
		id, err := w.tokens.ReadID(account, out.IDToken.Reveal())
		if err != nil {
			w.Fatal(err)
		}
		var said map[string]any
		if err := json.Unmarshal(id.Claims, &said); err != nil {
			w.Fatal(err)
		}
		if said["nonce"] != "n-1" || said["at_hash"] == nil || said["c_hash"] == nil || said["name"] != "Ada" || said["email"] != "ada@example.test" || said["acr"] == nil || said["auth_time"] == nil {
			w.Errorf("%v", said)
		}
		third := w.first("app_third")
		if c := w.claims(third.AccessToken.Reveal()); c["aud"] != issuer {
			w.Errorf("a third party's token is for %v", c["aud"])
		}
	})
}

// OAU-01: a code that comes again ends everything that came of it, at once.
func TestCodeTwice(t *testing.T) {
	everywhere(t, func(w *world) {
		code := w.code("app_public", nil)
		first, err := w.redeem("app_public", code)
		if err != nil {
			w.Fatal(err)
		}
		if !w.alive(first.AccessToken.Reveal()) {
			w.Fatal("dead from the start")
		}
		// Without the verifier, or as another client, it is no reuse: nobody is thrown out by a guess.
		_, err = w.ask("grant_type", "authorization_code", "client_id", "app_public", "code", code, "redirect_uri", callback, "code_verifier", strings.Repeat("x", 43))
		w.want(err, oauth.InvalidGrant)
		_, err = w.redeem("app_other", code)
		w.want(err, oauth.InvalidGrant)
		if !w.alive(first.AccessToken.Reveal()) {
			w.Fatal("a guess has ended the tokens")
		}
		w.clock.Advance(35 * time.Second)
		_, err = w.redeem("app_public", code)
		w.want(err, oauth.InvalidGrant)
		if w.alive(first.AccessToken.Reveal()) {
			w.Error("the access token lives on")
		}
		_, err = w.refresh("app_public", first.RefreshToken.Reveal())
		w.want(err, oauth.InvalidGrant)
		if w.seen(pipeline.EventReused) != 1 {
			w.Error("no event")
		}
	})
}

// OAU-04, OAU-06 and every binding of a code.
func TestCodeBindings(t *testing.T) {
	everywhere(t, func(w *world) {
		send := func(client, code, uri, verifier string, more ...string) error {
			_, err := w.ask(append([]string{"grant_type", "authorization_code", "client_id", client, "code", code, "redirect_uri", uri, "code_verifier", verifier}, more...)...)
			return err
		}
		code := w.code("app_public", func(c *oauth.AuthorizationCode) { c.JKT = key1 })
		w.want(send("app_public", "", callback, verifier), oauth.InvalidRequest)
		w.want(send("app_public", code, "", verifier), oauth.InvalidRequest)
		for _, bad := range []string{"", "undefined", "short", strings.Repeat("ä", 43), strings.Repeat("a", 257), verifier + "x"} {
			w.want(send("app_public", code, callback, bad, "DPoP", key1), oauth.InvalidGrant)
		}
		for _, uri := range []string{callback + "/", callback + "?a=1", "https://APP.example.test/back", "https://evil.test/"} {
			w.want(send("app_public", code, uri, verifier, "DPoP", key1), oauth.InvalidGrant)
		}
		w.want(send("app_other", code, callback, verifier, "DPoP", key1), oauth.InvalidGrant)
		w.want(send("app_public", code, callback, verifier), oauth.InvalidGrant)
		w.want(send("app_public", code, callback, verifier, "DPoP", key2), oauth.InvalidGrant)
		w.want(send("app_public", code, callback, verifier, "DPoP", key1), "")

		code = w.code("app_public", nil)
		w.clock.Advance(59 * time.Second)
		w.want(send("app_public", code, callback, verifier), "")
		code = w.code("app_public", nil)
		w.clock.Advance(61 * time.Second)
		w.want(send("app_public", code, callback, verifier), oauth.InvalidGrant)

		code = w.code("app_public", nil)
		if err := w.sessions.End(w.Context(), actor.ForSystem(account), account, w.session.ID); err != nil {
			w.Fatal(err)
		}
		w.want(send("app_public", code, callback, verifier), oauth.InvalidGrant)
	})
}

// OAU-08: rotation, the window, and reuse.
func TestRefreshRotates(t *testing.T) {
	everywhere(t, func(w *world) {
		r0 := w.first("app_public").RefreshToken.Reveal()
		next := func(text string) string {
			out, err := w.refresh("app_public", text)
			if err != nil {
				w.Fatal(err)
			}
			return out.RefreshToken.Reveal()
		}
		r1 := next(r0)
		if again := next(r0); again != r1 {
			w.Error("within the window the successor is another: a fork")
		}
		out, err := w.refresh("app_public", r1)
		if err != nil {
			w.Fatal(err)
		}
		r2, access := out.RefreshToken.Reveal(), out.AccessToken.Reveal()
		if r0 == r1 || r1 == r2 || !w.alive(access) {
			w.Fatal("it does not rotate")
		}
		w.clock.Advance(pipeline.Window + time.Second)
		_, err = w.refresh("app_public", r0)
		w.want(err, oauth.InvalidGrant)
		_, err = w.refresh("app_public", r2)
		w.want(err, oauth.InvalidGrant)
		if w.alive(access) || w.seen(pipeline.EventReused) != 1 {
			w.Error("the family lives on")
		}
		// One step back, after the window, is reuse as well.
		r0 = w.first("app_public").RefreshToken.Reveal()
		r1 = next(r0)
		w.clock.Advance(pipeline.Window + time.Second)
		_, err = w.refresh("app_public", r0)
		w.want(err, oauth.InvalidGrant)
		_, err = w.refresh("app_public", r1)
		w.want(err, oauth.InvalidGrant)
	})
}

// OAU-12 and the texts of strangers.
func TestRefreshBindings(t *testing.T) {
	everywhere(t, func(w *world) {
		text := w.first("app_secret").RefreshToken.Reveal()
		_, err := w.refresh("app_secret", text, "client_secret", "wrong")
		w.want(err, oauth.InvalidClient)
		for _, other := range []string{"app_other", "app_public"} {
			_, err = w.refresh(other, text)
			w.want(err, oauth.InvalidGrant)
		}
		if w.seen(pipeline.EventStolen) != 2 {
			w.Error("another client's attempts are not written down")
		}
		_, err = w.refresh("app_less", text)
		w.want(err, oauth.UnauthorizedClient)
		for _, bad := range []string{"", "art_", text[:len(text)-1], text + "A", "art_" + strings.Repeat("A", len(text)-4), "aat_" + text[4:]} {
			_, err = w.refresh("app_secret", bad)
			if code := oauth.CodeOf(err); code != oauth.InvalidGrant && code != oauth.InvalidRequest {
				w.Errorf("%q: %v", bad, err)
			}
		}
		// Every single byte counts.
		for i := 4; i < len(text); i += 7 {
			changed := []byte(text)
			if changed[i]++; changed[i] == text[i] {
				continue
			}
			_, err = w.refresh("app_secret", string(changed))
			w.want(err, oauth.InvalidGrant)
		}
		same, err := w.refresh("app_secret", text)
		if err != nil || same.RefreshToken.Reveal() != text {
			w.Errorf("a confidential client's token rotates: %v", err)
		}
		bound := w.first("app_public", "DPoP", key1)
		if bound.TokenType != "DPoP" {
			w.Error("the token is not bound")
		}
		for _, more := range [][]string{nil, {"DPoP", key2}} {
			_, err = w.refresh("app_public", bound.RefreshToken.Reveal(), more...)
			w.want(err, oauth.InvalidGrant)
		}
		again, err := w.refresh("app_public", bound.RefreshToken.Reveal(), "DPoP", key1)
		if err != nil || again.RefreshToken.Reveal() != bound.RefreshToken.Reveal() || again.TokenType != "DPoP" {
			w.Errorf("a bound token: %v", err)
		}
		no := w.code("app_public", func(c *oauth.AuthorizationCode) { c.Scopes = []string{"openid", "read"} })
		out, err := w.redeem("app_public", no)
		if err != nil || !out.RefreshToken.Empty() {
			w.Errorf("refresh tokens that nobody asked for: %v", err)
		}
	})
}

func TestRefreshNarrows(t *testing.T) {
	everywhere(t, func(w *world) {
		code := w.code("app_secret", func(c *oauth.AuthorizationCode) {
			c.Scopes, c.Resources = []string{"openid", "offline_access", "read"}, []string{api}
		})
		out, err := w.redeem("app_secret", code)
		if err != nil {
			w.Fatal(err)
		}
		text := out.RefreshToken.Reveal()
		for _, more := range [][]string{{"scope", "openid read write"}, {"scope", "admin"}, {"scope", "read  openid"}, {"scope", "a\"b"}} {
			_, err = w.refresh("app_secret", text, more...)
			w.want(err, oauth.InvalidScope)
		}
		_, err = w.refresh("app_secret", text, "resource", "https://other.example.test/")
		w.want(err, oauth.InvalidTarget)
		less, err := w.refresh("app_secret", text, "scope", "read", "resource", api)
		if err != nil || less.Scope != "read" || !less.IDToken.Empty() {
			w.Errorf("%+v %v", less, err)
		}
		if c := w.claims(less.AccessToken.Reveal()); c["aud"] != api {
			w.Error(c)
		}
		// Narrowing one token does not narrow the family, and what the client has lost is lost (I-11).
		c := w.clients["app_secret"]
		c.Settings.Scopes = []string{"openid", "offline_access"}
		w.clients["app_secret"] = c
		out, err = w.refresh("app_secret", text)
		if err != nil || out.Scope != "openid offline_access" {
			w.Errorf("%q %v", out.Scope, err)
		}
		c.Settings.Resources = nil
		w.clients["app_secret"] = c
		_, err = w.refresh("app_secret", text)
		w.want(err, oauth.InvalidTarget)
		// A family without resources gets none later.
		plain := w.first("app_public").RefreshToken.Reveal()
		_, err = w.refresh("app_public", plain, "resource", api)
		w.want(err, oauth.InvalidTarget)
	})
}

// What ends a family, and what does not.
func TestEnds(t *testing.T) {
	everywhere(t, func(w *world) {
		by := actor.ForSystem(account)
		check := func(what string, tokens pipeline.Result, client string, access, refresh bool) {
			w.Helper()
			if got := w.alive(tokens.AccessToken.Reveal()); got != access {
				w.Errorf("%s: the access token lives: %v", what, got)
			}
			if _, err := w.refresh(client, tokens.RefreshToken.Reveal()); (err == nil) != refresh {
				w.Errorf("%s: refresh: %v", what, err)
			}
		}
		one, other := w.first("app_secret"), w.first("app_public")
		w.in(func(ctx context.Context, t tx.Tx) error {
			return w.families.EndForConsent(ctx, t, by, w.person.ID, "app_secret")
		})
		check("consent", one, "app_secret", false, false)
		check("another client's consent", other, "app_public", true, true)

		one = w.first("app_secret")
		w.in(func(ctx context.Context, t tx.Tx) error { return w.families.EndForClient(ctx, t, by, "app_secret") })
		check("client", one, "app_secret", false, false)
		w.clock.Advance(2 * time.Second)

		one = w.first("app_secret")
		if err := w.sessions.End(w.Context(), by, account, w.session.ID); err != nil {
			w.Fatal(err)
		}
		w.in(func(ctx context.Context, t tx.Tx) error { return w.families.EndForSession(ctx, t, by, w.session.Root) })
		check("logout", one, "app_secret", false, true)
		out, err := w.refresh("app_secret", one.RefreshToken.Reveal())
		if err != nil || !w.alive(out.AccessToken.Reveal()) {
			w.Fatalf("after a logout: %v", err)
		}
		if c := w.claims(out.AccessToken.Reveal()); c["sid"] != nil {
			w.Error("the token names a session that is over")
		}
		w.in(func(ctx context.Context, t tx.Tx) error {
			if err := w.sessions.EndUser(ctx, t, by, w.person.ID); err != nil {
				return err
			}
			return w.families.EndForUser(ctx, t, by, w.person.ID)
		})
		check("everywhere", out, "app_secret", false, false)

		w.signIn(w.T)
		w.clock.Advance(2 * time.Second)
		one = w.first("app_secret")
		w.clock.Advance(31 * 24 * time.Hour)
		check("not used for 31 days", one, "app_secret", false, false)
		w.signIn(w.T)
		text := w.first("app_secret").RefreshToken.Reveal()
		for day := 0; ; day += 20 {
			w.clock.Advance(20 * 24 * time.Hour)
			if _, err := w.refresh("app_secret", text); err != nil {
				if day != 80 {
					w.Errorf("the family ended on day %d", day+20)
				}
				break
			}
		}
	})
}

// OAU-19: nothing that the client does not have.
func TestGrantTypes(t *testing.T) {
	everywhere(t, func(w *world) {
		for _, c := range []struct {
			client, grant string
			want          oauth.Code
		}{
			{"app_public", "", oauth.InvalidRequest}, {"app_public", "password", oauth.UnsupportedGrantType}, {"app_public", "implicit", oauth.UnsupportedGrantType},
			{"app_public", "urn:x", oauth.UnsupportedGrantType}, {"app_public", "AUTHORIZATION_CODE", oauth.UnsupportedGrantType},
			{"app_public", application.GrantClientCredentials, oauth.UnauthorizedClient}, {"app_public", application.GrantExchange, oauth.UnauthorizedClient},
			{"app_public", application.GrantJWTBearer, oauth.InvalidRequest}, {"app_less", application.GrantClientCredentials, oauth.UnauthorizedClient},
			{"app_nobody", application.GrantCode, oauth.InvalidClient},
		} {
			_, err := w.ask("grant_type", c.grant, "client_id", c.client)
			if oauth.CodeOf(err) != c.want {
				w.Errorf("%s %q: %v", c.client, c.grant, err)
			}
		}
		out, err := w.ask("grant_type", application.GrantClientCredentials, "client_id", "app_secret")
		if err != nil || out.Scope != "read write" || !out.RefreshToken.Empty() || !out.IDToken.Empty() {
			w.Fatalf("%+v %v", out, err)
		}
		c := w.claims(out.AccessToken.Reveal())
		if c["sub"] != "app_secret" || c["client_id"] != "app_secret" || c["aud"] != string(account) || c["sid"] != nil || c["auth_time"] != nil {
			w.Error(c)
		}
		out, err = w.ask("grant_type", application.GrantClientCredentials, "client_id", "app_secret", "scope", "openid read", "resource", api)
		if err != nil || out.Scope != "read" || w.claims(out.AccessToken.Reveal())["aud"] != api {
			w.Fatalf("%+v %v", out, err)
		}
		_, err = w.ask("grant_type", application.GrantClientCredentials, "client_id", "app_secret", "scope", "admin")
		w.want(err, oauth.InvalidScope)
		_, err = w.ask("grant_type", application.GrantClientCredentials, "client_id", "app_secret", "resource", "https://evil.test/")
		w.want(err, oauth.InvalidTarget)
	})
}

// 100 redemptions of one code at the same time: one success, no fork; the same with a refresh token.
func TestRaces(t *testing.T) {
	everywhere(t, func(w *world) {
		const many = 100
		race := func(do func() (pipeline.Result, error)) (good []pipeline.Result, bad int) {
			var mu sync.Mutex
			var all sync.WaitGroup
			for range many {
				all.Go(func() {
					out, err := do()
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						good = append(good, out)
						return
					}
					bad++
					if oauth.CodeOf(err) != oauth.InvalidGrant {
						w.Errorf("%v", err)
					}
				})
			}
			all.Wait()
			return good, bad
		}
		code := w.code("app_public", nil)
		good, bad := race(func() (pipeline.Result, error) { return w.redeem("app_public", code) })
		if len(good) != 1 || bad != many-1 {
			w.Fatalf("%d redemptions of one code", len(good))
		}
		if w.alive(good[0].AccessToken.Reveal()) {
			w.Error("the code came twice, and its token lives")
		}
		text := w.first("app_public").RefreshToken.Reveal()
		good, _ = race(func() (pipeline.Result, error) { return w.refresh("app_public", text) })
		if len(good) != many {
			w.Fatalf("%d of %d within the window", len(good), many)
		}
		next := good[0].RefreshToken.Reveal()
		for _, one := range good {
			if one.RefreshToken.Reveal() != next {
				w.Fatal("a fork: two successors of one refresh token")
			}
		}
		if out, err := w.refresh("app_public", next); err != nil || out.RefreshToken.Reveal() == next {
			w.Fatalf("the successor: %v", err)
		}
	})
}

func TestExchange(t *testing.T) {
	everywhere(t, func(w *world) {
		subject := func(change func(*oauth.AuthorizationCode)) pipeline.Result {
			out, err := w.redeem("app_secret", w.code("app_secret", change))
			if err != nil {
				w.Fatal(err)
			}
			return out
		}
		forAPI := func(c *oauth.AuthorizationCode) { c.Resources = []string{api} }
		exchange := func(client, text string, more ...string) (pipeline.Result, error) {
			return w.ask(append([]string{"grant_type", application.GrantExchange, "client_id", client, "subject_token", text, "subject_token_type", pipeline.TypeAccessToken}, more...)...)
		}
		user := subject(forAPI)
		out, err := exchange("app_api", user.AccessToken.Reveal(), "scope", "read", "audience", api)
		if err != nil {
			w.Fatal(err)
		}
		c := w.claims(out.AccessToken.Reveal())
		if c["sub"] != string(w.person.ID) || c["client_id"] != "app_api" || c["scope"] != "read" || c["aud"] != api ||
			c["act"].(map[string]any)["sub"] != "app_api" || out.IssuedType != pipeline.TypeAccessToken || !out.RefreshToken.Empty() || !out.IDToken.Empty() {
			w.Errorf("%v %+v", c, out)
		}
		again, err := exchange("app_api", out.AccessToken.Reveal())
		if err != nil {
			w.Fatal(err)
		}
		if act := w.claims(again.AccessToken.Reveal())["act"].(map[string]any); act["act"] == nil {
			w.Error("the earlier actor is forgotten")
		}
		for _, c := range []struct {
			client, token string
			more          []string
			want          oauth.Code
		}{
			{"app_api", out.AccessToken.Reveal(), []string{"scope", "read write"}, oauth.InvalidScope},
			{"app_api", user.AccessToken.Reveal(), []string{"audience", string(account)}, oauth.InvalidTarget},
			{"app_api", user.AccessToken.Reveal(), []string{"resource", "https://evil.test/"}, oauth.InvalidTarget},
			{"app_api", user.AccessToken.Reveal() + "x", nil, oauth.InvalidRequest},
			{"app_api", user.RefreshToken.Reveal(), nil, oauth.InvalidRequest},
			{"app_api", user.IDToken.Reveal(), nil, oauth.InvalidRequest},
			{"app_api", user.AccessToken.Reveal(), []string{"requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"}, oauth.InvalidRequest},
			{"app_api", user.AccessToken.Reveal(), []string{"actor_token", user.AccessToken.Reveal(), "actor_token_type", pipeline.TypeAccessToken}, oauth.InvalidRequest},
			{"app_api", user.AccessToken.Reveal(), []string{"actor_token", "x"}, oauth.InvalidRequest},
			{"app_api", subject(nil).AccessToken.Reveal(), nil, oauth.InvalidRequest}, // of no concern to it
			{"app_public", user.AccessToken.Reveal(), nil, oauth.UnauthorizedClient},
		} {
			_, err := exchange(c.client, c.token, c.more...)
			if oauth.CodeOf(err) != c.want {
				w.Errorf("%s %v: %v, want %s", c.client, c.more, err, c.want)
			}
		}
		machine, err := w.ask("grant_type", application.GrantClientCredentials, "client_id", "app_api")
		if err != nil {
			w.Fatal(err)
		}
		if _, err = exchange("app_api", user.AccessToken.Reveal(), "actor_token", machine.AccessToken.Reveal(), "actor_token_type", pipeline.TypeAccessToken); err != nil {
			w.Error(err)
		}
		_, err = exchange("app_api", machine.AccessToken.Reveal())
		w.want(err, oauth.InvalidRequest)
		// It does not outlive the subject token, nor its family.
		w.clock.Advance(14 * time.Minute)
		late, err := exchange("app_api", user.AccessToken.Reveal())
		if err != nil || late.ExpiresIn > time.Minute {
			w.Errorf("%v %v", late.ExpiresIn, err)
		}
		w.in(func(ctx context.Context, t tx.Tx) error {
			return w.families.EndForConsent(ctx, t, actor.ForSystem(account), w.person.ID, "app_secret")
		})
		if w.alive(late.AccessToken.Reveal()) {
			w.Error("it outlives its family")
		}
	})
}

func TestAssertion(t *testing.T) {
	everywhere(t, func(w *world) {
		bearer := func(client, text string, more ...string) (pipeline.Result, error) {
			return w.ask(append([]string{"grant_type", application.GrantJWTBearer, "client_id", client, "assertion", text}, more...)...)
		}
		now := w.clock.Now()
		w.linked["of a linked issuer"] = linkedProof("iss_0123456789abcdef|repo:a", now, now.Add(5*time.Minute))
		out, err := bearer("app_secret", "of a linked issuer", "scope", "read")
		if err != nil {
			w.Fatal(err)
		}
		if c := w.claims(out.AccessToken.Reveal()); c["sub"] == nil || c["scope"] != "read" || out.ExpiresIn > 5*time.Minute || !out.IDToken.Empty() || !out.RefreshToken.Empty() {
			w.Errorf("%v %+v", c, out)
		}
		assertion := func(jti, iss, sub, aud string, exp time.Time) string {
			return "own:jti=" + jti + "&iss=" + iss + "&sub=" + sub + "&aud=" + aud + "&exp=" + exp.UTC().Format(time.RFC3339)
		}
		good := assertion("1", "app_secret", "app_secret", issuer, now.Add(time.Minute))
		out, err = bearer("app_secret", good)
		if err != nil || w.claims(out.AccessToken.Reveal())["sub"] != "app_secret" {
			w.Fatal(err)
		}
		for name, text := range map[string]string{
			"again": good, "another person": assertion("2", "app_secret", string(w.person.ID), issuer, now.Add(time.Minute)),
			"another client": assertion("3", "app_api", "app_api", issuer, now.Add(time.Minute)), "elsewhere": assertion("4", "app_secret", "app_secret", "https://evil.test", now.Add(time.Minute)),
			"past": assertion("5", "app_secret", "app_secret", issuer, now.Add(-time.Minute)), "for ever": assertion("6", "app_secret", "app_secret", issuer, now.Add(9*time.Hour)),
			"no jti": assertion("", "app_secret", "app_secret", issuer, now.Add(time.Minute)), "garbage": "x",
		} {
			if _, err := bearer("app_secret", text); oauth.CodeOf(err) != oauth.InvalidGrant {
				w.Errorf("%s: %v", name, err)
			}
		}
		_, err = bearer("app_public", good)
		w.want(err, oauth.UnauthorizedClient)
	})
}

func TestSessionsOfOthers(t *testing.T) {
	everywhere(t, func(w *world) {
		code := w.code("app_public", func(c *oauth.AuthorizationCode) { c.User = "usr_gone" })
		_, err := w.redeem("app_public", code)
		w.want(err, oauth.InvalidGrant)
		grants := w.service.GrantTypes()
		if !slices.Contains(grants, application.GrantCode) || len(grants) != 5 {
			w.Error(grants)
		}
	})
}
