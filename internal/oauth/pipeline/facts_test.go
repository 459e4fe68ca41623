package pipeline_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/introspection"
	"github.com/admit-id/admit/internal/oauth/oauthdb"
	"github.com/admit-id/admit/internal/oauth/party"
	"github.com/admit-id/admit/internal/token"
	"github.com/admit-id/admit/internal/user"
)

func (w *world) question(client, text string) introspection.Request {
	return introspection.Request{Actor: actor.Actor{Account: account}, Presented: party.Presented{Form: url.Values{"client_id": {client}, "token": {text}}}}
}

func (w *world) introspect(client, text string) string {
	w.Helper()
	body, err := w.facts.Introspect(context.Background(), w.question(client, text), false)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// changed is a text with another character, 40 before its end: inside of a signature, where all bits count.
func changed(text string) string {
	at, other := len(text)-40, "A"
	if text[at] == 'A' {
		other = "B"
	}
	return text[:at] + other + text[at+1:]
}

const inactive = `{"active":false}`

// OAU-24: who learns what.
func TestIntrospect(t *testing.T) {
	everywhere(t, func(w *world) {
		mine, err := w.redeem("app_secret", w.code("app_secret", func(c *oauth.AuthorizationCode) { c.Resources = []string{api} }))
		if err != nil {
			w.Fatal(err)
		}
		access, refresh := mine.AccessToken.Reveal(), mine.RefreshToken.Reveal()
		for _, client := range []string{"app_secret", "app_api"} {
			var said map[string]any
			if err := json.Unmarshal([]byte(w.introspect(client, access)), &said); err != nil {
				w.Fatal(err)
			}
			if said["active"] != true || said["sub"] != string(w.person.ID) || said["client_id"] != "app_secret" || said["token_type"] != "Bearer" ||
				said["aud"] != api || said["exp"] == nil || said["iss"] != issuer || !strings.Contains(said["scope"].(string), "read") {
				w.Error(client, said)
			}
		}
		stranger := w.clients["app_other"]
		stranger.Settings.AuthMethod = application.AuthSecretBasic
		w.clients["app_stranger"] = stranger
		for name, got := range map[string]string{
			"a stranger": w.introspect("app_stranger", access), "garbage": w.introspect("app_secret", "x.y.z"), "empty JSON": w.introspect("app_secret", "e30.e30.e30"),
			"an opaque guess": w.introspect("app_secret", "aat_"+strings.Repeat("A", 43)), "a refresh token of another": w.introspect("app_api", refresh),
			"an ID token": w.introspect("app_secret", mine.IDToken.Reveal()), "a changed one": w.introspect("app_secret", changed(access)),
			"a refresh token that never was": w.introspect("app_secret", "art_"+strings.Repeat("A", len(refresh)-4)),
		} {
			if got != inactive {
				w.Errorf("%s: %s", name, got)
			}
		}
		if got := w.introspect("app_public", access); !strings.Contains(got, "invalid_client") {
			w.Error("a public client asks:", got)
		}
		if got := w.introspect("app_secret", refresh); !strings.Contains(got, `"token_type":"refresh_token"`) {
			w.Error(got)
		}
		body, err := w.facts.Introspect(w.Context(), w.question("app_secret", access), true)
		if err != nil {
			w.Fatal(err)
		}
		header, _ := base64.RawURLEncoding.DecodeString(strings.Split(string(body), ".")[0])
		payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(string(body), ".")[1])
		if !strings.Contains(string(header), `"typ":"token-introspection+jwt"`) || !strings.Contains(string(payload), `"token_introspection":{"active":true`) ||
			!strings.Contains(string(payload), `"aud":"app_secret"`) {
			w.Errorf("%s %s", header, payload)
		}
		dead, err := w.facts.Introspect(w.Context(), w.question("app_stranger", access), true)
		payload, _ = base64.RawURLEncoding.DecodeString(strings.Split(string(dead), ".")[1])
		if err != nil || !strings.Contains(string(payload), `"token_introspection":{"active":false}`) {
			w.Errorf("%s %v", payload, err)
		}
		w.clock.Advance(15 * time.Minute)
		if got := w.introspect("app_secret", access); got != inactive {
			w.Error("after the expiry:", got)
		}
	})
}

