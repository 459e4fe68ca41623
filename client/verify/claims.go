package verify

import (
	"crypto/ed25519"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/client/internal/strict"
)

// Limits of the registered claims.
const (
	maxText     = 2048
	maxSubject  = 256
	maxAudience = 32
	maxTime     = 253402300799 // 9999-12-31T23:59:59Z, in seconds
)

// Claims are what a token says. The registered ones (RFC 7519 section 4.1, RFC 9068
// section 2.2) are fields; Decode reads the rest.
type Claims struct {
	Issuer   string   // iss, never empty
	Subject  string   // sub, never empty: the user's id
	Audience []string // aud, at least one, in the token's order

	ExpiresAt time.Time // exp, never zero
	IssuedAt  time.Time // iat, zero if absent
	NotBefore time.Time // nbf, zero if absent

	TokenID         string // jti
	ClientID        string // client_id: the application
	AuthorizedParty string // azp: the connection by which the person signed in
	SessionID       string // sid: the session that ends with a logout
	Scope           string // scope, space-separated; what the holder may ask for, never what the person may do

	Confirmation Confirmation // cnf: what the token is bound to
	GrantID      string       // gid: the family of tokens, which ends as a whole
	ACR          string       // acr: how well the person has signed in
	AuthTime     time.Time    // auth_time: when the person has signed in, zero if absent
	Actor        *Actor       // act: who acts for the subject, nil if nobody does

	KeyID string // the header's kid: the key that has signed it

	raw []byte
}

// Claims checks the signature with key and then reads the claims. It does not look at
// issuer, audience or time. Errors match ErrSignature or ErrMalformed.
func (t *Token) Claims(key ed25519.PublicKey) (Claims, error) {
	if err := t.VerifySignature(key); err != nil {
		return Claims{}, err
	}
	return t.InsecureClaims()
}

// claims does that for a key of any kind.
func (t *Token) claims(key *strict.Key) (Claims, error) {
	if !key.Verify(t.algorithm, []byte(t.signed), t.signature) {
		return Claims{}, ErrSignature
	}
	return t.InsecureClaims()
}

// InsecureClaims reads the claims of a token whose signature has not been checked. They are
// what an unknown party says. Use them only to find the key, then call Claims.
func (t *Token) InsecureClaims() (Claims, error) {
	members, err := strict.Object(t.payload)
	if err != nil {
		return Claims{}, malformed("claims: %w", err)
	}
	c := Claims{KeyID: t.keyID, raw: t.payload}
	for _, m := range members {
		if err := c.set(m); err != nil {
			return Claims{}, err
		}
	}
	switch {
	case c.Issuer == "":
		return Claims{}, malformed("claims: no iss")
	case c.Subject == "":
		return Claims{}, malformed("claims: no sub")
	case len(c.Audience) == 0:
		return Claims{}, malformed("claims: no aud")
	case c.ExpiresAt.IsZero():
		return Claims{}, malformed("claims: no exp")
	}
	return c, nil
}

func (c *Claims) set(m strict.Member) (err error) {
	switch m.Name {
	case "iss":
		c.Issuer, err = text(m, maxText)
	case "sub":
		c.Subject, err = text(m, maxSubject)
	case "aud":
		c.Audience, err = audience(m)
	case "exp":
		c.ExpiresAt, err = numericDate(m)
	case "iat":
		c.IssuedAt, err = numericDate(m)
	case "nbf":
		c.NotBefore, err = numericDate(m)
	case "jti":
		c.TokenID, err = text(m, maxText)
	case "client_id":
		c.ClientID, err = text(m, maxText)
	case "azp":
		c.AuthorizedParty, err = text(m, maxText)
	case "sid":
		c.SessionID, err = text(m, maxText)
	case "scope":
		c.Scope, err = optionalText(m, maxText)
	case "cnf":
		c.Confirmation, err = confirmation(m)
	case "gid":
		c.GrantID, err = text(m, maxText)
	case "acr":
		c.ACR, err = text(m, maxACR)
	case "auth_time":
		c.AuthTime, err = numericDate(m)
	case "act":
		c.Actor, err = acting(m.Value)
	}
	return err
}

// Decode reads the token's claims into v by the rules of encoding/json, which takes names
// that differ in case for the same. No two names of one object do: such tokens are refused.
func (c Claims) Decode(v any) error { return json.Unmarshal(c.raw, v) }

// HasAudience tells whether aud names exactly that audience.
func (c Claims) HasAudience(audience string) bool { return slices.Contains(c.Audience, audience) }

// HasScope tells whether scope names exactly that one.
func (c Claims) HasScope(scope string) bool { return slices.Contains(strings.Fields(c.Scope), scope) }

// ValidAt checks exp, nbf and iat at a moment. Past is how long after exp the token is
// still taken, future how far nbf and iat may lie ahead; both allow for clocks that differ.
// Errors match ErrExpired or ErrNotYetValid.
func (c Claims) ValidAt(now time.Time, past, future time.Duration) error {
	if !now.Before(c.ExpiresAt.Add(past)) {
		return ErrExpired
	}
	limit := now.Add(future)
	if c.NotBefore.After(limit) || c.IssuedAt.After(limit) {
		return ErrNotYetValid
	}
	return nil
}

func text(m strict.Member, limit int) (string, error) {
	s, err := optionalText(m, limit)
	if err == nil && s == "" {
		return "", malformed("claims: %s is empty", m.Name)
	}
	return s, err
}

func optionalText(m strict.Member, limit int) (string, error) {
	s, err := strict.String(m.Value)
	if err != nil || len(s) > limit {
		return "", malformed("claims: %s is not a string of at most %d bytes", m.Name, limit)
	}
	return s, nil
}

// audience reads aud: one string or an array of them (RFC 7519 section 4.1.3).
func audience(m strict.Member) ([]string, error) {
	if s, err := strict.String(m.Value); err == nil {
		if s == "" || len(s) > maxText {
			return nil, malformed("claims: aud is empty or too long")
		}
		return []string{s}, nil
	}
	items, err := strict.Array(m.Value)
	if err != nil || len(items) == 0 || len(items) > maxAudience {
		return nil, malformed("claims: aud is neither a string nor a list of 1 to %d strings", maxAudience)
	}
	out := make([]string, len(items))
	for i, item := range items {
		if out[i], err = text(strict.Member{Name: "aud", Value: item}, maxText); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// numericDate reads a time in whole seconds since 1970. RFC 7519 section 2 allows fractions;
// nobody whom Admit has to read sends them, and one form leaves one meaning.
func numericDate(m strict.Member) (time.Time, error) {
	if len(m.Value) > len("253402300799") {
		return time.Time{}, malformed("claims: %s is not a time in whole seconds", m.Name)
	}
	n, err := strconv.ParseInt(string(m.Value), 10, 64)
	if err != nil || n <= 0 || n > maxTime {
		return time.Time{}, malformed("claims: %s is not a time in whole seconds", m.Name)
	}
	return time.Unix(n, 0).UTC(), nil
}
