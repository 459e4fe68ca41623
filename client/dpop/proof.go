package dpop

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/admit-id/admit/client/internal/strict"
)

// Proof makes the proof for one request: its method and URL, the access token that it carries
// (empty at the token endpoint), and the nonce that the server gave (empty if it gave none). The
// key is an Ed25519, P-256 or RSA key of 2048 to 4096 bits; Ed25519 is the smallest and fastest.
func Proof(key crypto.Signer, method, url, accessToken, nonce string) (string, error) {
	return proofAt(key, claims{Method: method, URL: url, Nonce: nonce}, accessToken, time.Now())
}

// Thumbprint returns the thumbprint of a public key (RFC 7638): the jkt of the tokens that are
// bound to it, and the dpop_jkt of an authorization request.
func Thumbprint(public crypto.PublicKey) (string, error) {
	key, err := strict.NewKey(public)
	if err != nil {
		return "", fmt.Errorf("dpop: %w", err)
	}
	return key.Thumbprint(), nil
}

type claims struct {
	ID       string `json:"jti"`
	Method   string `json:"htm"`
	URL      string `json:"htu"`
	IssuedAt int64  `json:"iat"`
	Hash     string `json:"ath,omitempty"`
	Nonce    string `json:"nonce,omitempty"`
}

func proofAt(key crypto.Signer, c claims, accessToken string, now time.Time) (string, error) {
	if key == nil {
		return "", errors.New("dpop: no key")
	}
	public, err := strict.NewKey(key.Public())
	if err != nil {
		return "", fmt.Errorf("dpop: %w", err)
	}
	url, ok := canonical(c.URL)
	if !ok || c.Method == "" {
		return "", errors.New("dpop: a proof needs a method and an absolute http or https URL")
	}
	algorithm := public.Algorithms[len(public.Algorithms)-1] // PS256 for RSA
	header, err := json.Marshal(struct {
		Type      string          `json:"typ"`
		Algorithm string          `json:"alg"`
		Key       json.RawMessage `json:"jwk"`
	}{Type, algorithm, public.JSON()})
	if err != nil {
		return "", err
	}
	c.ID, c.URL, c.IssuedAt = rand.Text(), url, now.Unix()
	if accessToken != "" {
		c.Hash = TokenHash(accessToken)
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	signed := strict.Encode(header) + "." + strict.Encode(payload)
	signature, err := sign(key, algorithm, []byte(signed))
	if err != nil {
		return "", fmt.Errorf("dpop: %w", err)
	}
	return signed + "." + strict.Encode(signature), nil
}

func sign(key crypto.Signer, algorithm string, signed []byte) ([]byte, error) {
	sum := sha256.Sum256(signed)
	switch algorithm {
	case strict.EdDSA:
		return key.Sign(rand.Reader, signed, crypto.Hash(0))
	case strict.PS256:
		return key.Sign(rand.Reader, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	}
	der, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	var parts struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &parts)
	if err != nil || len(rest) > 0 || parts.R.Sign() < 0 || parts.S.Sign() < 0 || parts.R.BitLen() > 256 || parts.S.BitLen() > 256 {
		return nil, errors.New("the key's signature cannot be read")
	}
	out := make([]byte, 64)
	parts.R.FillBytes(out[:32])
	parts.S.FillBytes(out[32:])
	return out, nil
}
