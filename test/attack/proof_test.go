package attack

import (
	"crypto/ed25519"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// resource asks one of ours with a proof.
func (w *world) resource(method, path, authorization string, proofs ...string) answer {
	w.t.Helper()
	header := []string{"Authorization", authorization}
	for _, p := range proofs {
		header = append(header, "DPoP", p)
	}
	a := w.send(method, path, "", header...)
	if a.status >= 500 || a.status == 0 {
		w.t.Errorf("%s: %d %s", path, a.status, a.body)
	}
	return a
}

// DPO-01, DPO-03 and DPO-05 from outside: a proof with one fault, a binding that is dropped or changed,
// and nonces of others.
func TestDPO03_Bindings(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		p := w.visitor("ann@example.com")
		pub, must := w.party(""), w.party(`"dpopBoundAccessTokens":true`)
		conf := w.party(`"tokenEndpointAuthMethod":"client_secret_basic","introspectionAudiences":["acc_default"],"grantTypes":["client_credentials"]`)
		_, a, _ := ed25519.GenerateKey(nil)
		_, b, _ := ed25519.GenerateKey(nil)
		const at = "/oauth/token"
		bound := pub.redeem(p.authorized(pub, "scope", "openid offline_access"), "DPoP:", w.proof(a, at, ""))
		token, refresh := bound.text("access_token"), bound.text("refresh_token")
		if !granted(bound) || bound.text("token_type") != "DPoP" {
			t.Fatalf("%d %s", bound.status, bound.body)
		}
		if i := conf.post("/oauth/introspect", "token", token); !strings.Contains(i.body, thumbprint(a)) || i.text("token_type") != "DPoP" {
			t.Errorf("introspection: %s", i.body)
		}
		plain := p.tokens(pub, "openid").text("access_token")
		const me, api = "/oauth/userinfo", "/v1/records"
		for _, path := range []string{me, api} {
			get := func(key ed25519.PrivateKey, token string, pairs ...any) string {
				return w.proof(key, path, token, append([]any{"htm", "GET"}, pairs...)...)
			}
			if got := w.resource("GET", path, "DPoP "+token, get(a, token)); got.status != 200 && got.status != 403 {
				t.Errorf("the honest one at %s: %d %s", path, got.status, got.body)
			}
			used := get(a, token)
			w.resource("GET", path, "DPoP "+token, used)
			for name, x := range map[string]struct {
				authorization string
				proofs        []string
			}{
				"as Bearer": {"Bearer " + token, nil}, "as Bearer with a proof": {"Bearer " + token, []string{get(a, token)}}, "no proof": {"DPoP " + token, nil}, "another key": {"DPoP " + token, []string{get(b, token)}}, "an unbound token": {"DPoP " + plain, []string{get(a, plain)}},
				"two proofs": {"DPoP " + token, []string{get(a, token), get(a, token)}}, "joined": {"DPoP " + token, []string{get(a, token) + ", " + get(a, token)}}, "used": {"DPoP " + token, []string{used}}, "no ath": {"DPoP " + token, []string{get(a, "")}},
				"ath of another": {"DPoP " + token, []string{get(a, plain)}}, "another method": {"DPoP " + token, []string{get(a, token, "htm", "POST")}}, "the token endpoint's": {"DPoP " + token, []string{get(a, token, "htu", w.public+at)}}, "another host": {"DPoP " + token, []string{get(a, token, "htu", "https://evil.example"+path)}},
				"another port": {"DPoP " + token, []string{get(a, token, "htu", "http://localhost:1"+path)}}, "https": {"DPoP " + token, []string{get(a, token, "htu", strings.Replace(w.public, "http", "https", 1)+path)}}, "old": {"DPoP " + token, []string{get(a, token, "iat", soon(-3600))}}, "ahead": {"DPoP " + token, []string{get(a, token, "iat", soon(3600))}},
				"iat text": {"DPoP " + token, []string{get(a, token, "iat", "1")}}, "no jti": {"DPoP " + token, []string{get(a, token, "jti", nil)}}, "jti huge": {"DPoP " + token, []string{get(a, token, "jti", strings.Repeat("x", 10<<10))}}, "a nonce of nobody": {"DPoP " + token, []string{get(a, token, "nonce", "AAAAAAAAAAAAAAAAAAAAAAAAAAA")}},
				"a nonce of the token endpoint": {"DPoP " + token, []string{get(a, token, "nonce", bound.header.Get("Dpop-Nonce"))}}, "token and proof swapped": {"DPoP " + get(a, token), []string{token}}, "in two headers": {"DPoP " + token + ", DPoP " + token, []string{get(a, token)}},
			} {
				if got := w.resource("GET", path, x.authorization, x.proofs...); got.status != 401 && got.status != 400 && got.status != 431 {
					t.Errorf("%s at %s: %d %s", name, path, got.status, got.body)
				}
			}
		}
		// At the endpoints of the authorization server: any bent proof, on each.
		header := map[string]any{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": json.RawMessage(publicJWK(a))}
		for name, text := range bentJWTs(a, header, w.proof(a, at, "")) {
			if strings.ContainsAny(text, "\r\n") {
				continue
			}
			w.refuses("a proof: "+name, conf.post(at, "grant_type", "client_credentials", "DPoP:", text), 400, "invalid_dpop_proof")
		}
		private := json.RawMessage(strings.TrimSuffix(publicJWK(a), "}") + `,"d":"` + encode(a.Seed()) + `"}`)
		for name, h := range map[string][]any{
			"no typ": {"typ", nil}, "typ": {"typ", "JWT"}, "no jwk": {"jwk", nil}, "a private jwk": {"jwk", private}, "oct": {"jwk", map[string]any{"kty": "oct", "k": "AA"}}, "another jwk": {"jwk", json.RawMessage(publicJWK(b))}, "jwk text": {"jwk", publicJWK(a)}, "a small order key": {"jwk", map[string]any{"kty": "OKP", "crv": "Ed25519", "x": encode(make([]byte, 32))}},
			"Ed448": {"jwk", map[string]any{"kty": "OKP", "crv": "Ed448", "x": encode(make([]byte, 57))}}, "a point that is none": {"alg", "ES256", "jwk", map[string]any{"kty": "EC", "crv": "P-256", "x": encode(make([]byte, 32)), "y": encode(make([]byte, 32))}}, "jku": {"jku", "https://evil.example", "jwk", nil},
		} {
			text := forge(a, changed(header, h...), map[string]any{"jti": unique("p"), "htm": "POST", "htu": w.public + at, "iat": soon(0)})
			w.refuses("a proof: "+name, conf.post(at, "grant_type", "client_credentials", "DPoP:", text), 400, "invalid_dpop_proof")
		}
		// A refresh token, a code and a pushed request keep their key.
		w.refuses("a refresh with another key", pub.refresh(refresh, "DPoP:", w.proof(b, at, "")), 400, "invalid_grant")
		w.refuses("a refresh without a proof", pub.refresh(refresh), 400, "invalid_grant")
		w.refuses("another client's with the key", must.refresh(refresh, "DPoP:", w.proof(a, at, "")), 400, "invalid_grant")
		if got := pub.refresh(refresh, "DPoP:", w.proof(a, at, "")); !granted(got) || got.text("token_type") != "DPoP" {
			t.Errorf("the honest refresh: %d %s", got.status, got.body)
		}
		code := p.authorized(pub, "dpop_jkt", thumbprint(a))
		w.refuses("a code with another key", pub.redeem(code, "DPoP:", w.proof(b, at, "")), 400, "invalid_grant")
		w.refuses("a code without a proof", pub.redeem(code), 400, "invalid_grant")
		if got := pub.redeem(code, "DPoP:", w.proof(a, at, "")); !granted(got) {
			t.Errorf("the honest code: %d %s", got.status, got.body)
		}
		w.refuses("who must prove and does not", must.redeem(p.authorized(must)), 400, "invalid_dpop_proof")
		w.refuses("a push with another key", pub.push("dpop_jkt", thumbprint(b), "DPoP:", w.proof(a, "/oauth/par", "")), 400, "invalid_dpop_proof", "invalid_request")
		uri := pub.push("DPoP:", w.proof(a, "/oauth/par", "")).text("request_uri")
		code = p.authorize(url.Values{"client_id": {pub.id}, "request_uri": {uri}}).told().Get("code")
		w.refuses("a pushed request's code with another key", pub.redeem(code, "DPoP:", w.proof(b, at, "")), 400, "invalid_grant")
		if got := pub.redeem(code, "DPoP:", w.proof(a, at, "")); !granted(got) {
			t.Errorf("a pushed request's code: %d %s", got.status, got.body)
		}
		// A proof for one endpoint is none for the next, nor for another account's.
		w.refuses("the proof of another endpoint", conf.post(at, "grant_type", "client_credentials", "DPoP:", w.proof(a, "/oauth/par", "")), 400, "invalid_dpop_proof")
	})
}
