package client

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Credentials give the bearer token for a request to the server at baseURL.
type Credentials interface {
	Token(ctx context.Context, baseURL string) (string, error)
}

// Token is a bearer token that somebody else has made, for example a person's access token.
// It prints as a mask.
type Token string

// Token returns the token itself.
func (t Token) Token(context.Context, string) (string, error) { return string(t), nil }

// String hides the token.
func (t Token) String() string { return "[secret]" }

// GoString hides the token.
func (t Token) GoString() string { return "[secret]" }

const (
	keyTokenLife  = time.Hour        // how long a token made from an access key is valid
	keyTokenSpare = 10 * time.Minute // a token is renewed when it has less left than this
)

// AccessKey is a service client's key. It makes its own tokens, signed with the key, and
// uses each for most of an hour; the key itself is never sent. It is safe for concurrent use.
type AccessKey struct {
	clientID, keyID, accountID string
	private                    ed25519.PrivateKey
	now                        func() time.Time

	mu   sync.Mutex
	made map[string]keyToken // by base URL, the token's issuer
}

type keyToken struct {
	text    string
	expires time.Time
}

// pkcs8 is how the DER of every Ed25519 private key begins (RFC 8410 section 7); the 32
// bytes of the seed follow.
var pkcs8 = []byte{0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20}

// ParseAccessKey reads an access key as Admit shows it once:
// client id, key id, account id and the private key (PKCS #8, base64), joined by dots.
// The error never holds any part of the key.
func ParseAccessKey(text string) (*AccessKey, error) {
	parts := strings.Split(strings.TrimSpace(text), ".")
	if len(parts) != 4 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return nil, errors.New("client: an access key has four parts joined by dots")
	}
	der, err := base64.StdEncoding.Strict().DecodeString(parts[3])
	if err != nil || len(der) != len(pkcs8)+ed25519.SeedSize || !bytes.HasPrefix(der, pkcs8) {
		return nil, errors.New("client: the access key's last part is not an Ed25519 private key")
	}
	return &AccessKey{
		clientID: parts[0], keyID: parts[1], accountID: parts[2],
		private: ed25519.NewKeyFromSeed(der[len(pkcs8):]),
		now:     time.Now,
		made:    map[string]keyToken{},
	}, nil
}

// ClientID returns the service client whose key it is.
func (k *AccessKey) ClientID() string { return k.clientID }

// AccountID returns the account that the service client belongs to.
func (k *AccessKey) AccountID() string { return k.accountID }

// String names the key without its secret.
func (k *AccessKey) String() string {
	return k.clientID + "." + k.keyID + "." + k.accountID + ".[secret]"
}

// GoString names the key without its secret.
func (k *AccessKey) GoString() string { return k.String() }

// Token returns a signed token for the server at baseURL, which is also the base of its
// issuer.
func (k *AccessKey) Token(_ context.Context, baseURL string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if t, ok := k.made[baseURL]; ok && now.Add(keyTokenSpare).Before(t.expires) {
		return t.text, nil
	}
	t := keyToken{expires: now.Add(keyTokenLife)}
	var err error
	if t.text, err = k.sign(baseURL, now, t.expires); err != nil {
		return "", err
	}
	if len(k.made) >= 16 { // more servers than anybody has; start over
		clear(k.made)
	}
	k.made[baseURL] = t
	return t.text, nil
}

const assertionLife = time.Minute

// Assertion returns a client assertion (private_key_jwt, RFC 7523) for one request to an authorization
// server: audience is its issuer. See Assertion of package oauth.
func (k *AccessKey) Assertion(audience string) (string, error) {
	now := k.now()
	return k.signed("client-authentication+jwt", map[string]any{
		"iss": k.clientID, "sub": k.clientID, "aud": audience, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
}

func (k *AccessKey) sign(baseURL string, now, expires time.Time) (string, error) {
	return k.signed("at+jwt", map[string]any{
		"iss":       baseURL + "/v1/clients/" + escape(k.clientID),
		"sub":       k.clientID,
		"client_id": k.clientID,
		"aud":       k.accountID + ".accounts.authress.io", // the name that the protocol gives the API
		"iat":       now.Unix(),
		"exp":       expires.Unix(),
		"scope":     "openid",
	})
}

func (k *AccessKey) signed(kind string, said map[string]any) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": "EdDSA", "kid": k.keyID, "typ": kind})
	if err != nil {
		return "", fmt.Errorf("client: %w", err)
	}
	claims, err := json.Marshal(said)
	if err != nil {
		return "", fmt.Errorf("client: %w", err)
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString(header) + "." + b64.EncodeToString(claims)
	return text + "." + b64.EncodeToString(ed25519.Sign(k.private, []byte(text))), nil
}
