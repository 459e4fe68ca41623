package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/admit-id/admit/client/internal/strict"
)

// FuzzToken: whatever comes, nothing panics, and what passes is exactly one text.
func FuzzToken(f *testing.F) {
	honest := honestToken()
	f.Add(honest)
	f.Add(honest + "=")
	f.Add(forge(`{"alg":"none"}`, `{}`))
	f.Add(forge(honestHeader, honestClaims(map[string]any{"aud": account})))
	f.Add("..")
	v := honestVerifier(f)
	f.Fuzz(func(t *testing.T, token string) {
		parsed, err := Parse(token)
		if err != nil {
			return
		}
		if len(token) > MaxToken || strings.Count(token, ".") != 2 {
			t.Fatal("accepted a token beyond the limits")
		}
		if again := parsed.signed + "." + b64(string(parsed.signature)); again != token {
			t.Fatal("accepted a second spelling of a token")
		}
		if c, err := v.Verify(context.Background(), token); err == nil && c.Issuer != issuer {
			t.Fatal("accepted another issuer")
		}
	})
}

// FuzzJSON: whatever the strict reader accepts, encoding/json accepts too, with the same
// members and the same values.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,-2.5e3,"x\u00e9",true,null]}`, `{"a":1,"A":2}`, `{"\ud83d\ude00":"\/"}`, honestClaims(nil), honestHeader, `{"a":tru}`, `{"a":1}x`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := strict.Object(data)
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		got := map[string]json.RawMessage{}
		for _, m := range members {
			got[m.Name] = bytes.TrimSpace(m.Value)
			if s, err := strict.String(m.Value); err == nil {
				var other string
				if json.Unmarshal(m.Value, &other) != nil || other != s {
					t.Fatalf("a string reads as %q and %q", s, other)
				}
			}
		}
		if len(want) == 0 && len(got) == 0 {
			return
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// FuzzKeySet: a key set never yields anything but 32-byte keys with usable names.
func FuzzKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k","x":"` + b64(string(publicOf(keyFor("k")))) + `"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AA","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := ParseKeySet(data)
		if err != nil {
			return
		}
		for kid, key := range keys {
			if !visible(kid, maxKeyID) || len(key) != 32 {
				t.Fatal("a key that cannot be used")
			}
		}
	})
}
