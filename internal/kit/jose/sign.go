package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/admit-id/admit/internal/kit/strictjson"
)

// More types of tokens that Admit signs, the header's typ.
const (
	TypeLogout        = "logout+jwt"              // OpenID Connect Back-Channel Logout 1.0 section 2.4
	TypeIntrospection = "token-introspection+jwt" // RFC 9701 section 5
	TypeAuthorization = "oauth-authz-resp+jwt"    // JARM; the specification names none
	TypeProof         = "dpop+jwt"                // RFC 9449 section 4.2
	TypeRequest       = "oauth-authz-req+jwt"     // RFC 9101 section 10.8
	TypeClient        = "client-authentication+jwt"
)

// MaxSigned bounds the tokens that SignAs makes, in bytes.
const MaxSigned = 16 << 10

// SignAs returns the compact JWS of claims under one of Algorithms, which the key must fit. The header is
// exactly alg, kid and typ. Claims is anything that encodes to a JSON object; it must be free
// of ambiguities, so that a merge of claims can never put out one twice. Unlike Sign it asks for
// no particular claims: a signed answer is not a bearer.
func SignAs(alg string, key crypto.Signer, kid, typ string, claims any) (string, error) {
	if !Fits(alg, key) {
		return "", errors.New("jose: the key does not fit the algorithm")
	}
	if !visible(kid, 128) || !visible(typ, 128) {
		return "", errors.New("jose: no usable kid or typ")
	}
	payload, err := encode(claims)
	if err != nil {
		return "", fmt.Errorf("jose: claims: %w", err)
	}
	if err := checkObject(payload); err != nil {
		return "", fmt.Errorf("jose: refusing to sign: %w", err)
	}
	header, err := encode(struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
		Typ string `json:"typ"`
	}{alg, kid, typ})
	if err != nil {
		return "", fmt.Errorf("jose: header: %w", err)
	}
	b64 := base64.RawURLEncoding
	out := make([]byte, 0, b64.EncodedLen(len(header))+b64.EncodedLen(len(payload))+360)
	out = b64.AppendEncode(out, header)
	out = append(out, '.')
	out = b64.AppendEncode(out, payload)
	signature, err := rawSignature(alg, key, string(out))
	if err != nil {
		return "", fmt.Errorf("jose: %w", err)
	}
	out = append(out, '.')
	out = b64.AppendEncode(out, signature)
	if len(out) > MaxSigned {
		return "", errors.New("jose: refusing to sign: the token would be too long")
	}
	return string(out), nil
}

// checkObject makes sure that data is one JSON object without ambiguities.
func checkObject(data []byte) error {
	if err := strictjson.Check(data, (*any)(nil)); err != nil {
		return err
	}
	if bytes.TrimLeft(data, " \t\r\n")[0] != '{' {
		return errors.New("it is no JSON object")
	}
	return nil
}

func rawSignature(alg string, key crypto.Signer, signed string) ([]byte, error) {
	a := algorithms[alg]
	switch k := key.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(k, []byte(signed)), nil
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(random{}, k, a.digest(signed))
		if err != nil {
			return nil, err
		}
		size := (a.curve.Params().BitSize + 7) / 8
		out := make([]byte, 2*size)
		r.FillBytes(out[:size])
		s.FillBytes(out[size:])
		return out, nil
	case *rsa.PrivateKey:
		if alg == PS256 {
			return rsa.SignPSS(random{}, k, a.hash, a.digest(signed), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		return rsa.SignPKCS1v15(nil, k, a.hash, a.digest(signed))
	}
	return nil, errors.New("a private key of a kind that cannot sign here")
}

// visible tells whether s has 1 to limit characters, all of visible ASCII.
func visible(s string, limit int) bool {
	for i := range len(s) {
		if s[i] <= 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return s != "" && len(s) <= limit
}
