package attack

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// What is another client's is told to nobody and ended by nobody else: OAU-24, and revocation.
func TestOAU24_OthersTokens(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		p := w.visitor("ann@example.com")
		const api = "https://api.example/"
		pub := w.party(`"resources":["` + api + `"]`)
		conf := `"tokenEndpointAuthMethod":"client_secret_basic","grantTypes":["` + swapGT + `","client_credentials"]`
		server, stranger := w.party(conf+`,"introspectionAudiences":["`+api+`"]`), w.party(conf)
		next := w.party(conf + `,"introspectionAudiences":["` + api + `"]`)
		got := p.tokens(pub, "openid email offline_access", "resource", api)
		access, refresh := got.text("access_token"), got.text("refresh_token")
		about := func(c *party, token string, pairs ...string) answer {
			return c.post("/oauth/introspect", append([]string{"token", token}, pairs...)...)
		}
		if a := about(server, access); a.text("active") != "true" || a.text("client_id") != pub.id {
			t.Fatalf("the resource server: %d %s", a.status, a.body)
		}
		const dead = `{"active":false}`
		for name, a := range map[string]answer{
			"not its audience": about(stranger, access), "a refresh token": about(server, refresh), "an ID token": about(server, got.text("id_token")), "garbage": about(server, "x"), "a code": about(server, p.authorized(pub)), "an access key": about(server, w.key),
			"a login token of another audience": about(server, w.signIn("else@example.com").access), "huge": about(server, strings.Repeat("a", 60<<10)), "a hint that lies": about(stranger, access, "token_type_hint", "refresh_token"),
		} {
			if a.status != 200 || a.body != dead {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		if a := about(stranger, access, "Accept:", "application/token-introspection+jwt"); a.status != 200 || !strings.Contains(string(mustDecode(strings.Split(a.body, ".")[1])), `"token_introspection":{"active":false}`) {
			t.Errorf("as a JWT: %s", a.body)
		}
		w.refuses("nobody asks", w.post("/oauth/introspect", "token", access), 401, "invalid_client")
		w.refuses("a public client asks", pub.post("/oauth/introspect", "token", access), 401, "invalid_client")
		w.refuses("a bearer asks", w.post("/oauth/introspect", "token", access, "Authorization:", "Bearer "+access), 401, "invalid_client")
		// An answer as a JWT is no token.
		answerJWT := about(server, access, "Accept:", "application/token-introspection+jwt").body
		if w.userinfo(answerJWT).status != 401 || about(server, answerJWT).body != dead {
			t.Error("an introspection answer is taken as a token")
		}

		for name, token := range map[string]string{"an access token": access, "a refresh token": refresh} {
			w.refuses("another revokes "+name, stranger.post("/oauth/revoke", "token", token), 400, "invalid_grant")
			w.refuses("nobody revokes "+name, w.post("/oauth/revoke", "token", token), 401, "invalid_client")
		}
		for _, token := range []string{"x", "art_", "aat_x", refresh + "x", strings.Repeat("a", 60<<10)} {
			if a := stranger.post("/oauth/revoke", "token", token); a.status != 200 || a.body != "" {
				t.Errorf("garbage: %d %s", a.status, a.body)
			}
		}
		if about(server, access).text("active") != "true" || !granted(pub.refresh(refresh)) {
			t.Error("somebody else has ended it")
		}

		// Token exchange only narrows, says who acts, ends with what it comes from, and goes in no circle.
		swap := func(c *party, token string, pairs ...string) answer {
			return c.post("/oauth/token", append([]string{"grant_type", swapGT, "subject_token", token, "subject_token_type", accessTT}, pairs...)...)
		}
		one := swap(server, access)
		if !granted(one) || one.text("refresh_token") != "" || !strings.Contains(claimsOf(one.text("access_token")), `"act":{"sub":"`+server.id+`"}`) {
			t.Fatalf("exchange: %d %s", one.status, one.body)
		}
		own := server.post("/oauth/token", "grant_type", "client_credentials").text("access_token")
		for name, a := range map[string]answer{
			"a stranger": swap(stranger, access), "another audience": swap(server, access, "audience", "acc_default"), "another resource": swap(server, access, "resource", "https://b.example/"), "one more": swap(server, access, "audience", api, "audience", "acc_default"),
			"more scope": swap(server, access, "scope", "openid profile"), "a refresh token": swap(server, refresh), "an ID token": swap(server, got.text("id_token")), "as a refresh token": swap(server, access, "requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"),
			"another kind": server.post("/oauth/token", "grant_type", swapGT, "subject_token", got.text("id_token"), "subject_token_type", "urn:ietf:params:oauth:token-type:id_token"), "for itself": swap(server, own),
			"a person acts": swap(server, access, "actor_token", access, "actor_token_type", accessTT), "another acts": swap(server, access, "actor_token", stranger.post("/oauth/token", "grant_type", "client_credentials").text("access_token"), "actor_token_type", accessTT), "an actor of no type": swap(server, access, "actor_token", own),
		} {
			w.refuses("exchange: "+name, a, 400)
		}
		w.refuses("a public client exchanges", pub.post("/oauth/token", "grant_type", swapGT, "subject_token", access, "subject_token_type", accessTT), 400, "unauthorized_client")
		chain := one.text("access_token")
		for i, c := range []*party{next, server, next, server, next, server} {
			a := swap(c, chain)
			if i < 3 && !granted(a) || i >= 3 && a.status != 400 {
				t.Errorf("link %d of the chain: %d %s", i, a.status, a.body)
			}
			if granted(a) {
				if chain = a.text("access_token"); about(server, chain).text("exp") > about(server, access).text("exp") {
					t.Error("it lives longer than what it comes from")
				}
			}
		}
		w.userinfo(chain)
		if a := pub.post("/oauth/revoke", "token", got.text("refresh_token")); a.status != 200 {
			t.Fatalf("revoke: %d %s", a.status, a.body)
		}
		for name, token := range map[string]string{"the token": access, "an exchanged one": one.text("access_token"), "the end of the chain": chain} {
			if a := about(server, token); a.body != dead {
				t.Errorf("%s outlives its family: %s", name, a.body)
			}
		}
		w.refuses("an exchange afterwards", swap(server, access), 400)
	})
}

