package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/admit-id/admit/internal/kit/strictjson"
)

// Limits of key sets that others publish.
const (
	MaxKeySet  = 256 << 10 // bytes
	MaxKeys    = 256
	minRSABits = 2048
	maxRSABits = 8192
)

// ErrKey says that a key cannot be taken. All errors of ParseJWK and ParseJWKS match it.
var ErrKey = errors.New("jose: not a usable public key")

// errUnknownKind marks a key of a kind that is not known here; a set may have some (RFC 7517 section 5).
var errUnknownKind = fmt.Errorf("%w: a kind of key or curve that is not supported", ErrKey)

// PublicJWK is somebody's public key (RFC 7517). Key is an ed25519.PublicKey, an *rsa.PublicKey
// of 2048 to 8192 bits, or an *ecdsa.PublicKey on P-256, P-384 or P-521.
type PublicJWK struct {
	KeyID     string // kid, or empty
	Use       string // "sig", "enc", or empty
	Algorithm string // alg, or empty: whatever the kind of key allows
	Key       crypto.PublicKey
}

// rawJWK has the members that a key is read from, and those that no public key may have. Others are ignored.
type rawJWK struct {
	Kty string   `json:"kty"`
	Use string   `json:"use"`
	Ops []string `json:"key_ops"`
	Alg string   `json:"alg"`
	KID string   `json:"kid"`
	Crv string   `json:"crv"`
	X   string   `json:"x"`
	Y   string   `json:"y"`
	N   string   `json:"n"`
	E   string   `json:"e"`

	D   json.RawMessage `json:"d"`
	P   json.RawMessage `json:"p"`
	Q   json.RawMessage `json:"q"`
	DP  json.RawMessage `json:"dp"`
	DQ  json.RawMessage `json:"dq"`
	QI  json.RawMessage `json:"qi"`
	Oth json.RawMessage `json:"oth"`
	K   json.RawMessage `json:"k"`
}

// private tells whether a member is there that must stay with the owner of the key.
func (r *rawJWK) private() bool {
	for _, member := range []json.RawMessage{r.D, r.P, r.Q, r.DP, r.DQ, r.QI, r.Oth, r.K} {
		if member != nil {
			return true
		}
	}
	return r.Kty == "oct"
}

// ParseJWK reads one public key. A key with a private or symmetric member is refused.
func ParseJWK(data []byte) (PublicJWK, error) {
	if len(data) > MaxKeySet {
		return PublicJWK{}, badKey("it is too long")
	}
	var raw rawJWK
	if err := strictjson.Unmarshal(data, &raw); err != nil {
		return PublicJWK{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return raw.public()
}

// ParseJWKS reads a set of 1 to MaxKeys public keys. Keys of an unknown kind are left out; a
// private or symmetric key, or one that is malformed or weak, makes the whole set unusable.
func ParseJWKS(data []byte) ([]PublicJWK, error) {
	if len(data) > MaxKeySet {
		return nil, badKey("the set is longer than 256 KiB")
	}
	var set struct {
		Keys []rawJWK `json:"keys"`
	}
	if err := strictjson.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if len(set.Keys) > MaxKeys {
		return nil, badKey("the set has more than 256 keys")
	}
	var out []PublicJWK
	for i := range set.Keys {
		k, err := set.Keys[i].public()
		switch {
		case err == nil:
			out = append(out, k)
		case !errors.Is(err, errUnknownKind):
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, badKey("the set has no key of a supported kind")
	}
	return out, nil
}

func (r *rawJWK) public() (PublicJWK, error) {
	if r.private() {
		return PublicJWK{}, badKey("it has a private or symmetric member")
	}
	if r.Use != "" && r.Use != "sig" && r.Use != "enc" || len(r.KID) > 512 {
		return PublicJWK{}, badKey("its use or kid is not usable")
	}
	out := PublicJWK{KeyID: r.KID, Use: r.Use, Algorithm: r.Alg}
	if err := out.narrow(r.Ops); err != nil {
		return PublicJWK{}, err
	}
	var err error
	switch {
	case r.Kty == "OKP" && r.Crv == "Ed25519":
		var x []byte
		if x, err = decodeSized(r.X, ed25519.PublicKeySize); err == nil {
			out.Key = ed25519.PublicKey(x)
		}
	case r.Kty == "EC" && curves[r.Crv] != nil:
		out.Key, err = r.ec(curves[r.Crv])
	case r.Kty == "RSA":
		out.Key, err = r.rsa()
	default:
		return PublicJWK{}, errUnknownKind
	}
	return out, err
}

// narrow reads key_ops (RFC 7517 section 4.3) as the use that it amounts to.
func (k *PublicJWK) narrow(ops []string) error {
	if len(ops) == 0 {
		return nil
	}
	use := "enc"
	switch {
	case slices.Contains(ops, "verify"):
		use = "sig"
	case !slices.ContainsFunc(ops, func(op string) bool {
		return op == "encrypt" || op == "wrapKey" || op == "deriveKey" || op == "deriveBits"
	}):
		return badKey("its key_ops name nothing that a public key does")
	}
	if k.Use != "" && k.Use != use {
		return badKey("its use and key_ops do not agree")
	}
	k.Use = use
	return nil
}

var curves = map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}

// ec reads a point, whose coordinates have the curve's full length (RFC 7518 section 6.2.1.2).
func (r *rawJWK) ec(curve elliptic.Curve) (*ecdsa.PublicKey, error) {
	size := (curve.Params().BitSize + 7) / 8
	x, err := decodeSized(r.X, size)
	if err != nil {
		return nil, err
	}
	y, err := decodeSized(r.Y, size)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, append(append([]byte{4}, x...), y...))
	if err != nil {
		return nil, badKey("its point is not on the curve")
	}
	return key, nil
}

func (r *rawJWK) rsa() (*rsa.PublicKey, error) {
	n, err := decodeNumber(r.N)
	if err != nil {
		return nil, err
	}
	e, err := decodeNumber(r.E)
	if err != nil {
		return nil, err
	}
	modulus := new(big.Int).SetBytes(n)
	switch bits := modulus.BitLen(); {
	case bits < minRSABits:
		return nil, badKey("an RSA key has at least 2048 bits")
	case bits > maxRSABits:
		return nil, badKey("an RSA key has at most 8192 bits")
	case len(e) > 4 || modulus.Bit(0) == 0:
		return nil, badKey("its RSA numbers are not usable")
	}
	exponent := new(big.Int).SetBytes(e).Int64()
	if exponent < 3 || exponent > 1<<31-1 || exponent%2 == 0 {
		return nil, badKey("its RSA exponent is not usable")
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent)}, nil
}

