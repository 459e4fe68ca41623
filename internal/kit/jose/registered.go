package jose

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/kit/strictjson"
)

// Limits of the registered claims of others.
const (
	maxClaimText = 2048
	maxAudiences = 32
)

// Registered are the registered claims of a foreign token (RFC 7519 section 4.1). A claim that is
// not there is its zero value; which must be there is for the caller to say.
type Registered struct {
	Issuer   string
	Subject  string
	Audience []string
	TokenID  string
	Expires  time.Time
	Issued   time.Time
	Begins   time.Time // nbf
}

// How Registered.ValidAt fails.
var (
	ErrExpired     = errors.New("jose: the token has expired")
	ErrNotYetValid = errors.New("jose: the token is not valid yet")
)

// ReadRegistered reads the registered claims strictly: a claim of another JSON type than the
// standard's, an empty string, or a time that is no number of the years 1970 to 9999 is malformed.
func ReadRegistered(claims []byte) (Registered, error) {
	var raw struct {
		Iss *string         `json:"iss"`
		Sub *string         `json:"sub"`
		Jti *string         `json:"jti"`
		Aud json.RawMessage `json:"aud"`
		Exp *float64        `json:"exp"`
		Iat *float64        `json:"iat"`
		Nbf *float64        `json:"nbf"`
	}
	if err := strictjson.Unmarshal(claims, &raw); err != nil {
		return Registered{}, malformed("the claims are not usable")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(claims, &members); err != nil {
		return Registered{}, malformed("the claims are no object")
	}
	for _, name := range []string{"iss", "sub", "jti", "aud", "exp", "iat", "nbf"} {
		if string(members[name]) == "null" {
			return Registered{}, malformed("a registered claim is null")
		}
	}
	var out Registered
	for _, c := range []struct {
		from *string
		to   *string
	}{{raw.Iss, &out.Issuer}, {raw.Sub, &out.Subject}, {raw.Jti, &out.TokenID}} {
		if c.from == nil {
			continue
		}
		if *c.to = *c.from; *c.to == "" || len(*c.to) > maxClaimText {
			return Registered{}, malformed("a claim is empty or too long")
		}
	}
	for _, c := range []struct {
		from *float64
		to   *time.Time
	}{{raw.Exp, &out.Expires}, {raw.Iat, &out.Issued}, {raw.Nbf, &out.Begins}} {
		if c.from == nil {
			continue
		}
		if *c.from <= 0 || *c.from > 253402300799 {
			return Registered{}, malformed("a claim is no usable time")
		}
		whole, part := math.Modf(*c.from)
		*c.to = time.Unix(int64(whole), int64(part*1e9)).UTC()
	}
	var err error
	out.Audience, err = audiences(raw.Aud)
	return out, err
}

func audiences(value json.RawMessage) ([]string, error) {
	if value == nil {
		return nil, nil
	}
	var one string
	if json.Unmarshal(value, &one) == nil {
		if one == "" || len(one) > maxClaimText {
			return nil, malformed("aud is empty or too long")
		}
		return []string{one}, nil
	}
	var some []*string
	if json.Unmarshal(value, &some) != nil || len(some) == 0 || len(some) > maxAudiences {
		return nil, malformed("aud is neither a string nor a list of 1 to 32 strings")
	}
	out := make([]string, len(some))
	for i, s := range some {
		if s == nil || *s == "" || len(*s) > maxClaimText {
			return nil, malformed("aud is empty or too long")
		}
		out[i] = *s
	}
	return out, nil
}

// HasAudience tells whether aud names exactly that audience.
func (r Registered) HasAudience(audience string) bool { return slices.Contains(r.Audience, audience) }

// ValidAt checks exp, nbf and iat at a moment; a claim that is not there is not checked. Leeway
// is how far the clocks may differ, in both directions. It fails with ErrExpired or ErrNotYetValid.
func (r Registered) ValidAt(now time.Time, leeway time.Duration) error {
	if !r.Expires.IsZero() && !now.Before(r.Expires.Add(leeway)) {
		return ErrExpired
	}
	if limit := now.Add(leeway); r.Begins.After(limit) || r.Issued.After(limit) {
		return ErrNotYetValid
	}
	return nil
}
