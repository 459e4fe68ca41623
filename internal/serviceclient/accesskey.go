package serviceclient

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"strings"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
)

// AccessKey is what a machine keeps: sc_<id>.<key id>.<account id>.<base64 of PKCS #8>.
// The parts hold no dot, so the text has exactly three.
type AccessKey struct {
	ClientID  ident.ServiceClientID
	KeyID     ident.KeyID
	AccountID ident.AccountID
	private   ed25519.PrivateKey
}

// pkcs8 is what precedes the 32-byte seed of an Ed25519 key in DER, RFC 8410 section 7.
var pkcs8 = []byte{0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20}

// spki is what precedes the 32 bytes of an Ed25519 public key in DER, RFC 8410 section 4.
var spki = []byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}

// Public returns the public half, derived from the private one.
func (k AccessKey) Public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

// String masks the key in logs.
func (k AccessKey) String() string { return secret.Mask }

// GoString masks the key in logs.
func (k AccessKey) GoString() string { return secret.Mask }

// Text writes the access key as SDKs read it.
func (k AccessKey) Text() secret.Text {
	der := append(bytes.Clone(pkcs8), k.private.Seed()...)
	return secret.New(strings.Join([]string{
		string(k.ClientID), string(k.KeyID), string(k.AccountID), base64.StdEncoding.EncodeToString(der),
	}, "."))
}

// newAccessKey makes a key pair for a client.
func newAccessKey(account ident.AccountID, client ident.ServiceClientID) AccessKey {
	return AccessKey{
		ClientID: client, KeyID: ident.KeyID(ident.New("")), AccountID: account,
		private: ed25519.NewKeyFromSeed(secret.Bytes(ed25519.SeedSize)),
	}
}

// ParsePublicKey reads the base64 of an Ed25519 public key in SPKI DER, as key management
// services export it. Keys of small order, for which anyone can make signatures, are refused.
func ParsePublicKey(text string) (ed25519.PublicKey, error) {
	bad := invalid("publicKey is the base64 of an Ed25519 public key in SPKI DER form.")
	if len(text) > 64 || strings.ContainsAny(text, "\r\n") {
		return nil, bad
	}
	der, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(der) != len(spki)+ed25519.PublicKeySize || !bytes.HasPrefix(der, spki) {
		return nil, bad
	}
	key := ed25519.PublicKey(der[len(spki):])
	if weak(key) {
		return nil, bad
	}
	return key, nil
}

// FormatPublicKey writes a public key as ParsePublicKey reads it.
func FormatPublicKey(key ed25519.PublicKey) string {
	return base64.StdEncoding.EncodeToString(append(bytes.Clone(spki), key...))
}

// weak tells whether key is one of the encodings of a point of small order. Under such a key
// the signature of all zeros over R of small order verifies for some messages, so a brought
// key must not be one. Its sign bit does not matter.
func weak(key ed25519.PublicKey) bool {
	var k [32]byte
	copy(k[:], key)
	k[31] &= 0x7f
	for _, y := range smallOrder {
		if k == y {
			return true
		}
	}
	return false
}

// smallOrder are the y coordinates of the points of order 1, 2, 4 and 8 in little-endian
// bytes, canonical and not: 0, 1, p-1, p, p+1 and the two of order 8.
var smallOrder = [][32]byte{
	{},
	{1},
	p25519(0xec), p25519(0xed), p25519(0xee),
	{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
	{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
}

// p25519 is 2^255-19 with another lowest byte.
func p25519(low byte) (b [32]byte) {
	for i := range b {
		b[i] = 0xff
	}
	b[0], b[31] = low, 0x7f
	return b
}
