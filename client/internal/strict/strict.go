// Package strict owns the reading that packages verify and dpop share: JSON without two meanings,
// canonical base64url, public keys and their signatures. What it accepts has one reading only.
package strict

import (
	"encoding/base64"
	"errors"
)

var base64url = base64.RawURLEncoding.Strict()

// Segment decodes canonical base64url without padding (RFC 7515 section 2). The alphabet is
// checked first because Go's decoder skips line ends.
func Segment(segment string) ([]byte, error) {
	for i := range len(segment) {
		c := segment[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return nil, errors.New("not base64url")
		}
	}
	out, err := base64url.DecodeString(segment)
	if err != nil {
		return nil, errors.New("not canonical base64url")
	}
	return out, nil
}

// Encode is the opposite of Segment.
func Encode(b []byte) string { return base64url.EncodeToString(b) }
