package strict

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"math/big"
	"slices"
)

// The algorithms that are read (RFC 7518 section 3.1, RFC 8037 section 3.1).
const (
	EdDSA = "EdDSA"
	ES256 = "ES256"
	RS256 = "RS256"
	PS256 = "PS256"
)

// Ed25519 is what RFC 9864 calls EdDSA with this curve. Keys of proofs may be called so; tokens and
// key sets have the one name EdDSA.
const Ed25519 = "Ed25519"

// Bounds of RSA keys, in bits. The upper one bounds what a signature costs to check.
const (
	minRSA = 2048
	maxRSA = 4096
)

const coordinate = 32 // bytes of a coordinate of P-256

// Key is a public key, read from a JSON Web Key or made from one of Go's.
type Key struct {
	Public     crypto.PublicKey // ed25519.PublicKey, *ecdsa.PublicKey (P-256) or *rsa.PublicKey
	Algorithms []string         // that it may be used with
	ID         string           // kid, or empty
	Use        string           // use, or empty

	canonical string // the JSON of RFC 7638 section 3.2
}

// Thumbprint returns the SHA-256 thumbprint of RFC 7638 in base64url.
func (k *Key) Thumbprint() string {
	sum := sha256.Sum256([]byte(k.canonical))
	return Encode(sum[:])
}

// JSON returns the key as a JSON Web Key of its required members only.
func (k *Key) JSON() []byte { return []byte(k.canonical) }

// ErrKind says that a key is well-formed but of a kind that is not read here.
var ErrKind = errors.New("a key of another kind")

// ReadKey reads a JSON Web Key for use with one of the algorithms; without any, with all that are
// read here. ErrKind says that it is for none of them. A key with a private member is refused
// whatever its kind is.
func ReadKey(data []byte, algorithms ...string) (*Key, error) {
	members, err := Object(data)
	if err != nil {
		return nil, err
	}
	text := map[string]string{}
	for _, m := range members {
		switch m.Name {
		case "kty", "crv", "x", "y", "n", "e", "alg", "use", "kid":
			if text[m.Name], err = String(m.Value); err != nil {
				return nil, errors.New("a member that is not a string")
			}
		case "d", "k", "p", "q", "dp", "dq", "qi", "oth":
			return nil, errors.New("a private member")
		}
	}
	fitting := kinds[text["kty"]+" "+text["crv"]]
	if alg, ok := text["alg"]; ok {
		if alg == Ed25519 && len(algorithms) == 0 {
			alg = EdDSA
		}
		fitting = only(fitting, alg)
	}
	if len(algorithms) > 0 {
		fitting = only(fitting, algorithms...)
	}
	if len(fitting) == 0 {
		return nil, ErrKind
	}
	public, err := readPublic(text)
	if err != nil {
		return nil, err
	}
	k, err := NewKey(public)
	if err != nil {
		return nil, err
	}
	k.ID, k.Use, k.Algorithms = text["kid"], text["use"], fitting
	return k, nil
}

// kinds are the algorithms by kty and crv.
var kinds = map[string][]string{"OKP Ed25519": {EdDSA}, "EC P-256": {ES256}, "RSA ": {RS256, PS256}}

func only(all []string, wanted ...string) (out []string) {
	for _, a := range all {
		if slices.Contains(wanted, a) {
			out = append(out, a)
		}
	}
	return out
}

func readPublic(text map[string]string) (crypto.PublicKey, error) {
	switch kind := text["kty"] + " " + text["crv"]; {
	case kind == "OKP Ed25519":
		x, err := Segment(text["x"])
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, errors.New("an Ed25519 key that does not have 32 bytes")
		}
		return ed25519.PublicKey(x), nil
	case kind == "EC P-256":
		x, errX := Segment(text["x"])
		y, errY := Segment(text["y"])
		if errX != nil || errY != nil || len(x) != coordinate || len(y) != coordinate {
			return nil, errors.New("a P-256 key whose coordinates do not have 32 bytes")
		}
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	case text["kty"] == "RSA":
		return readRSA(text["n"], text["e"])
	}
	return nil, ErrKind
}

// readRSA takes numbers in their shortest form only, so that a key has one thumbprint.
func readRSA(modulus, exponent string) (crypto.PublicKey, error) {
	n, errN := Segment(modulus)
	e, errE := Segment(exponent)
	if errN != nil || errE != nil || len(n) == 0 || n[0] == 0 || len(e) == 0 || e[0] == 0 || len(e) > 4 {
		return nil, errors.New("an RSA key whose numbers are not in their shortest form")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, nil
}

// NewKey takes one of Go's public keys.
func NewKey(public crypto.PublicKey) (*Key, error) {
	switch key := public.(type) {
	case ed25519.PublicKey:
		if len(key) != ed25519.PublicKeySize {
			return nil, errors.New("an Ed25519 key that does not have 32 bytes")
		}
		return &Key{Public: key, Algorithms: []string{EdDSA}, canonical: `{"crv":"Ed25519","kty":"OKP","x":"` + Encode(key) + `"}`}, nil
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return nil, ErrKind
		}
		point, err := key.Bytes()
		if err != nil {
			return nil, err
		}
		x, y := point[1:1+coordinate], point[1+coordinate:]
		return &Key{Public: key, Algorithms: []string{ES256}, canonical: `{"crv":"P-256","kty":"EC","x":"` + Encode(x) + `","y":"` + Encode(y) + `"}`}, nil
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
			return nil, errors.New("an RSA key that does not have 2048 to 4096 bits")
		}
		if key.E < 3 || key.E&1 == 0 || key.E > 1<<31-1 || key.N.Bit(0) == 0 {
			return nil, errors.New("an RSA key with numbers that no RSA key has")
		}
		e := big.NewInt(int64(key.E)).Bytes()
		return &Key{Public: key, Algorithms: []string{RS256, PS256}, canonical: `{"e":"` + Encode(e) + `","kty":"RSA","n":"` + Encode(key.N.Bytes()) + `"}`}, nil
	}
	return nil, ErrKind
}

// Fits tells whether the key may be used with that algorithm.
func (k *Key) Fits(algorithm string) bool { return slices.Contains(k.Algorithms, algorithm) }

// Verify tells whether the signature of the signing input is right under that algorithm, which
// must be one of the key's.
func (k *Key) Verify(algorithm string, signed, signature []byte) bool {
	if !k.Fits(algorithm) {
		return false
	}
	sum := sha256.Sum256(signed)
	switch key := k.Public.(type) {
	case ed25519.PublicKey:
		return len(signature) == ed25519.SignatureSize && ed25519.Verify(key, signed, signature)
	case *ecdsa.PublicKey:
		if len(signature) != 2*coordinate {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:coordinate]), new(big.Int).SetBytes(signature[coordinate:])
		return ecdsa.Verify(key, sum[:], r, s)
	case *rsa.PublicKey:
		if algorithm == PS256 {
			return rsa.VerifyPSS(key, crypto.SHA256, sum[:], signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
	}
	return false
}
