package verify

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/admit-id/admit/client/internal/strict"
)

// An API that takes other algorithms takes exactly those, each with a key made for it.
func TestOtherAlgorithms(t *testing.T) {
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	private := map[string]crypto.Signer{"ed": keyFor("ed"), "ec": ec, "rs": rs, "ps": rs}
	algorithm := map[string]string{"ed": Algorithm, "ec": ES256, "rs": RS256, "ps": PS256}
	var set []string
	for kid, key := range private {
		k, err := strict.NewKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		set = append(set, strings.TrimSuffix(string(k.JSON()), "}")+`,"kid":"`+kid+`","alg":"`+algorithm[kid]+`","use":"sig"}`)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != AllKeysPath {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte(`{"keys":[` + strings.Join(set, ",") + `]}`))
	}))
	t.Cleanup(server.Close)
	signed := func(alg, kid string, key crypto.Signer) string {
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: key, KeyID: kid}},
			(&jose.SignerOptions{}).WithType(TypeAccessToken))
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Sign([]byte(honestClaims(map[string]any{"iss": server.URL})))
		if err != nil {
			t.Fatal(err)
		}
		compact, _ := out.CompactSerialize()
		return compact
	}
	verifier := func(algorithms ...string) *Verifier {
		v, err := New(Config{Issuer: server.URL, Audience: account, Algorithms: algorithms, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	all := verifier(Algorithm, ES256, RS256, PS256)
	for kid, key := range private {
		if _, err := all.Verify(context.Background(), signed(algorithm[kid], kid, key)); err != nil {
			t.Errorf("%s: %v", kid, err)
		}
		if _, err := verifier(PS256).Verify(context.Background(), signed(algorithm[kid], kid, key)); (err == nil) != (kid == "ps") {
			t.Errorf("%s where PS256 is wanted: %v", kid, err)
		}
	}
	good := signed(ES256, "ec", ec)
	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"the key is for PS256":    {signed(RS256, "ps", rs), ErrSignature},
		"the key is for RS256":    {signed(PS256, "rs", rs), ErrSignature},
		"RS384":                   {signed("RS384", "rs", rs), ErrAlgorithm},
		"a signature of zeros":    {good[:strings.LastIndexByte(good, '.')+1] + b64(string(make([]byte, 64))), ErrSignature},
		"a signature of 65 bytes": {good[:strings.LastIndexByte(good, '.')+1] + b64(string(make([]byte, 65))), ErrSignature},
		"HS256":                   {b64(`{"alg":"HS256","kid":"rs","typ":"at+jwt"}`) + "." + b64(honestClaims(nil)) + "." + b64("x"), ErrAlgorithm},
		"none":                    {b64(`{"alg":"none","kid":"rs","typ":"at+jwt"}`) + "." + b64(honestClaims(nil)) + ".", ErrAlgorithm},
	} {
		if _, err := all.Verify(context.Background(), c.token); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if _, err := Parse(good); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("Parse takes ES256: %v", err)
	}
	for _, c := range []Config{
		{Issuer: issuer, Audience: "a", Algorithms: []string{"HS256"}},
		{Issuer: issuer, Audience: "a", Algorithms: []string{RS256}, Keys: StaticKeys{}},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

func TestConfirmationAndActor(t *testing.T) {
	thumb := strings.Repeat("A", 43)
	read := func(changes map[string]any) (Claims, error) {
		return honestVerifier(t).VerifyBound(context.Background(), forge(honestHeader, honestClaims(changes)))
	}
	c, err := read(map[string]any{
		"cnf": map[string]any{"jkt": thumb, "x5t#S256": thumb}, "gid": "gra_1", "acr": "urn:admit:aal1", "auth_time": now.Unix(),
		"act": map[string]any{"sub": "sc_1", "act": map[string]any{"sub": "sc_2"}},
	})
	if err != nil || c.Confirmation != (Confirmation{thumb, thumb}) || !c.Confirmation.Bound() || c.GrantID != "gra_1" || c.ACR != "urn:admit:aal1" ||
		!c.AuthTime.Equal(now) || c.Actor == nil || c.Actor.Subject != "sc_1" || c.Actor.Actor.Subject != "sc_2" {
		t.Errorf("%+v, %v", c, err)
	}
	bound := forge(honestHeader, honestClaims(map[string]any{"cnf": map[string]any{"jkt": thumb}}))
	if _, err := honestVerifier(t).Verify(context.Background(), bound); !errors.Is(err, ErrBound) {
		t.Errorf("a bound token as a bearer: %v", err)
	}
	if !c.HasScope("email") || c.HasScope("mail") || c.HasScope("") || c.HasScope("openid profile") {
		t.Error("scopes")
	}
	for name, cnf := range map[string]any{
		"null": "null", "a string": "x", "an array": []string{thumb}, "empty": map[string]any{}, "unknown": map[string]any{"kid": "k"},
		"one of them unknown": map[string]any{"jkt": thumb, "jwk": map[string]any{}}, "short": map[string]any{"jkt": "AAAA"}, "no base64url": map[string]any{"jkt": strings.Repeat("+", 43)},
		"not canonical": map[string]any{"jkt": strings.Repeat("A", 42) + "B"}, "a number": map[string]any{"jkt": 1}, "no string": map[string]any{"x5t#S256": nil},
	} {
		if _, err := read(map[string]any{"cnf": cnf}); !errors.Is(err, ErrMalformed) {
			t.Errorf("cnf %s: %v", name, err)
		}
	}
	for name, act := range map[string]any{"a string": "x", "nobody": map[string]any{}, "a number": map[string]any{"sub": 1}, "deep": map[string]any{"sub": "a", "act": 1}} {
		if _, err := read(map[string]any{"act": act}); !errors.Is(err, ErrMalformed) {
			t.Errorf("act %s: %v", name, err)
		}
	}
}
