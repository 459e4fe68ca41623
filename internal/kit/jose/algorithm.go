package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"hash"
	"math/big"
	"slices"

	"github.com/admit-id/admit/client/verify"
	"github.com/admit-id/admit/internal/kit/secret"
)

// The algorithms by which Admit signs, in the names of RFC 7518 section 3.1 and RFC 8037. They are
// case-sensitive, and a key has one of them only.
const (
	EdDSA = verify.Algorithm
	RS256 = "RS256"
	ES256 = "ES256"
	PS256 = "PS256"
)

// Algorithms are those by which Admit signs; the first is the default.
func Algorithms() []string { return []string{EdDSA, ES256, PS256, RS256} }

// ForeignAlgorithms are those that tokens of others may be signed by, unless their owner says less.
func ForeignAlgorithms() []string {
	return []string{EdDSA, ES256, ES384, PS256, PS384, PS512, RS256, RS384, RS512}
}

// The algorithms that are read and not written.
const (
	ES384, ES512, PS384, PS512, RS384, RS512 = "ES384", "ES512", "PS384", "PS512", "RS384", "RS512"
)

// algorithm is how one algorithm hashes and checks. A wrong kind of key fails to verify.
type algorithm struct {
	hash   crypto.Hash
	curve  elliptic.Curve // of ECDSA
	verify func(a algorithm, key crypto.PublicKey, signed string, signature []byte) bool
}

var algorithms = map[string]algorithm{
	EdDSA: {verify: verifyEdDSA},
	ES256: {crypto.SHA256, elliptic.P256(), verifyECDSA},
	ES384: {crypto.SHA384, elliptic.P384(), verifyECDSA},
	ES512: {crypto.SHA512, elliptic.P521(), verifyECDSA},
	PS256: {crypto.SHA256, nil, verifyPSS},
	PS384: {crypto.SHA384, nil, verifyPSS},
	PS512: {crypto.SHA512, nil, verifyPSS},
	RS256: {crypto.SHA256, nil, verifyPKCS1},
	RS384: {crypto.SHA384, nil, verifyPKCS1},
	RS512: {crypto.SHA512, nil, verifyPKCS1},
}

// fits tells whether a key may sign by an algorithm.
func (k PublicJWK) fits(alg string) bool {
	if k.Algorithm != "" && k.Algorithm != alg {
		return false
	}
	switch key := k.Key.(type) {
	case ed25519.PublicKey:
		return alg == EdDSA
	case *ecdsa.PublicKey:
		return algorithms[alg].curve == key.Curve
	case *rsa.PublicKey:
		return slices.Contains([]string{PS256, PS384, PS512, RS256, RS384, RS512}, alg)
	}
	return false
}

func verifySignature(alg string, key crypto.PublicKey, signed string, signature []byte) bool {
	a, ok := algorithms[alg]
	return ok && a.verify(a, key, signed, signature)
}

func (a algorithm) digest(signed string) []byte {
	h := a.hash.New()
	h.Write([]byte(signed))
	return h.Sum(nil)
}

func verifyEdDSA(_ algorithm, key crypto.PublicKey, signed string, signature []byte) bool {
	k, ok := key.(ed25519.PublicKey)
	return ok && len(k) == ed25519.PublicKeySize && ed25519.Verify(k, []byte(signed), signature)
}

// verifyECDSA reads the signature as r and s of the curve's full length (RFC 7518 section 3.4), not as DER.
func verifyECDSA(a algorithm, key crypto.PublicKey, signed string, signature []byte) bool {
	k, ok := key.(*ecdsa.PublicKey)
	if !ok || k.Curve != a.curve {
		return false
	}
	size := (a.curve.Params().BitSize + 7) / 8
	if len(signature) != 2*size {
		return false
	}
	r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
	return ecdsa.Verify(k, a.digest(signed), r, s)
}

// verifyPSS takes a salt as long as the hash and no other (RFC 7518 section 3.5).
func verifyPSS(a algorithm, key crypto.PublicKey, signed string, signature []byte) bool {
	k, ok := usableRSA(key)
	return ok && rsa.VerifyPSS(k, a.hash, a.digest(signed), signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: a.hash}) == nil
}

func verifyPKCS1(a algorithm, key crypto.PublicKey, signed string, signature []byte) bool {
	k, ok := usableRSA(key)
	return ok && rsa.VerifyPKCS1v15(k, a.hash, a.digest(signed), signature) == nil
}

func usableRSA(key crypto.PublicKey) (*rsa.PublicKey, bool) {
	k, ok := key.(*rsa.PublicKey)
	return k, ok && k.N.BitLen() >= minRSABits && k.N.BitLen() <= maxRSABits
}

// random is the randomness of kit/secret as the standard library wants it.
type random struct{}

func (random) Read(b []byte) (int, error) { return copy(b, secret.Bytes(len(b))), nil }

// GenerateKey makes a private key for one of Algorithms. RSA keys take a good part of a second.
func GenerateKey(alg string) (crypto.Signer, error) {
	switch alg {
	case EdDSA:
		_, key, err := ed25519.GenerateKey(random{})
		return key, err
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), random{})
	case PS256, RS256:
		return rsa.GenerateKey(random{}, minRSABits)
	}
	return nil, errors.New("jose: no algorithm to sign by")
}

// Fits tells whether a private key can sign by one of Algorithms.
func Fits(alg string, key crypto.Signer) bool {
	return slices.Contains(Algorithms(), alg) && key != nil && PublicJWK{Key: key.Public()}.fits(alg)
}

// HalfHash is the `at_hash` or `c_hash` of a value beside an ID token that is signed by alg
// (OpenID Connect Core section 3.1.3.6): base64url of the left half of the algorithm's hash.
// For EdDSA that is SHA-512, the hash inside Ed25519: so do oauth4webapi and openid-client
// ("Ed25519" and "EdDSA") and go-oidc; the standard itself is silent.
func HalfHash(alg, value string) string {
	var h hash.Hash
	switch alg {
	case EdDSA:
		h = sha512.New()
	case ES256, PS256, RS256:
		h = sha256.New()
	default:
		return ""
	}
	h.Write([]byte(value))
	sum := h.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
