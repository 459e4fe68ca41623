package jose

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"fmt"
	"slices"

	gojose "github.com/go-jose/go-jose/v4"
)

// EncryptionAlgorithms are the ways to agree on a content key with whoever a token is encrypted to
// (RFC 7518 section 4.1).
func EncryptionAlgorithms() []string {
	return []string{"RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"}
}

// EncryptionMethods are the ways to encrypt the content (RFC 7518 section 5.1).
func EncryptionMethods() []string {
	return []string{"A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"}
}

// DefaultEncryptionMethod holds where a client names an algorithm and no method (OpenID Connect
// Dynamic Client Registration section 2).
const DefaultEncryptionMethod = "A128CBC-HS256"

// Encryption says to whom and how a token is encrypted.
type Encryption struct {
	Algorithm string    // of EncryptionAlgorithms
	Method    string    // of EncryptionMethods; empty is DefaultEncryptionMethod
	Key       PublicJWK // see EncryptionKey
}

// Encrypts tells whether a key can be used to encrypt by an algorithm.
func (k PublicJWK) Encrypts(alg string) bool {
	if k.Use == "sig" || k.Algorithm != "" && k.Algorithm != alg || !slices.Contains(EncryptionAlgorithms(), alg) {
		return false
	}
	switch k.Key.(type) {
	case *rsa.PublicKey:
		return alg == "RSA-OAEP-256"
	case *ecdsa.PublicKey:
		return alg != "RSA-OAEP-256"
	}
	return false
}

// EncryptionKey finds the key of a set to encrypt to: one that says it is for encryption before
// one that says nothing. False when there is none.
func EncryptionKey(keys []PublicJWK, alg string) (PublicJWK, bool) {
	for _, use := range []string{"enc", ""} {
		for _, k := range keys {
			if k.Use == use && k.Encrypts(alg) {
				return k, true
			}
		}
	}
	return PublicJWK{}, false
}

// Encrypt returns the compact JWE of a signed token (RFC 7519 section 5.2: cty is JWT).
func Encrypt(signed string, x Encryption) (string, error) {
	if !x.Key.Encrypts(x.Algorithm) {
		return "", badKey("it does not fit the encryption algorithm")
	}
	if x.Method == "" {
		x.Method = DefaultEncryptionMethod
	}
	if !slices.Contains(EncryptionMethods(), x.Method) {
		return "", fmt.Errorf("jose: no encryption method that is supported")
	}
	e, err := gojose.NewEncrypter(gojose.ContentEncryption(x.Method),
		gojose.Recipient{Algorithm: gojose.KeyAlgorithm(x.Algorithm), Key: x.Key.Key, KeyID: x.Key.KeyID},
		(&gojose.EncrypterOptions{}).WithContentType("JWT"))
	if err != nil {
		return "", fmt.Errorf("jose: encrypt: %w", err)
	}
	sealed, err := e.Encrypt([]byte(signed))
	if err != nil {
		return "", fmt.Errorf("jose: encrypt: %w", err)
	}
	return sealed.CompactSerialize()
}
