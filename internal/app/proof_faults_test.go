package app

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/client/dpop"
)

// proofFault is one thing that is wrong with a proof: members of its header and claims, changed or, with
// nil, taken away; or the whole header line.
type proofFault struct {
	header, claims map[string]any
	lines          func(good string) []string
}

// forged signs a proof of the key "a" with whatever is said.
func forged(t *testing.T, header, claims map[string]any) string {
	t.Helper()
	key := edProofKey("a")
	text := func(of, by map[string]any) string {
		maps.Copy(of, by)
		for name, value := range of {
			if value == nil {
				delete(of, name)
			}
		}
		b, err := json.Marshal(of)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	x := base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	signed := text(map[string]any{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": map[string]any{"kty": "OKP", "crv": "Ed25519", "x": x}}, header) + "." + text(claims, nil)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(signed)))
}

func lines(l ...string) func(string) []string { return func(string) []string { return l } }

// faultsOfProofs is the list of DPO-01.
var faultsOfProofs = map[string]proofFault{
	"two headers": {lines: func(good string) []string { return []string{good, good} }}, "comma-joined": {lines: func(good string) []string { return []string{good + ", " + good} }},
	"not a JWT": {lines: lines("x")}, "empty": {lines: lines("")}, "bad signature": {lines: func(good string) []string { return []string{good[:len(good)-8] + "AAAAAAAA"} }},
	"typ missing": {header: map[string]any{"typ": nil}}, "typ JWT": {header: map[string]any{"typ": "JWT"}}, "alg missing": {header: map[string]any{"alg": nil}}, "alg none": {header: map[string]any{"alg": "none"}},
	"alg HS256": {header: map[string]any{"alg": "HS256"}}, "alg unsupported": {header: map[string]any{"alg": "ES512"}}, "jwk missing": {header: map[string]any{"jwk": nil}},
	"jwk private": {header: map[string]any{"jwk": map[string]any{"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA"}}}, "jwk oct": {header: map[string]any{"jwk": map[string]any{"kty": "oct", "k": "AA"}}},
	"jwk RSA-1024": {header: map[string]any{"alg": "RS256", "jwk": map[string]any{"kty": "RSA", "e": "AQAB", "n": strings.Repeat("q", 171)}}}, "crit": {header: map[string]any{"crit": []string{"x"}}},
	"jti missing": {claims: map[string]any{"jti": nil}}, "jti empty": {claims: map[string]any{"jti": ""}}, "jti of 3 KB": {claims: map[string]any{"jti": strings.Repeat("x", 3000)}},
	"htm missing": {claims: map[string]any{"htm": nil}}, "htm other": {claims: map[string]any{"htm": "PUT"}}, "htm lower-case": {claims: map[string]any{"htm": "post"}},
	"htu missing": {claims: map[string]any{"htu": nil}}, "htu of another host": {claims: map[string]any{"htu": "https://evil.example/oauth/token"}}, "htu of another path": {claims: map[string]any{"htu": "https://localhost/oauth/tokens"}},
	"iat missing": {claims: map[string]any{"iat": nil}}, "iat an hour ago": {claims: map[string]any{"iat": -3600}}, "iat in an hour": {claims: map[string]any{"iat": 3600}}, "iat a string": {claims: map[string]any{"iat": "x"}},
}

func TestFaultsOfProofs(t *testing.T) {
	eachProofHouse(t, nil, func(h proofHouse) {
		form, c := h.service(), h.client(nil)
		endpoint := h.main + "/oauth/token"
		made := h.post(c, endpoint, form, h.proof("a", "POST", endpoint, "", ""))
		token, _ := made.body["access_token"].(string)
		if token == "" {
			h.Fatalf("%+v", made)
		}
		for name, f := range faultsOfProofs {
			for path, ath := range map[string]string{"/oauth/token": "", "/oauth/par": "", "/oauth/userinfo": token} {
				claims := map[string]any{"jti": name + path, "htm": "POST", "htu": h.main + path, "iat": time.Now().Unix()}
				if ath != "" {
					claims["ath"] = dpop.TokenHash(ath)
				}
				good := forged(h.T, nil, maps.Clone(claims))
				maps.Copy(claims, f.claims)
				if shift, ok := f.claims["iat"].(int); ok {
					claims["iat"] = time.Now().Unix() + int64(shift)
				}
				proofs := []string{forged(h.T, f.header, claims)}
				if f.lines != nil {
					proofs = f.lines(good)
				}
				var got said
				if ath == "" {
					got = h.post(c, h.main+path, form, proofs...)
				} else {
					r, err := http.NewRequest("POST", h.main+path, nil)
					if err != nil {
						h.Fatal(err)
					}
					r.Header.Set("Authorization", "DPoP "+token)
					r.Header["Dpop"] = proofs
					got = h.send(c, r)
				}
				refused := got.status == 400 && got.body["error"] == "invalid_dpop_proof"
				if ath != "" {
					refused = got.status == 401 && strings.Contains(got.header.Get("WWW-Authenticate"), `DPoP realm="admit", error="invalid_dpop_proof"`)
				}
				if !refused {
					h.Errorf("%s at %s: %d %v %q", name, path, got.status, got.body, got.header.Get("WWW-Authenticate"))
				}
			}
		}
		for name, htu := range map[string]string{
			"another case": strings.Replace(endpoint, "localhost", "LocalHost", 1), "a query": endpoint + "?a=b#c", "percent-encoding": strings.Replace(endpoint, "token", "t%6Fken", 1),
		} {
			claims := map[string]any{"jti": name, "htm": "POST", "htu": htu, "iat": time.Now().Unix(), "extra": true}
			if got := h.post(c, endpoint, form, forged(h.T, nil, claims)); got.status != 200 || got.body["token_type"] != "DPoP" {
				h.Errorf("%s: %d %v", name, got.status, got.body)
			}
		}
	})
}
