package keyring

import (
	"crypto/ed25519"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

// Use is what a key signs. Sets of different uses are published apart, because SDKs check
// neither `typ` nor `aud`: an ID token must not verify under the access-token set.
type Use string

// The uses.
const (
	Access Use = "access" // access tokens
	ID     Use = "id"     // ID tokens
)

// Uses are all uses.
var Uses = []Use{Access, ID}

const (
	// MaxTokenLife is how long the longest-lived token is valid.
	MaxTokenLife = 24 * time.Hour
	// Margin covers clocks that differ, and a node that has not yet heard of a schedule.
	Margin = 5 * time.Minute
	// Propagation is the least time between making a key and signing with it: twice the
	// bound within which every node has heard of a change.
	Propagation = 2 * time.Second
	// DefaultAfter is how long after a rotation by command the new key begins to sign.
	DefaultAfter = 10 * time.Minute
	// MaxAge is how long a key signs before it is rotated.
	MaxAge = 90 * 24 * time.Hour
	// Lead is how long a key that is made because of age is published before it signs.
	Lead = 24 * time.Hour
)

// Key is one signing key's public half and its life. The algorithm is EdDSA (Ed25519).
type Key struct {
	Account    ident.AccountID
	Use        Use
	Generation int64 // 1, 2, 3 ... within account and use; unique, so that two rotations at once make one key
	KID        ident.KeyID
	Public     ed25519.PublicKey
	CreatedAt  time.Time
	SignFrom   time.Time
	SignUntil  time.Time // zero while no successor is planned
}

// PublishedUntil is when the last token that the key may have signed has expired. It is
// zero while no successor is planned.
func (k Key) PublishedUntil() time.Time {
	if k.SignUntil.IsZero() {
		return time.Time{}
	}
	return k.SignUntil.Add(MaxTokenLife + Margin)
}

// Published tells whether verifiers should know the key at a time.
func (k Key) Published(now time.Time) bool {
	until := k.PublishedUntil()
	return until.IsZero() || now.Before(until)
}

// Pending tells whether the key has not begun to sign.
func (k Key) Pending(now time.Time) bool { return now.Before(k.SignFrom) }

// signing returns the index of the key that signs at a time: the one that began last. When
// none has begun (clocks differ), it is the one that begins first; -1 when there is no key.
func signing(keys []Key, now time.Time) int {
	best := -1
	for i, k := range keys {
		switch {
		case best < 0:
			best = i
		case keys[best].Pending(now):
			if k.SignFrom.Before(keys[best].SignFrom) {
				best = i
			}
		case !k.Pending(now) && k.SignFrom.After(keys[best].SignFrom):
			best = i
		}
	}
	return best
}
