package keyring

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/jose"
)

// The prefixes of kids. Keys of before there were any have none.
const (
	prefixStatic   = "s-"
	prefixRotating = "d-" // dynamic
)

func prefix(use Use) string {
	if use.Static() {
		return prefixStatic
	}
	return prefixRotating
}

const sealPurpose = "keyring/signing"

func place(k Key) []string {
	return []string{string(k.Account), "key", string(k.KID), string(k.Use), "1"}
}

// seal encrypts a private half: of Ed25519 the seed, as it has always been, of others PKCS#8.
func seal(keys *crypt.Keys, k Key, private crypto.Signer) ([]byte, error) {
	var plain []byte
	switch p := private.(type) {
	case ed25519.PrivateKey:
		plain = p.Seed()
	default:
		var err error
		if plain, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
			return nil, fmt.Errorf("keyring: %w", err)
		}
	}
	return keys.Seal(sealPurpose, plain, place(k)...), nil
}

// open returns the private half, and makes sure that it belongs to the public one.
func open(keys *crypt.Keys, k Sealed) (crypto.Signer, error) {
	plain, err := keys.Open(sealPurpose, k.Private, place(k.Key)...)
	if err != nil {
		return nil, fmt.Errorf("signing key %s of %s: %w", k.KID, k.Account, err)
	}
	private, err := decodePrivate(k.Use, plain)
	if err != nil {
		return nil, fmt.Errorf("signing key %s of %s: %w", k.KID, k.Account, err)
	}
	if public, ok := k.Public.(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(private.Public()) {
		return nil, fmt.Errorf("signing key %s of %s: the two halves do not fit", k.KID, k.Account)
	}
	return private, nil
}

func decodePrivate(use Use, plain []byte) (crypto.Signer, error) {
	if use.Alg() == jose.EdDSA {
		if len(plain) != ed25519.SeedSize {
			return nil, errors.New("it has a strange length")
		}
		return ed25519.NewKeyFromSeed(plain), nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, errors.New("it is no PKCS#8 key") // the cause might quote it
	}
	private, ok := parsed.(crypto.Signer)
	if !ok || !jose.Fits(use.Alg(), private) {
		return nil, errors.New("it does not fit the algorithm")
	}
	return private, nil
}

// EncodePublic returns the stored form of a public half: of Ed25519 its 32 bytes, of others PKIX DER.
func EncodePublic(key crypto.PublicKey) ([]byte, error) {
	if k, ok := key.(ed25519.PublicKey); ok {
		return k, nil
	}
	return x509.MarshalPKIXPublicKey(key)
}

// DecodePublic reads what EncodePublic returned.
func DecodePublic(use Use, data []byte) (crypto.PublicKey, error) {
	if use.Alg() == jose.EdDSA {
		return ed25519.PublicKey(data), nil
	}
	key, err := x509.ParsePKIXPublicKey(data)
	if err != nil {
		return nil, fmt.Errorf("keyring: a stored public key: %w", err)
	}
	return key, nil
}
