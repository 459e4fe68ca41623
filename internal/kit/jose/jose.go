// Package jose owns the tokens that Admit signs, and the server's way to read tokens: compact JSON
// Web Signatures (RFC 7515), and compact JSON Web Encryption towards others (RFC 7516).
//
// Two readers, for two kinds of token:
//   - Admit's own profile, Ed25519 only (jose.go): Parse and Sign. It signs by itself, because
//     the header is fixed and small, and reads with package client/verify, the one strict reader
//     of the project (docs/decisions/0002), so that the server can never take a form of token
//     that the client library refuses, or the reverse.
//   - tokens of others, under keys of theirs that are known already (foreign.go): VerifyForeign
//     takes an explicit list of algorithms, and the key decides which of them it may be.
//
// SignAs signs with the algorithms that a client may ask for (sign.go); jwk.go reads public keys and names
// them (RFC 7517, RFC 7638); encrypt.go encrypts to a public key.
//
// What it never does: HMAC, unsecured tokens, RSA below 2048 bits, the JSON serializations, detached
// payloads, decryption, keys fetched from an address that a token brings along.
package jose

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/admit-id/admit/client/verify"
)

// Types of tokens, the header's typ.
const (
	TypeAccess = verify.TypeAccessToken // access tokens (RFC 9068), and service clients' own tokens
	TypeJWT    = "JWT"                  // ID tokens, and service clients' own tokens from some SDKs
)

// MaxToken bounds what Parse reads and Sign makes, in bytes.
const MaxToken = verify.MaxToken

// Token is a compact JWS whose form and header have been checked and whose signature has not.
type Token = verify.Token

// Claims are a token's claims.
type Claims = verify.Claims

// Parse reads the form and the header of a token that came from outside, and believes nothing.
func Parse(compact string) (*Token, error) { return verify.Parse(compact) }

// Sign returns the compact JWS of claims under the key kid. The header is exactly alg, kid
// and typ. Claims is anything that encodes to a JSON object; the object must pass the strict
// reader with its registered claims in place, so that a merge of custom claims can never put
// out a token with a claim twice, or with "SUB" beside "sub", or one that no verifier takes.
func Sign(private ed25519.PrivateKey, kid, typ string, claims any) (string, error) {
	if len(private) != ed25519.PrivateKeySize {
		return "", errors.New("jose: not an Ed25519 private key")
	}
	payload, err := encode(claims)
	if err != nil {
		return "", fmt.Errorf("jose: claims: %w", err)
	}
	header, err := encode(struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
		Typ string `json:"typ"`
	}{verify.Algorithm, kid, typ})
	if err != nil {
		return "", fmt.Errorf("jose: header: %w", err)
	}
	b64 := base64.RawURLEncoding
	out := make([]byte, 0, b64.EncodedLen(len(header))+b64.EncodedLen(len(payload))+b64.EncodedLen(ed25519.SignatureSize)+2)
	out = b64.AppendEncode(out, header)
	out = append(out, '.')
	out = b64.AppendEncode(out, payload)
	signature := ed25519.Sign(private, out)
	out = append(out, '.')
	out = b64.AppendEncode(out, signature)
	compact := string(out)
	t, err := Parse(compact)
	if err != nil {
		return "", fmt.Errorf("jose: refusing to sign: %w", err)
	}
	if _, err := t.InsecureClaims(); err != nil {
		return "", fmt.Errorf("jose: refusing to sign: %w", err)
	}
	return compact, nil
}

// encode is json.Marshal without the escapes that only matter inside HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// reserved are the claims that only Admit itself sets, because Admit or a standard gives them a
// meaning: RFC 7519, RFC 7800, RFC 8417, RFC 8693, RFC 9068, RFC 9396, OpenID Connect Core and
// its logout specifications. Custom claims, templates and upstream data may not.
var reserved = names(`
	iss sub aud exp nbf iat jti azp client_id scope scp cnf act may_act
	amr acr auth_time sid gid nonce at_hash c_hash s_hash sub_jwk sub_id events toe txn
	typ kid alg crit events context data htm htu ath authorization_details
	permissions
	account account_id accountid tenant tenant_id tenantid user_id userid
	email email_verified phone_number phone_number_verified
	name given_name family_name middle_name nickname preferred_username profile picture website
	gender birthdate zoneinfo locale address updated_at
	_claim_names _claim_sources`)

func names(text string) map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Fields(text) {
		out[name] = true
	}
	return out
}

// Reserved tells whether a claim may only be set by Admit. Case does not matter.
func Reserved(claim string) bool { return reserved[strings.ToLower(claim)] }

// aboutPerson are the claims of OpenID Connect Core section 5.1 that are about the person.
var aboutPerson = names(`
	email email_verified phone_number phone_number_verified
	name given_name family_name middle_name nickname preferred_username profile picture website
	gender birthdate zoneinfo locale address updated_at`)

// AboutPerson tells whether a claim is one of the standard ones about a person. Case matters.
func AboutPerson(claim string) bool { return aboutPerson[claim] }

// KeySet is a JSON Web Key Set of public keys (RFC 7517 section 5).
type KeySet struct {
	Keys []Key `json:"keys"`
}

// Key is a public Ed25519 key (RFC 8037 section 2). There is no field for a private part.
type Key struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
	ID        string `json:"kid"`
	X         string `json:"x"`
}

// PublicKey returns the published form of a signing key.
func PublicKey(kid string, key ed25519.PublicKey) Key {
	return Key{"OKP", "Ed25519", verify.Algorithm, "sig", kid, base64.RawURLEncoding.EncodeToString(key)}
}
