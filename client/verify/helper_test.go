package verify

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"testing"
	"time"
)

const (
	issuer   = "https://login.example.test"
	account  = "acc_default"
	honestID = "key_1"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// keyFor makes the same key for the same name in every run.
func keyFor(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func publicOf(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func honestVerifier(t testing.TB) *Verifier {
	t.Helper()
	v, err := New(Config{
		Issuer:   issuer,
		Audience: account,
		Keys:     StaticKeys{honestID: publicOf(keyFor(honestID))},
		Now:      func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const honestHeader = `{"alg":"EdDSA","kid":"key_1","typ":"at+jwt"}`

// honestClaims returns the claims of a good token, changed: nil takes a claim away.
func honestClaims(changes map[string]any) string {
	c := map[string]any{
		"iss": issuer, "sub": "u_1", "aud": []string{account}, "client_id": "app_default", "azp": "con_email",
		"iat": now.Unix() - 60, "exp": now.Unix() + 3600, "jti": "t_1", "sid": "s_1", "scope": "openid profile email",
	}
	maps.Copy(c, changes)
	for name, value := range c {
		if value == nil {
			delete(c, name)
		}
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// forge signs any header and any claims with the honest key.
func forge(header, claims string) string {
	signed := b64(header) + "." + b64(claims)
	return signed + "." + b64(string(ed25519.Sign(keyFor(honestID), []byte(signed))))
}

func honestToken() string { return forge(honestHeader, honestClaims(nil)) }
