package jwks_test

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/jwks"
)

const (
	ed  = `{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	ec  = `{"kty":"EC","crv":"P-256","kid":"ec","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`
	oct = `{"kty":"oct","kid":"oct","k":"AAAA"}`
	odd = `{"kty":"OKP","crv":"X448","kid":"odd","x":"AA"}`
)

func set(keys ...string) []byte { return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`) }

// with adds members to a key.
func with(key, members string) string { return strings.TrimSuffix(key, "}") + "," + members + "}" }

func parse(t *testing.T, keys ...string) *jwks.Set {
	t.Helper()
	s, err := jwks.Parse(set(keys...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The key decides what it is for, never the token; what is not clear is no key (I-18).
func TestWhichKey(t *testing.T) {
	all := parse(t, ed, ec, oct, odd)
	for _, c := range []struct {
		kid, alg string
		set      *jwks.Set
		want     bool
	}{
		{"ed", "EdDSA", all, true}, {"", "EdDSA", all, true}, {"ec", "ES256", all, true}, {"ed", "ES256", all, false}, {"ec", "EdDSA", all, false}, {"ec", "ES384", all, false},
		{"oct", "HS256", all, false}, {"ed", "none", all, false}, {"ed", "", all, false}, {"other", "EdDSA", all, false}, {"odd", "EdDSA", all, false},
		{"", "EdDSA", parse(t, ed, ed), false}, {"ed", "EdDSA", parse(t, ed, ed), false}, {"ed", "EdDSA", parse(t, with(ed, `"use":"enc"`)), false},
		{"ed", "EdDSA", parse(t, with(ed, `"use":"sig"`)), true}, {"ed", "EdDSA", parse(t, with(ed, `"use":"jwt-svid"`)), true}, {"ed", "EdDSA", parse(t, with(ed, `"use":"x509-svid"`)), false},
		{"ed", "EdDSA", parse(t, with(ed, `"alg":"Ed25519"`)), true}, {"ed", "EdDSA", parse(t, with(ed, `"alg":"ES256"`)), false}, {"ed", "EdDSA", parse(t, with(ed, `"d":"AA"`)), false},
		{"ec", "ES256", parse(t, with(ec, `"alg":"ECDH-ES"`)), false}, {"ec", "ES256", parse(t, with(ec, `"key_ops":["deriveKey"]`)), false},
	} {
		if _, ok := c.set.Verifier(c.kid, c.alg); ok != c.want {
			t.Errorf("%s %s: %v", c.kid, c.alg, ok)
		}
	}
	for alg, want := range map[string]bool{"ECDH-ES": true, "ECDH-ES+A256KW": true, "RSA-OAEP-256": false, "RSA1_5": false, "dir": false} {
		if _, ok := all.Encrypter(alg); ok != want {
			t.Error(alg)
		}
	}
	if _, ok := parse(t, with(ec, `"use":"sig"`)).Encrypter("ECDH-ES"); ok {
		t.Error("a key for signatures encrypts")
	}
	k, _ := all.Verifier("ed", "EdDSA")
	if !all.Holds(k.Public) || parse(t, ec).Holds(k.Public) || all.Holds(make(ed25519.PublicKey, 32)) || all.Holds(nil) || all.Holds("x") {
		t.Error("which keys it holds")
	}
}

func TestSetsThatAreRefused(t *testing.T) {
	for what, text := range map[string]string{
		"nothing": ``, "null": `null`, "a list": `[]`, "no keys": `{}`, "keys as an object": `{"keys":{}}`, "keys twice": `{"keys":[],"keys":[]}`, "keys in caps": `{"KEYS":[]}`, "a text as key": `{"keys":["a"]}`,
		"a member twice": `{"keys":[` + with(ed, `"kid":"b"`) + `]}`, "more after it": `{"keys":[]}x`, "too many": string(set(strings.Split(strings.Repeat(ed+"|", 101), "|")[:101]...)),
	} {
		if _, err := jwks.Parse([]byte(text)); err == nil {
			t.Error(what)
		}
		if jwks.Check([]byte(text)) == nil {
			t.Error(what)
		}
	}
	for text, want := range map[string]error{
		string(set(ed, oct)): jwks.ErrPrivate, string(set(with(ed, `"d":"AA"`))): jwks.ErrPrivate, string(set()): jwks.ErrNone, string(set(odd)): jwks.ErrNone, string(set(ed, odd)): nil,
	} {
		if err := jwks.Check([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
