package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/document"
	"github.com/admit-id/admit/internal/kit/secret"
)

const (
	maxToken = 64 << 10         // bytes of an ID token
	leeway   = 10 * time.Second // for clocks that differ
	maxAge   = 10 * time.Minute // since the ID token was issued: it comes straight from the provider
)

// headerMembers are the members that an ID token's header may have (I-18). x5t and x5t#S256
// name a certificate; they are not looked at.
var headerMembers = []string{"alg", "kid", "typ", "x5t", "x5t#S256"}

// verification is the check of one ID token.
type verification struct {
	connection  connection.Connection
	metadata    *metadata
	provider    *provider
	nonce       secret.Text
	accessToken string
	now         time.Time
}

// verify returns the claims of an ID token that passes every check of OpenID Connect Core 1.0
// section 3.1.3.7, or the first reason why not.
func (v *verification) verify(ctx context.Context, raw string) (document.Object, error) {
	algorithm, kid, err := v.header(raw)
	if err != nil {
		return nil, err
	}
	k, err := v.provider.key(ctx, v.metadata, kid, algorithm)
	if err != nil {
		return nil, err
	}
	payload := &signedPayload{algorithm: jose.SignatureAlgorithm(algorithm), key: k.public}
	_, err = gooidc.NewVerifier(v.connection.IssuerURL, payload, &gooidc.Config{
		ClientID:             v.connection.ClientID,
		SupportedSigningAlgs: []string{algorithm},
		SkipIssuerCheck:      true, // ours is exact and knows directories
		Now:                  func() time.Time { return v.now.Add(-leeway) },
	}).Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("the ID token: %w", err)
	}
	// What the library has read is read again strictly, from the same verified bytes.
	claims, err := document.Parse(payload.bytes)
	if err != nil {
		return nil, fmt.Errorf("the ID token's claims: %w", err)
	}
	for _, check := range []func(document.Object, key) error{v.issuer, v.audience, v.times, v.bindings} {
		if err := check(claims, k); err != nil {
			return nil, err
		}
	}
	return claims, v.accessTokenHash(claims, algorithm)
}

// header reads the header before anything else is done with the token: only compact JWS with
// an accepted algorithm and known members goes on.
func (v *verification) header(raw string) (algorithm, kid string, err error) {
	header, err := readHeader(raw, maxToken)
	if err != nil {
		return "", "", err
	}
	if typ := header.String("typ"); header.Has("typ") && !strings.EqualFold(typ, "JWT") {
		return "", "", errors.New("the token is of another type than an ID token")
	}
	algorithm = header.String("alg")
	if !slices.Contains(v.metadata.algorithms, algorithm) {
		return "", "", errors.New("the ID token's algorithm is not accepted from this provider")
	}
	return algorithm, header.String("kid"), nil
}

// readHeader returns the header of a token in compact form, which has known members only.
func readHeader(raw string, limit int) (document.Object, error) {
	if raw == "" || len(raw) > limit || strings.Count(raw, ".") != 2 {
		return nil, errors.New("this is no token in compact form")
	}
	strict := base64.RawURLEncoding.Strict()
	var header document.Object
	for i, p := range strings.Split(raw, ".") {
		b, err := strict.DecodeString(p)
		if err != nil || len(b) == 0 || strings.ContainsAny(p, "\r\n") {
			return nil, errors.New("the token is not base64url")
		}
		if i > 0 {
			continue
		}
		if header, err = document.Parse(b); err != nil {
			return nil, fmt.Errorf("the token's header: %w", err)
		}
	}
	for name, value := range header {
		if _, isText := value.(string); !isText || !slices.Contains(headerMembers, name) {
			return nil, fmt.Errorf("the token's header has the member %q", connection.PlainText(name, 32))
		}
	}
	return header, nil
}

func (v *verification) issuer(claims document.Object, k key) error {
	iss := claims.String("iss")
	if !v.connection.ManyDirectories() {
		if iss == "" || iss != v.connection.IssuerURL {
			return errors.New("the ID token is another issuer's")
		}
		return nil
	}
	directory := claims.String("tid")
	if !v.connection.AllowsDirectory(directory) || iss != v.connection.IssuerOf(directory) {
		return errors.New("the ID token is of a directory that may not sign in")
	}
	if k.issuer != "" && strings.Replace(k.issuer, "{tenantid}", directory, 1) != iss {
		return errors.New("the ID token is signed with a key of another directory")
	}
	return nil
}

func (v *verification) audience(claims document.Object, _ key) error {
	audience, ok := claims.Strings("aud")
	if !ok || len(audience) == 0 {
		return errors.New("the ID token has no audience")
	}
	if claims.Has("azp") && claims.String("azp") != v.connection.ClientID {
		return errors.New("the ID token was issued to another client")
	}
	for _, a := range audience {
		if a == v.connection.ClientID && (len(audience) == 1 || claims.Has("azp")) {
			return nil
		}
	}
	return errors.New("the ID token is for another client, or for several without azp")
}

func (v *verification) times(claims document.Object, _ key) error {
	expiry, ok := claims.Time("exp")
	if !ok || !v.now.Before(expiry.Add(leeway)) {
		return errors.New("the ID token has expired, or does not say when it does")
	}
	issued, ok := claims.Time("iat")
	if !ok || issued.After(v.now.Add(leeway)) || issued.Before(v.now.Add(-maxAge)) {
		return errors.New("the ID token was not issued just now")
	}
	if claims.Has("nbf") {
		if t, ok := claims.Time("nbf"); !ok || t.After(v.now.Add(leeway)) {
			return errors.New("the ID token is not valid yet")
		}
	}
	return nil
}

// bindings ties the token to this trip and to one person.
func (v *verification) bindings(claims document.Object, _ key) error {
	if v.nonce.Empty() || !equal(claims.String("nonce"), v.nonce) {
		return errors.New("the ID token is not for this sign-in: nonce")
	}
	if sub := claims.String("sub"); sub == "" || len(sub) > connection.MaxSubject {
		return errors.New("the ID token names nobody: sub")
	}
	return nil
}

// accessTokenHash checks at_hash when it is there (OpenID Connect Core 1.0 section 3.1.3.6).
func (v *verification) accessTokenHash(claims document.Object, algorithm string) error {
	if !claims.Has("at_hash") {
		return nil
	}
	var half []byte
	switch algorithm {
	case "ES384":
		sum := sha512.Sum384([]byte(v.accessToken))
		half = sum[:24]
	case "EdDSA":
		sum := sha512.Sum512([]byte(v.accessToken))
		half = sum[:32]
	default:
		sum := sha256.Sum256([]byte(v.accessToken))
		half = sum[:16]
	}
	if !equal(claims.String("at_hash"), secret.New(base64.RawURLEncoding.EncodeToString(half))) {
		return errors.New("the access token is not the one of the ID token: at_hash")
	}
	return nil
}

// signedPayload verifies with the one key that was chosen, and keeps the verified bytes.
type signedPayload struct {
	algorithm jose.SignatureAlgorithm
	key       any
	bytes     []byte
}

// VerifySignature implements the library's KeySet.
func (s *signedPayload) VerifySignature(_ context.Context, raw string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{s.algorithm})
	if err != nil {
		return nil, err
	}
	s.bytes, err = jws.Verify(s.key)
	return s.bytes, err
}
