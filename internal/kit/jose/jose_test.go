package jose

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"
)

func keyFor(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func publicOf(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func goodClaims() map[string]any {
	return map[string]any{"iss": "https://login.example.test", "sub": "u_1", "aud": []string{"acc_default"}, "exp": 1900000000, "name": "Ada <a&b> é \U0001F600"}
}

// What we sign, go-jose verifies, with our header and our claims and nothing else.
func TestOracleVerifiesWhatWeSign(t *testing.T) {
	key := keyFor("a")
	rapid.Check(t, func(t *rapid.T) {
		claims := goodClaims()
		claims["x"] = rapid.MapOf(rapid.StringMatching(`[a-z]{1,8}`), rapid.String()).Draw(t, "x")
		kid := rapid.StringMatching(`[!-~]{1,40}`).Draw(t, "kid")
		compact, err := Sign(key, kid, TypeAccess, claims)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := gojose.ParseSignedCompact(compact, []gojose.SignatureAlgorithm{gojose.EdDSA})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := parsed.Verify(publicOf(key))
		if err != nil {
			t.Fatal(err)
		}
		h := parsed.Signatures[0].Header
		if h.KeyID != kid || h.Algorithm != "EdDSA" || len(h.ExtraHeaders) != 1 || h.ExtraHeaders["typ"] != TypeAccess {
			t.Fatalf("header %+v", h)
		}
		want, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := canonical(t, payload), canonical(t, want); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	})
}

// What go-jose signs in our profile, we read with the same claims; and whatever form of
// token go-jose can make beyond the profile, we refuse.
func TestWeReadWhatTheOracleSigns(t *testing.T) {
	key := keyFor("a")
	payload, err := json.Marshal(goodClaims())
	if err != nil {
		t.Fatal(err)
	}
	sign := func(alg gojose.SignatureAlgorithm, key any, options *gojose.SignerOptions) *gojose.JSONWebSignature {
		t.Helper()
		s, err := gojose.NewSigner(gojose.SigningKey{Algorithm: alg, Key: key}, options)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	named := gojose.JSONWebKey{Key: key, KeyID: "k"}
	options := func() *gojose.SignerOptions { return (&gojose.SignerOptions{}).WithType(TypeAccess) }
	good := sign(gojose.EdDSA, named, options())
	compact, err := good.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	token, err := Parse(compact)
	if err != nil {
		t.Fatal(err)
	}
	c, err := token.Claims(publicOf(key))
	if err != nil || c.Subject != "u_1" || token.KeyID() != "k" || token.Type() != TypeAccess {
		t.Errorf("got %+v, %v", c, err)
	}

	detached, err := good.DetachedCompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"full serialization": good.FullSerialize(),
		"critical header":    mustCompact(t, sign(gojose.EdDSA, named, options().WithCritical("b64"))),
		"embedded key":       mustCompact(t, sign(gojose.EdDSA, key, &gojose.SignerOptions{EmbedJWK: true})),
		"nonce":              mustCompact(t, sign(gojose.EdDSA, named, options().WithHeader("nonce", "n"))),
		"content type":       mustCompact(t, sign(gojose.EdDSA, named, options().WithContentType("JWT"))),
		"no kid":             mustCompact(t, sign(gojose.EdDSA, key, options())),
		"no typ":             mustCompact(t, sign(gojose.EdDSA, named, nil)),
		"HMAC":               mustCompact(t, sign(gojose.HS256, gojose.JSONWebKey{Key: []byte(publicOf(key)), KeyID: "k"}, options())),
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if token, err := Parse(detached); err == nil {
		if _, err := token.Claims(publicOf(key)); err == nil {
			t.Error("a detached payload is accepted")
		}
	}
}

func mustCompact(t *testing.T, s *gojose.JSONWebSignature) string {
	t.Helper()
	out, err := s.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func canonical(t *rapid.T, data []byte) string {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// JWT-16 at the last gate: a claim set with a registered claim twice, or in another case, or
// without one that every verifier needs, is never signed.
func TestSignRefuses(t *testing.T) {
	key := keyFor("a")
	for name, claims := range map[string]any{
		"SUB beside sub": json.RawMessage(`{"iss":"i","sub":"u","aud":"a","exp":1900000000,"SUB":"other"}`),
		"sub twice":      json.RawMessage(`{"iss":"i","sub":"u","aud":"a","exp":1900000000,"sub":"other"}`),
		"no iss":         map[string]any{"sub": "u", "aud": "a", "exp": 1900000000},
		"no sub":         map[string]any{"iss": "i", "aud": "a", "exp": 1900000000},
		"no aud":         map[string]any{"iss": "i", "sub": "u", "exp": 1900000000},
		"no exp":         map[string]any{"iss": "i", "sub": "u", "aud": "a"},
		"exp of a float": map[string]any{"iss": "i", "sub": "u", "aud": "a", "exp": 1.5},
		"no object":      []string{"a"},
		"too long":       map[string]any{"iss": "i", "sub": "u", "aud": "a", "exp": 1900000000, "x": strings.Repeat("x", 8192)},
		"no JSON":        func() {},
	} {
		if out, err := Sign(key, "k", TypeAccess, claims); err == nil {
			t.Errorf("%s: signed %s", name, out)
		}
	}
	for _, kid := range []string{"", "a b", "é", strings.Repeat("k", 129)} {
		if _, err := Sign(key, kid, TypeAccess, goodClaims()); err == nil {
			t.Errorf("kid %q is taken", kid)
		}
	}
	if _, err := Sign(nil, "k", TypeAccess, goodClaims()); err == nil {
		t.Error("signed without a key")
	}
}

func TestReserved(t *testing.T) {
	for _, claim := range []string{"iss", "SUB", "Aud", "exp", "nbf", "iat", "jti", "azp", "client_id", "scope", "cnf", "act", "amr", "acr", "auth_time", "sid", "nonce", "at_hash", "typ", "kid"} {
		if !Reserved(claim) {
			t.Errorf("%s may be set", claim)
		}
	}
	for _, claim := range []string{"https://example.test/sub", "roles", "department"} {
		if Reserved(claim) {
			t.Errorf("%s may not be set", claim)
		}
	}
}

func TestPublicKeyReadsInTheOracle(t *testing.T) {
	key := publicOf(keyFor("a"))
	data, err := json.Marshal(KeySet{Keys: []Key{PublicKey("k", key)}})
	if err != nil {
		t.Fatal(err)
	}
	var set gojose.JSONWebKeySet
	if err := json.Unmarshal(data, &set); err != nil {
		t.Fatal(err)
	}
	if got := set.Key("k"); len(got) != 1 || !got[0].Valid() || !key.Equal(got[0].Key.(ed25519.PublicKey)) || got[0].Use != "sig" || got[0].Algorithm != "EdDSA" {
		t.Errorf("got %+v", got)
	}
	if strings.Contains(string(data), `"d"`) {
		t.Error("a private member")
	}
}

// FuzzDifferential: whatever we accept with a key, go-jose accepts with the same key, header
// and payload.
func FuzzDifferential(f *testing.F) {
	key := keyFor("a")
	f.Add([]byte(`{"alg":"EdDSA","kid":"k","typ":"at+jwt"}`), []byte(`{"iss":"i","sub":"u","aud":"a","exp":1900000000}`))
	f.Add([]byte(`{"alg":"EdDSA","kid":"k","typ":"at+jwt","crit":["x"],"x":1}`), []byte(`{}`))
	f.Add([]byte(` {"typ":"JWT" , "kid":"\u006b","alg":"EdDSA"}`), []byte(`{"iss":"i","sub":"u","aud":["a"],"exp":1900000000,"iat":1}`))
	f.Fuzz(func(t *testing.T, header, payload []byte) {
		b64 := base64.RawURLEncoding
		signed := b64.EncodeToString(header) + "." + b64.EncodeToString(payload)
		compact := signed + "." + b64.EncodeToString(ed25519.Sign(key, []byte(signed)))
		token, err := Parse(compact)
		if err != nil {
			return
		}
		claims, err := token.Claims(publicOf(key))
		if err != nil {
			return
		}
		parsed, err := gojose.ParseSignedCompact(compact, []gojose.SignatureAlgorithm{gojose.EdDSA})
		if err != nil {
			t.Fatalf("accepted what the oracle refuses: %v", err)
		}
		got, err := parsed.Verify(publicOf(key))
		if err != nil || string(got) != string(payload) {
			t.Fatalf("the oracle says %q, %v", got, err)
		}
		h := parsed.Signatures[0].Header
		if h.KeyID != token.KeyID() || fmt.Sprint(h.ExtraHeaders["typ"]) != token.Type() {
			t.Fatalf("the oracle reads the header as %+v", h)
		}
		var said struct {
			Iss string `json:"iss"`
			Sub string `json:"sub"`
			Exp int64  `json:"exp"`
		}
		if err := json.Unmarshal(payload, &said); err != nil || said.Iss != claims.Issuer || said.Sub != claims.Subject || said.Exp != claims.ExpiresAt.Unix() {
			t.Fatalf("encoding/json reads %+v, %v", said, err)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	key, claims := keyFor("a"), goodClaims()
	for b.Loop() {
		if _, err := Sign(key, "k", TypeAccess, claims); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseAndVerify(b *testing.B) {
	key := keyFor("a")
	compact, err := Sign(key, "k", TypeAccess, goodClaims())
	if err != nil {
		b.Fatal(err)
	}
	public := publicOf(key)
	for b.Loop() {
		token, err := Parse(compact)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := token.Claims(public); err != nil {
			b.Fatal(err)
		}
	}
}
