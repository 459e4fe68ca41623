package verify

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/admit-id/admit/client/internal/strict"
)

// maxKeys is how many keys a key set may hold.
const maxKeys = 64

// ParseKeySet reads a JSON Web Key Set (RFC 7517 section 5) and returns its Ed25519 keys
// (RFC 8037) by kid. Keys of other types are passed over. A set that is not strict JSON,
// that has a kid twice, or that holds private members is refused whole.
func ParseKeySet(data []byte) (map[string]ed25519.PublicKey, error) {
	members, err := strict.Object(data)
	if err != nil {
		return nil, fmt.Errorf("verify: key set: %w", err)
	}
	for _, m := range members {
		if m.Name != "keys" {
			continue
		}
		items, err := strict.Array(m.Value)
		if err != nil {
			return nil, fmt.Errorf("verify: key set: %w", err)
		}
		if len(items) > maxKeys {
			return nil, fmt.Errorf("verify: key set: more than %d keys", maxKeys)
		}
		return readKeys(items)
	}
	return nil, errors.New("verify: key set: no keys")
}

func readKeys(items [][]byte) (map[string]ed25519.PublicKey, error) {
	keys := make(map[string]ed25519.PublicKey, len(items))
	for _, item := range items {
		kid, key, err := readKey(item)
		if err != nil {
			return nil, fmt.Errorf("verify: key set: %w", err)
		}
		if key == nil {
			continue
		}
		if _, twice := keys[kid]; twice {
			return nil, errors.New("verify: key set: a kid twice")
		}
		keys[kid] = key
	}
	return keys, nil
}

// readKey reads one key; key is nil if it is of a kind that is not used here.
func readKey(item []byte) (kid string, key ed25519.PublicKey, err error) {
	members, err := strict.Object(item)
	if err != nil {
		return "", nil, err
	}
	text := map[string]string{}
	for _, m := range members {
		switch m.Name {
		case "kty", "crv", "alg", "use", "kid", "x":
			if text[m.Name], err = strict.String(m.Value); err != nil {
				return "", nil, fmt.Errorf("%s is not a string", m.Name)
			}
		case "d", "k", "p", "q":
			return "", nil, errors.New("a private member")
		}
	}
	if text["kty"] != "OKP" || text["crv"] != "Ed25519" {
		return "", nil, nil
	}
	if alg, ok := text["alg"]; ok && alg != Algorithm {
		return "", nil, nil
	}
	if use, ok := text["use"]; ok && use != "sig" {
		return "", nil, nil
	}
	if !visible(text["kid"], maxKeyID) {
		return "", nil, errors.New("a key without a usable kid")
	}
	x, err := decodeSegment(text["x"])
	if err != nil || len(x) != ed25519.PublicKeySize {
		return "", nil, errors.New("an Ed25519 key that does not have 32 bytes")
	}
	return text["kid"], x, nil
}