// Thumbprint returns the SHA-256 thumbprint of the key (RFC 7638, RFC 8037 section 2), base64url.
func (k PublicJWK) Thumbprint() string {
	// The required members, in order, without white space: exactly the hash input of section 3.
	sum := sha256.Sum256(k.members())
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// members is the canonical JSON of the members that make up the key.
func (k PublicJWK) members() []byte {
	b64 := base64.RawURLEncoding.EncodeToString
	switch key := k.Key.(type) {
	case ed25519.PublicKey:
		return fmt.Appendf(nil, `{"crv":"Ed25519","kty":"OKP","x":%q}`, b64(key))
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err != nil {
			return nil
		}
		half := len(point) / 2
		return fmt.Appendf(nil, `{"crv":%q,"kty":"EC","x":%q,"y":%q}`, key.Curve.Params().Name, b64(point[1:1+half]), b64(point[1+half:]))
	case *rsa.PublicKey:
		return fmt.Appendf(nil, `{"e":%q,"kty":"RSA","n":%q}`, b64(big.NewInt(int64(key.E)).Bytes()), b64(key.N.Bytes()))
	}
	return nil
}

// MarshalJSON encodes the key as a JWK. There is nothing private in it.
func (k PublicJWK) MarshalJSON() ([]byte, error) {
	members := k.members()
	if members == nil {
		return nil, badKey("of no known kind")
	}
	about, err := encode(struct {
		Algorithm string `json:"alg,omitempty"`
		Use       string `json:"use,omitempty"`
		KeyID     string `json:"kid,omitempty"`
	}{k.Algorithm, k.Use, k.KeyID})
	if err != nil || string(about) == "{}" {
		return members, err
	}
	return append(append(bytes.TrimSuffix(members, []byte("}")), ','), about[1:]...), nil
}

var base64url = base64.RawURLEncoding.Strict()

// decode reads canonical base64url without padding. The alphabet is checked first because Go's
// decoder skips line ends.
func decode(text string) ([]byte, bool) {
	for i := range len(text) {
		c := text[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return nil, false
		}
	}
	out, err := base64url.DecodeString(text)
	return out, err == nil
}

func decodeSized(text string, size int) ([]byte, error) {
	out, ok := decode(text)
	if !ok || len(out) != size {
		return nil, badKey("a member is not base64url of the right length")
	}
	return out, nil
}

// decodeNumber reads a Base64urlUInt: big-endian, in as few bytes as can be (RFC 7518 section 2).
func decodeNumber(text string) ([]byte, error) {
	out, ok := decode(text)
	if !ok || len(out) == 0 || out[0] == 0 {
		return nil, badKey("a number is not base64url of its shortest form")
	}
	return out, nil
}

func badKey(what string) error { return fmt.Errorf("%w: %s", ErrKey, what) }
