package verify

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/admit-id/admit/client/internal/strict"
)

// maxKeys is how many keys a key set may hold. A server of Admit publishes fewer, however often it
// is told to rotate them.
const maxKeys = 256

// ParseKeySet reads a JSON Web Key Set (RFC 7517 section 5) and returns its Ed25519 keys
// (RFC 8037) by kid. Keys of other types are passed over. A set that is not strict JSON,
// that has a kid twice, or that holds private members is refused whole.
func ParseKeySet(data []byte) (map[string]ed25519.PublicKey, error) {
	keys, err := parseKeySet(data, onlyEdDSA)
	if err != nil {
		return nil, err
	}
	out := make(map[string]ed25519.PublicKey, len(keys))
	for kid, key := range keys {
		out[kid], _ = key.Public.(ed25519.PublicKey)
	}
	return out, nil
}

// parseKeySet returns the keys that may be used with one of the algorithms.
func parseKeySet(data []byte, algorithms []string) (map[string]*strict.Key, error) {
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
		return readKeys(items, algorithms)
	}
	return nil, errors.New("verify: key set: no keys")
}

func readKeys(items [][]byte, algorithms []string) (map[string]*strict.Key, error) {
	keys := make(map[string]*strict.Key, len(items))
	for _, item := range items {
		key, err := strict.ReadKey(item, algorithms...)
		switch {
		case errors.Is(err, strict.ErrKind):
			continue
		case err != nil:
			return nil, fmt.Errorf("verify: key set: %w", err)
		case key.Use != "" && key.Use != "sig":
			continue
		case !visible(key.ID, maxKeyID):
			return nil, errors.New("verify: key set: a key without a usable kid")
		}
		if _, twice := keys[key.ID]; twice {
			return nil, errors.New("verify: key set: a kid twice")
		}
		keys[key.ID] = key
	}
	return keys, nil
}
