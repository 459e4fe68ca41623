// Package secret owns bearer artifacts: how they are made, how they are kept from
// logs, and how they are hashed for storage (I-3, I-26).
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log/slog"
)

// Mask is what a secret shows when it is printed, logged or encoded.
const Mask = "[secret]"

// Text is a secret string. Printing, formatting, logging and JSON encoding show Mask.
type Text struct{ value string }

// New wraps a secret that came from outside.
func New(value string) Text { return Text{value} }

// Reveal returns the secret itself. Every call is a place to review.
func (t Text) Reveal() string { return t.value }

// Empty tells whether there is no secret.
func (t Text) Empty() bool { return t.value == "" }

func (t Text) String() string               { return Mask }
func (t Text) GoString() string             { return Mask }
func (t Text) Format(f fmt.State, _ rune)   { f.Write([]byte(Mask)) }
func (t Text) MarshalJSON() ([]byte, error) { return []byte(`"` + Mask + `"`), nil }
func (t Text) MarshalText() ([]byte, error) { return []byte(Mask), nil }
func (t Text) LogValue() slog.Value         { return slog.StringValue(Mask) }

// UnmarshalText takes a secret from a configuration file or the environment.
func (t *Text) UnmarshalText(b []byte) error { t.value = string(b); return nil }

// Random returns a new secret: prefix and 256 random bits in base64url (43 characters).
func Random(prefix string) Text {
	return Text{prefix + base64.RawURLEncoding.EncodeToString(Bytes(32))}
}

// Bytes returns n random bytes.
func Bytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails; see crypto/rand
	return b
}

// Digits returns a random number of n decimal digits (at most 9), each number equally likely.
func Digits(n int) string {
	limit := uint32(1)
	for range n {
		limit *= 10
	}
	ceiling := (1 << 32) / uint64(limit) * uint64(limit)
	for {
		v := uint64(binary.BigEndian.Uint32(Bytes(4)))
		if v < ceiling {
			return fmt.Sprintf("%0*d", n, v%uint64(limit))
		}
	}
}

// Hash is what a store keeps of a secret: SHA-256 over the length-prefixed purpose and the value.
// A hash made for one purpose never matches another's.
func Hash(purpose, value string) []byte {
	h := sha256.New()
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(purpose)))
	h.Write(n[:])
	h.Write([]byte(purpose))
	h.Write([]byte(value))
	return h.Sum(nil)
}

// Equal compares two hashes or MACs in constant time.
func Equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