func TestRevoke(t *testing.T) {
	everywhere(t, func(w *world) {
		revoke := func(client, text string) error { return w.facts.Revoke(w.Context(), w.question(client, text)) }
		for _, client := range []string{"app_secret", "app_opaque", "app_public"} {
			one, two := w.first(client), w.first(client)
			if err := revoke("app_other", one.AccessToken.Reveal()); oauth.CodeOf(err) != oauth.InvalidGrant {
				w.Errorf("another client: %v", err)
			}
			if err := revoke("app_other", one.RefreshToken.Reveal()); oauth.CodeOf(err) != oauth.InvalidGrant {
				w.Errorf("another client: %v", err)
			}
			if !w.alive(one.AccessToken.Reveal()) {
				w.Fatal("revoked by another client")
			}
			if err := revoke(client, one.AccessToken.Reveal()); err != nil || w.alive(one.AccessToken.Reveal()) {
				w.Errorf("the access token: %v", err)
			}
			next, err := w.refresh(client, one.RefreshToken.Reveal())
			if err != nil || !w.alive(next.AccessToken.Reveal()) {
				w.Errorf("the family ended with one access token: %v", err)
			}
			if err := revoke(client, next.RefreshToken.Reveal()); err != nil || w.alive(next.AccessToken.Reveal()) {
				w.Errorf("the family: %v", err)
			}
			if _, err := w.refresh(client, next.RefreshToken.Reveal()); oauth.CodeOf(err) != oauth.InvalidGrant {
				w.Error(err)
			}
			if !w.alive(two.AccessToken.Reveal()) {
				w.Error("another family ended, too")
			}
			for _, text := range []string{one.AccessToken.Reveal(), next.RefreshToken.Reveal(), "garbage", "a.b.c", "art_x", "aat_x"} {
				if err := revoke(client, text); err != nil {
					w.Errorf("%.10s: %v", text, err)
				}
			}
		}
		if err := revoke("app_secret", ""); oauth.CodeOf(err) != oauth.InvalidRequest {
			w.Error(err)
		}
		// OAU-25: what is not durable is not answered as done.
		one := w.first("app_secret")
		gone := w.facts
		if err := w.db.Close(); err != nil {
			w.Fatal(err)
		}
		if err := gone.Revoke(context.Background(), w.question("app_secret", one.AccessToken.Reveal())); err == nil {
			w.Error("revoked without a database")
		}
	})
}

