// Package jwks owns reading the JSON Web Key Sets that others make (RFC 7517): which keys of a set
// may verify a signature or encrypt, and with which algorithm. The key decides that, never a token (I-18).
//
// Never: a private or symmetric key, a certificate or an address inside a key, a weak RSA key.
package jwks

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"

	"github.com/go-jose/go-jose/v4"

	"github.com/admit-id/admit/internal/kit/strictjson"
)

// Limits of a set.
const (
	MaxKeys = 100
	MaxID   = 512 // bytes of a kid
	minRSA  = 2048
	maxRSA  = 8192
)

// Errors of Parse and Check.
var (
	ErrForm    = errors.New("this is no JSON object with an array keys of at most 100 keys")
	ErrPrivate = errors.New("the set has a private or a symmetric key; take the public half only, and replace the key, because it has been shown")
	ErrNone    = errors.New("the set has no usable key: RSA of 2048 to 8192 bits, P-256, P-384 or Ed25519")
)

// Key is one public key.
type Key struct {
	ID        string
	Algorithm string // the only one that it may be used with, or empty
	Public    any    // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
	use       string // "sig", "enc" or empty for both
}

// Set is the usable keys of a key set.
type Set struct{ keys []Key }

// Parse reads a set. Keys that cannot be used are left out.
func Parse(text []byte) (*Set, error) {
	entries, err := read(text)
	if err != nil {
		return nil, err
	}
	s := &Set{}
	for _, e := range entries {
		if k, ok := e.key(); ok {
			s.keys = append(s.keys, k)
		}
	}
	return s, nil
}

// Check is the rule for a set that somebody registers: it has a usable key and nothing private.
func Check(text []byte) error {
	entries, err := read(text)
	if err != nil {
		return err
	}
	usable := false
	for _, e := range entries {
		if e.private() {
			return ErrPrivate
		}
		_, ok := e.key()
		usable = usable || ok
	}
	if !usable {
		return ErrNone
	}
	return nil
}

// Verifier returns the one key that may verify a signature. A token without a key id is good only
// while a single key fits.
func (s *Set) Verifier(kid, algorithm string) (Key, bool) { return s.only(kid, algorithm, "sig") }

// Encrypter returns the first key that may encrypt by an algorithm of RFC 7518 section 4.
func (s *Set) Encrypter(algorithm string) (Key, bool) {
	for _, k := range s.keys {
		if k.use != "sig" && k.fits(algorithm) {
			return k, true
		}
	}
	return Key{}, false
}

// Holds tells whether a set has exactly this public key, whatever its id. It is how a self-signed
// certificate is known (RFC 8705 section 2.2).
func (s *Set) Holds(public any) bool {
	for _, k := range s.keys {
		if have, ok := k.Public.(interface{ Equal(x crypto.PublicKey) bool }); ok && have.Equal(public) {
			return true
		}
	}
	return false
}

func (s *Set) only(kid, algorithm, use string) (found Key, ok bool) {
	n := 0
	for _, k := range s.keys {
		if (k.use == "" || k.use == use) && k.fits(algorithm) && (kid == "" || k.ID == kid) {
			found = k
			n++
		}
	}
	return found, n == 1
}

func (k Key) fits(algorithm string) bool {
	if k.Algorithm != "" && k.Algorithm != algorithm && !(algorithm == "EdDSA" && k.Algorithm == "Ed25519") {
		return false
	}
	switch p := k.Public.(type) {
	case *rsa.PublicKey:
		return algorithm == "RS256" || algorithm == "PS256" || algorithm == "RSA-OAEP-256"
	case *ecdsa.PublicKey:
		switch algorithm {
		case "ES256":
			return p.Curve == elliptic.P256()
		case "ES384":
			return p.Curve == elliptic.P384()
		}
		return algorithm == "ECDH-ES" || algorithm == "ECDH-ES+A128KW" || algorithm == "ECDH-ES+A256KW"
	case ed25519.PublicKey:
		return algorithm == "EdDSA"
	}
	return false
}

// entry is one key as it was read. Values are string, bool, json.Number, nil, map or slice.
type entry map[string]any

func read(text []byte) ([]entry, error) {
	var set map[string]any
	if err := strictjson.Check(text, &set); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&set); err != nil {
		return nil, ErrForm
	}
	list, ok := set["keys"].([]any)
	if !ok || len(list) > MaxKeys {
		return nil, ErrForm
	}
	out := make([]entry, 0, len(list))
	for _, item := range list {
		members, ok := item.(map[string]any)
		if !ok {
			return nil, ErrForm
		}
		out = append(out, members)
	}
	return out, nil
}

func (e entry) has(name string) bool {
	_, ok := e[name]
	return ok
}

func (e entry) text(name string) string {
	s, _ := e[name].(string)
	return s
}

func (e entry) private() bool { return e.has("d") || e.has("k") || e.text("kty") == "oct" }

func (e entry) key() (Key, bool) {
	use := e.text("use")
	if e.private() || len(e.text("kid")) > MaxID || e.has("use") && use != "sig" && use != "enc" {
		return Key{}, false
	}
	// Only what makes the key reaches the library: no certificates, no URLs.
	bare := map[string]string{}
	for _, name := range []string{"kty", "n", "e", "crv", "x", "y"} {
		if e.has(name) {
			bare[name] = e.text(name)
		}
	}
	text, err := json.Marshal(bare)
	if err != nil {
		return Key{}, false
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(text); err != nil || !jwk.Valid() || !jwk.IsPublic() {
		return Key{}, false
	}
	switch p := jwk.Key.(type) {
	case *rsa.PublicKey:
		if p.N.BitLen() < minRSA || p.N.BitLen() > maxRSA {
			return Key{}, false
		}
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() && p.Curve != elliptic.P384() {
			return Key{}, false
		}
	case ed25519.PublicKey:
	default:
		return Key{}, false
	}
	return Key{ID: e.text("kid"), Algorithm: e.text("alg"), Public: jwk.Key, use: use}, true
}
