package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"

	"github.com/go-jose/go-jose/v4"

	"github.com/admit-id/admit/internal/connection/document"
)

const (
	maxKeys   = 100
	minRSA    = 2048
	maxRSA    = 8192
	maxKeyID  = 512
	useVerify = "sig"
)

// errNoKey says that the provider's key set has no key for a token.
var errNoKey = errors.New("the provider has no such key")

// key is one public key of a provider.
type key struct {
	id        string
	algorithm string // the only one it may be used with, or empty
	issuer    string // Microsoft: the issuer whose tokens it may sign, or empty
	public    any    // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// keySet is a provider's key set, and where it came from.
type keySet struct {
	address string
	keys    []key
}

// fits tells whether a key may verify an algorithm: the key decides, not the token (I-18).
func (k key) fits(algorithm string) bool {
	if k.algorithm != "" && k.algorithm != algorithm {
		return false
	}
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		return algorithm == "RS256" || algorithm == "PS256"
	case *ecdsa.PublicKey:
		return algorithm == "ES256" && p.Curve == elliptic.P256() || algorithm == "ES384" && p.Curve == elliptic.P384()
	case ed25519.PublicKey:
		return algorithm == "EdDSA"
	}
	return false
}

// find returns the one key for a token. A token without a key id is good only while there
// is a single key that fits.
func (s *keySet) find(id, algorithm string) (key, bool) {
	var found key
	n := 0
	for _, k := range s.keys {
		if k.fits(algorithm) && (id == "" || k.id == id) {
			found = k
			n++
		}
	}
	return found, n == 1
}

// key returns the key for a token, fetching the key set when it does not know the key and
// the provider was not asked lately.
func (p *provider) key(ctx context.Context, m *metadata, id, algorithm string) (key, error) {
	set, err := recall(ctx, p, &p.keySet, question[*keySet]{
		name: "keys", fresh: keysFresh, every: askKeys,
		good: func(s *keySet) bool {
			_, ok := s.find(id, algorithm)
			return ok && s.address == m.keys
		},
		fetch: func(ctx context.Context) (*keySet, error) {
			body, err := p.client.Get(ctx, m.keys, nil)
			if err != nil {
				return nil, err
			}
			keys, err := parseKeys(body)
			return &keySet{m.keys, keys}, err
		},
	})
	if err != nil {
		return key{}, err
	}
	k, ok := set.find(id, algorithm)
	if !ok || set.address != m.keys {
		return key{}, errNoKey
	}
	return k, nil
}

// parseKeys reads a JWK set (RFC 7517 section 5). Keys that cannot verify signatures of the
// accepted algorithms are left out: symmetric, private, for encryption, weak, unknown.
func parseKeys(body []byte) ([]key, error) {
	o, err := document.Parse(body)
	if err != nil {
		return nil, err
	}
	list, ok := o["keys"].([]any)
	if !ok || len(list) > maxKeys {
		return nil, errors.New("the key set has no keys, or more than 100")
	}
	var out []key
	for _, entry := range list {
		members, _ := entry.(map[string]any)
		if k, ok := parseKey(document.Object(members)); ok {
			out = append(out, k)
		}
	}
	return out, nil
}

func parseKey(o document.Object) (key, bool) {
	if o.Has("d") || o.Has("k") || len(o.String("kid")) > maxKeyID || o.Has("use") && o.String("use") != useVerify {
		return key{}, false
	}
	// Only what makes the key reaches the library: no certificates, no URLs.
	bare := map[string]string{}
	for _, name := range []string{"kty", "n", "e", "crv", "x", "y"} {
		if o.Has(name) {
			bare[name] = o.String(name)
		}
	}
	text, err := json.Marshal(bare)
	if err != nil {
		return key{}, false
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(text); err != nil || !jwk.Valid() || !jwk.IsPublic() {
		return key{}, false
	}
	if r, ok := jwk.Key.(*rsa.PublicKey); ok && (r.N.BitLen() < minRSA || r.N.BitLen() > maxRSA) {
		return key{}, false
	}
	return key{id: o.String("kid"), algorithm: o.String("alg"), issuer: o.String("issuer"), public: jwk.Key}, true
}
