// Package jwks owns reading the JSON Web Key Sets that others make (RFC 7517): which keys of a set
// may verify a signature or encrypt, and with which algorithm. The key decides that, never a token (I-18).
//
// Never: a private or symmetric key, a certificate or an address inside a key, a weak RSA key.
package jwks

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"maps"

	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/strictjson"
)

// MaxKeys is how many keys a set may have.
const MaxKeys = 100

// Errors of Parse and Check.
var (
	ErrForm    = errors.New("this is no JSON object with an array keys of at most 100 keys")
	ErrPrivate = errors.New("the set has a private or a symmetric key; take the public half only, and replace the key, because it has been shown")
	ErrNone    = errors.New("the set has no usable key: RSA of 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519")
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

// entry is one key as it was read.
type entry map[string]json.RawMessage

func read(text []byte) ([]entry, error) {
	var set struct {
		Keys []entry `json:"keys"`
	}
	if err := strictjson.Check(text, &set); err != nil {
		return nil, err // it repeats nothing of the text
	}
	if json.Unmarshal(text, &set) != nil || set.Keys == nil || len(set.Keys) > MaxKeys {
		return nil, ErrForm
	}
	return set.Keys, nil
}

func (e entry) private() bool {
	for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, there := e[member]; there {
			return true
		}
	}
	return string(e["kty"]) == `"oct"`
}

// key reads what the project's one reader of keys takes.
func (e entry) key() (Key, bool) {
	if string(e["use"]) == `"jwt-svid"` { // what a SPIFFE bundle says of the keys that sign tokens
		e = maps.Clone(e)
		e["use"] = json.RawMessage(`"sig"`)
	}
	text, err := json.Marshal(e)
	if err != nil {
		return Key{}, false
	}
	k, err := jose.ParseJWK(text)
	if err != nil {
		return Key{}, false
	}
	return Key{ID: k.KeyID, Algorithm: k.Algorithm, Public: k.Key, use: k.Use}, true
}