func claimsOf(jwt string) string { return string(mustDecode(strings.Split(jwt+".", ".")[1])) }

// Nothing of one account is anything at another's host.
func TestProvidersOfTwoAccounts(t *testing.T) {
	each(t, often, func(t *testing.T, a *world) {
		b := a.elsewhere()
		const conf = `"tokenEndpointAuthMethod":"client_secret_basic","grantTypes":["authorization_code","refresh_token","client_credentials","` + swapGT + `","` + deviceGT + `"],"introspectionAudiences":["acc_default"]`
		ours, pub, tv := a.party(conf), a.party(""), a.party(`"grantTypes":["`+deviceGT+`"]`)
		theirs := b.party(conf)
		p, q := a.visitor("ann@example.com"), b.person()
		there := func(c *party) *party { o := *c; o.w = b; return &o }
		own := theirs.post("/oauth/token", "grant_type", "client_credentials")
		alive := func() bool {
			return theirs.post("/oauth/introspect", "token", own.text("access_token")).text("active") == "true"
		}
		if !alive() {
			t.Fatalf("their own: %s", own.body)
		}
		for name, x := range map[string]answer{
			"a client": there(ours).post("/oauth/token", "grant_type", "client_credentials"), "a client that asks": there(ours).post("/oauth/introspect", "token", own.text("access_token")), "a client that revokes": there(ours).post("/oauth/revoke", "token", own.text("access_token")),
			"a client that pushes": there(ours).post("/oauth/par", "client_id", ours.id, "response_type", "code"), "a public client": there(pub).redeem("x"), "a device": there(tv).post("/oauth/device", "scope", "openid"),
		} {
			b.refuses(name, x, 401, "invalid_client")
		}
		b.stays("a client at their authorization endpoint", q.authorize(pub.ask()))
		crossed := *p // our browser, with our cookies, at their host
		crossed.w = b
		c := b.party("")
		if x := crossed.authorize(c.ask()); x.told().Get("code") != "" || !strings.Contains(x.header.Get("Location"), "/login?") {
			t.Errorf("our session at their host: %d %q", x.status, x.header.Get("Location"))
		}
		got := p.tokens(pub, "openid email offline_access")
		access, refresh := got.text("access_token"), got.text("refresh_token")
		b.refuses("an access token at their userinfo", b.userinfo(access), 401)
		if x := b.send("GET", "/v1/accounts", "", "Authorization", "Bearer "+access); x.status != 401 {
			t.Errorf("an access token at their API: %d", x.status)
		}
		if x := theirs.post("/oauth/introspect", "token", access); x.body != `{"active":false}` {
			t.Errorf("introspection: %s", x.body)
		}
		if x := theirs.post("/oauth/revoke", "token", access); x.status != 200 || a.userinfo(access).status != 200 {
			t.Errorf("revocation: %d", x.status)
		}
		if x := theirs.post("/oauth/revoke", "token", refresh); x.status != 200 {
			t.Errorf("revocation of a refresh token: %d", x.status)
		}
		code := p.authorized(pub)
		b.refuses("a code", theirs.redeem(code), 400, "invalid_grant")
		b.refuses("a refresh token", theirs.refresh(refresh), 400, "invalid_grant")
		b.refuses("an exchange", theirs.post("/oauth/token", "grant_type", swapGT, "subject_token", access, "subject_token_type", accessTT), 400)
		begun := tv.post("/oauth/device", "scope", "openid")
		b.refuses("a device code", theirs.post("/oauth/token", "grant_type", deviceGT, "device_code", begun.text("device_code")), 400, "invalid_grant")
		if x := q.browse("POST", "/device", url.Values{"user_code": {begun.text("user_code")}}.Encode()); x.status == 303 && strings.Contains(x.header.Get("Location"), "request=dev_") {
			t.Error("a user code of another account is found")
		}
		uri := pub.push().text("request_uri")
		b.stays("a request_uri", q.authorize(url.Values{"client_id": {theirs.id}, "request_uri": {uri}}))
		if x := p.authorize(url.Values{"client_id": {pub.id}, "request_uri": {uri}}); x.told().Get("code") == "" {
			t.Errorf("their try used it up: %d", x.status)
		}
		b.hears("an id_token_hint", q.authorize(c.ask("prompt", "none", "id_token_hint", got.text("id_token"))), "invalid_request")
		if x := q.browse("GET", "/oauth/logout?id_token_hint="+got.text("id_token"), ""); x.header.Get("Location") != "" || !alive() {
			t.Errorf("our hint at their host: %d %q", x.status, x.header.Get("Location"))
		}
		for _, path := range []string{"/secrets", ""} {
			if x := b.admin("GET", "/v1/applications/"+ours.id+path, ""); x.status != 404 && x.status != 405 {
				t.Errorf("their admin reads our client%s: %d %s", path, x.status, x.body)
			}
		}
		// A proof and its nonce are for one issuer, an assertion for one, a request object for one.
		_, key, _ := ed25519.GenerateKey(nil)
		nonce := ours.post("/oauth/token", "grant_type", "client_credentials", "DPoP:", a.proof(key, "/oauth/token", "")).header.Get("Dpop-Nonce")
		b.refuses("our proof", theirs.post("/oauth/token", "grant_type", "client_credentials", "DPoP:", a.proof(key, "/oauth/token", "")), 400, "invalid_dpop_proof")
		b.refuses("our nonce", theirs.post("/oauth/token", "grant_type", "client_credentials", "DPoP:", b.proof(key, "/oauth/token", "", "nonce", nonce)), 400, "use_dpop_nonce")
		keyed := b.keyed(`"grantTypes":["client_credentials"]`)
		b.refuses("an assertion for us", b.post("/oauth/token", "grant_type", "client_credentials", "client_assertion_type", jwtCAT, "client_assertion", keyed.assertion("aud", a.public)), 401, "invalid_client")
		// Each host has documents of its own, whatever it is called by.
		for _, w := range []*world{a, b} {
			for _, forged := range [][]string{nil, {"X-Forwarded-Host", "evil.example"}, {"Forwarded", "host=evil.example"}, {"X-Original-Host", "evil.example"}} {
				d := w.send("GET", "/.well-known/openid-configuration", "", forged...)
				var all map[string]any
				json.Unmarshal([]byte(d.body), &all)
				if all["issuer"] != w.public || all["authorization_response_iss_parameter_supported"] != true || strings.Contains(d.body, "evil") || fmt.Sprint(all["code_challenge_methods_supported"]) != "[S256]" || fmt.Sprint(all["response_types_supported"]) != "[code]" {
					t.Errorf("discovery of %s: %s", w.public, d.body)
				}
			}
		}
		if !granted(pub.redeem(code)) || !granted(pub.refresh(refresh)) {
			t.Error("their tries used it up")
		}
	})
}

