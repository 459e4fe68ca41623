package dbsctest

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"testing"

	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/session/dbsc"
)

// Device is a browser's side of the protocol, with a key in memory.
type Device struct {
	t   testing.TB
	key crypto.Signer
}

// NewDevice makes a device with a new key.
func NewDevice(t testing.TB) Device {
	t.Helper()
	key, err := jose.GenerateKey(dbsc.Algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return Device{t, key}
}

// Public is the device's key.
func (d Device) Public() jose.PublicJWK { return jose.PublicJWK{Key: d.key.Public()} }

// First is the proof of a registration, which brings the key.
func (d Device) First(challenge string) string {
	jwk, err := json.Marshal(d.Public())
	if err != nil {
		d.t.Fatal(err)
	}
	return d.Sign(`{"alg":"ES256","typ":"dbsc+jwt","jwk":`+string(jwk)+`}`, `{"jti":"`+challenge+`"}`)
}

// Next is the proof of a refresh.
func (d Device) Next(challenge string) string {
	return d.Sign(`{"alg":"ES256","typ":"dbsc+jwt"}`, `{"jti":"`+challenge+`"}`)
}

// Sign makes a compact JWS of any header and claims, signed by ES256 whatever the header says.
func (d Device) Sign(header, claims string) string {
	d.t.Helper()
	signed := b64([]byte(header)) + "." + b64([]byte(claims))
	signature, err := es256(d.key, signed)
	if err != nil {
		d.t.Fatal(err)
	}
	return signed + "." + b64(signature)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// es256 is the signature of RFC 7518 section 3.4: both numbers, each of full length.
func es256(key crypto.Signer, signed string) ([]byte, error) {
	sum := sha256.Sum256([]byte(signed))
	der, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	var n struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &n); err != nil {
		return nil, err
	}
	out := make([]byte, 64)
	n.R.FillBytes(out[:32])
	n.S.FillBytes(out[32:])
	return out, nil
}