func TestUserinfo(t *testing.T) {
	everywhere(t, func(w *world) {
		info := func(text string) (map[string]any, error) {
			l, err := w.reader.Look(w.Context(), account, text)
			if err != nil {
				return nil, err
			}
			out, err := w.facts.Userinfo(w.Context(), l)
			if err != nil {
				return nil, err
			}
			var said map[string]any
			return said, json.Unmarshal(out.Body, &said)
		}
		for _, client := range []string{"app_public", "app_opaque", "app_third"} {
			said, err := info(w.first(client).AccessToken.Reveal())
			if err != nil || said["sub"] != string(w.person.ID) || said["name"] != "Ada" || said["email"] != "ada@example.test" || said["email_verified"] != true {
				w.Errorf("%s: %v %v", client, said, err)
			}
			if said["iss"] != nil || said["scope"] != nil {
				w.Error(said)
			}
		}
		only := func(scopes []string, claims string) string {
			out, err := w.redeem("app_public", w.code("app_public", func(c *oauth.AuthorizationCode) { c.Scopes, c.Claims = scopes, json.RawMessage(claims) }))
			if err != nil {
				w.Fatal(err)
			}
			return out.AccessToken.Reveal()
		}
		said, err := info(only([]string{"openid"}, ""))
		if err != nil || len(said) != 1 {
			w.Errorf("openid alone: %v %v", said, err)
		}
		said, err = info(only([]string{"openid"}, `{"userinfo":{"email":null},"id_token":{"name":null}}`))
		if err != nil || len(said) != 2 || said["email"] == nil {
			w.Errorf("claims: %v %v", said, err)
		}
		_, err = info(only([]string{"read"}, ""))
		w.want(err, oauth.InsufficientScope)
		machine, err := w.ask("grant_type", application.GrantClientCredentials, "client_id", "app_secret")
		if err != nil {
			w.Fatal(err)
		}
		_, err = info(machine.AccessToken.Reveal())
		w.want(err, oauth.InvalidToken)
		elsewhere, err := w.redeem("app_public", w.code("app_public", func(c *oauth.AuthorizationCode) { c.Resources = []string{api} }))
		if err != nil {
			w.Fatal(err)
		}
		_, err = info(elsewhere.AccessToken.Reveal())
		w.want(err, oauth.InvalidToken)
		// A token of the login API, which has a session and no grant.
		of, err := w.tokens.Access(w.Context(), token.Params{
			At: w.clock.Now(), Account: account, User: w.person.ID, Session: w.session.ID, Application: "app_public", Connection: "con_email",
			AuthTime: w.session.AuthTime(), AMR: w.session.AMR(),
		})
		if err != nil {
			w.Fatal(err)
		}
		if said, err := info(of.Token.Reveal()); err != nil || said["email"] != "ada@example.test" {
			w.Errorf("%v %v", said, err)
		}
		// A profile that changes is told anew; a person who is gone is told nothing of.
		text := w.first("app_public").AccessToken.Reveal()
		if _, err := info(text); err != nil {
			w.Fatal(err)
		}
		w.in(func(ctx context.Context, t tx.Tx) error {
			_, _, err := w.users.SignIn(ctx, t, actor.ForSystem(account), user.Identity{Connection: "con_email", Issuer: "urn:admit:email", Subject: "ada@example.test"},
				user.Profile{Name: "Ada L.", Email: "ada@example.test"})
			return err
		})
		if said, err = info(text); err != nil || said["name"] != "Ada L." || said["email_verified"] != false {
			w.Errorf("%v %v", said, err)
		}
		signed := w.clients["app_public"]
		signed.Settings.UserinfoAlg = "EdDSA"
		w.clients["app_public"] = signed
		l, err := w.reader.Look(w.Context(), account, text)
		if err != nil {
			w.Fatal(err)
		}
		out, err := w.facts.Userinfo(w.Context(), l)
		if err != nil || !out.JWT || strings.Count(string(out.Body), ".") != 2 {
			w.Errorf("signed: %+v %v", out, err)
		}
		if _, err := w.tokens.ReadID(account, string(out.Body)); err == nil {
			w.Error("a userinfo answer is an ID token")
		}
		if err := w.users.Delete(w.Context(), actor.ForSystem(account), w.person.ID); err != nil {
			w.Fatal(err)
		}
		if _, err := info(text); !fault.Is(err, fault.Unauthenticated) {
			w.Errorf("of a person who is gone: %v", err)
		}
	})
}

func TestOpaque(t *testing.T) {
	everywhere(t, func(w *world) {
		out := w.first("app_opaque", "DPoP", key1)
		text := out.AccessToken.Reveal()
		if !strings.HasPrefix(text, "aat_") || len(text) != 47 {
			w.Fatal(text)
		}
		l, err := w.reader.Look(w.Context(), account, text)
		if err != nil || l.Bound == nil || l.Bound.JKT != key1 || l.Subject != string(w.person.ID) || l.Session != w.session.ID {
			w.Fatalf("%+v %v", l, err)
		}
		if _, err := w.reader.Look(w.Context(), "acc_other", text); !fault.Is(err, fault.Unauthenticated) {
			w.Error("another account knows it")
		}
		w.gone["app_opaque"] = true
		if w.alive(text) {
			w.Error("its client is gone")
		}
		w.gone["app_opaque"] = false
		w.clock.Advance(15 * time.Minute)
		if w.alive(text) {
			w.Error("it has expired")
		}
	})
}

func TestPurge(t *testing.T) {
	everywhere(t, func(w *world) {
		old := w.first("app_opaque")
		w.clock.Advance(33 * 24 * time.Hour)
		w.signIn(w.T)
		fresh := w.first("app_opaque")
		var n int64
		if err := w.db.Write(w.Context(), tx.System(), func(ctx context.Context, t tx.Tx) (err error) {
			n, err = oauthdb.Janitor{}.Purge(ctx, t, t.Now().Add(-48*time.Hour), 100)
			return err
		}); err != nil {
			w.Fatal(err)
		}
		if n != 3 { // the code, the grant and the token
			w.Errorf("%d rows", n)
		}
		if _, err := w.refresh("app_opaque", old.RefreshToken.Reveal()); oauth.CodeOf(err) != oauth.InvalidGrant {
			w.Error(err)
		}
		if _, err := w.refresh("app_opaque", fresh.RefreshToken.Reveal()); err != nil || !w.alive(fresh.AccessToken.Reveal()) {
			w.Error("the living were swept away", err)
		}
	})
}