// What is deleted takes its codes, tokens and waiting requests with it.
func TestWhatIsGoneIsGone(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		dead := func(what string, c *party, got answer, code string) {
			t.Helper()
			w.ends(t, []*world{w}, what, got.text("access_token"))
			if a := w.send("GET", "/v1/accounts", "", "Authorization", "Bearer "+got.text("access_token")); a.status != 401 {
				t.Errorf("%s: the API: %d", what, a.status)
			}
			for name, a := range map[string]answer{"the refresh token": c.refresh(got.text("refresh_token")), "the code": c.redeem(code)} {
				if a.status != 400 && a.status != 401 || a.text("access_token") != "" {
					t.Errorf("%s: %s: %d %s", what, name, a.status, a.body)
				}
			}
		}
		c := w.party("")
		p := w.visitor("user@example.com")
		got, code := p.tokens(c, "openid offline_access"), p.authorized(c, "scope", "openid offline_access")
		waiting := p.authorize(c.ask("prompt", "login"))
		if a := w.admin("DELETE", "/v1/users/"+subject(got.text("access_token")), ""); a.status >= 300 {
			t.Fatalf("delete: %d %s", a.status, a.body)
		}
		dead("a deleted user", c, got, code)
		w.hears("a deleted user", p.authorize(c.ask("prompt", "none")), "login_required")
		if a := p.browse("GET", "/oauth/resume?request=x", ""); a.status >= 500 || waiting.status != 303 {
			t.Errorf("resume: %d", a.status)
		}

		p = w.visitor("client@example.com")
		got, code = p.tokens(c, "openid offline_access"), p.authorized(c, "scope", "openid offline_access")
		begun := w.party(`"grantTypes":["` + deviceGT + `"]`)
		device := begun.post("/oauth/device", "scope", "openid")
		for _, one := range []*party{c, begun} {
			if a := w.admin("DELETE", "/v1/applications/"+one.id, ""); a.status >= 300 {
				t.Fatalf("delete: %d %s", a.status, a.body)
			}
		}
		dead("a deleted client", c, got, code)
		w.stays("a deleted client", p.authorize(c.ask()))
		w.refuses("its device", begun.post("/oauth/token", "grant_type", deviceGT, "device_code", device.text("device_code")), 401, "invalid_client")

		c = w.party("")
		p = w.visitor("session@example.com")
		got, code = p.tokens(c, "openid"), p.authorized(c, "scope", "openid")
		if a := p.browse("GET", "/oauth/logout?client_id="+c.id+"&id_token_hint="+got.text("id_token"), ""); a.status >= 400 {
			t.Fatalf("logout: %d %s", a.status, a.body)
		}
		dead("an ended session", c, got, code)

		// What a client may no longer do, its older grants may not either (I-11).
		c = w.party(`"scopes":["openid","email","offline_access"]`)
		p = w.visitor("less@example.com")
		got, code = p.tokens(c, "openid email offline_access"), p.authorized(c)
		if a := w.admin("PUT", "/v1/applications/"+c.id, `{"name":"x","redirectUrls":["`+back+`"],"oauth":{"scopes":["openid"],"grantTypes":["authorization_code"]}}`); a.status != 200 {
			t.Fatalf("narrow: %d %s", a.status, a.body)
		}
		w.refuses("a refresh that the client may not have any more", c.refresh(got.text("refresh_token")), 400, "unauthorized_client")
		if a := c.redeem(code); slices.Contains(strings.Fields(a.text("scope")), "email") {
			t.Errorf("a scope that the client may not have any more: %s", a.body)
		}
	})
}
