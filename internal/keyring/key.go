package keyring

import (
	"crypto"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
)

// Use is what a key signs, and by which algorithm: "access" and "id" by EdDSA, "access/RS256" and
// the like by the others, "static/EdDSA" for the account's static key of an algorithm. Each use
// has keys and generations of its own.
//
// Sets of access and ID keys are published apart, because SDKs check neither `typ` nor `aud`: an
// ID token must not verify under the access-token set. The complete set is for verifiers that check both.
type Use string

// The uses that every account has from the start. Others are made when a client first needs them.
const (
	Access Use = "access" // access tokens
	ID     Use = "id"     // ID tokens, and signed answers to clients
)

// static begins the uses of static keys. A static key signs access and ID tokens; it is published
// in the complete set only, whose readers tell tokens apart by their `typ`.
const static = "static"

// Uses are the uses that every account has from the start.
var Uses = []Use{Access, ID}

// With returns the use of the same kind by another algorithm; empty is EdDSA.
func (u Use) With(alg string) Use {
	if alg == "" || alg == jose.EdDSA {
		return u.Kind()
	}
	return u.Kind() + "/" + Use(alg)
}

// StaticUse is the use of the static key of an algorithm; empty is EdDSA.
func StaticUse(alg string) Use {
	if alg == "" {
		alg = jose.EdDSA
	}
	return static + "/" + Use(alg)
}

// Kind is the use without its algorithm: Access, ID, or "static".
func (u Use) Kind() Use {
	kind, _, _ := strings.Cut(string(u), "/")
	return Use(kind)
}

// Alg is the algorithm by which keys of the use sign.
func (u Use) Alg() string {
	if _, alg, ok := strings.Cut(string(u), "/"); ok {
		return alg
	}
	return jose.EdDSA
}

// Static tells whether it is the use of a static key.
func (u Use) Static() bool { return u.Kind() == static }

// Valid tells whether there can be keys of the use. Each has one spelling.
func (u Use) Valid() bool {
	if !slices.Contains(jose.Algorithms(), u.Alg()) {
		return false
	}
	return u == Access.With(u.Alg()) || u == ID.With(u.Alg()) || u == StaticUse(u.Alg())
}

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
	// MaxPublished is how many keys of an account can be published at one time. Beyond it nothing is
	// rotated, because readers of key sets have limits too.
	MaxPublished = 200
	// Lead is how long a key that is made because of age is published before it signs.
	Lead = 24 * time.Hour
)

// Key is one signing key's public half and its life. The algorithm is that of its use.
type Key struct {
	Account    ident.AccountID
	Use        Use
	Generation int64 // 1, 2, 3 ... within account and use; unique, so that two rotations at once make one key
	KID        ident.KeyID
	Public     crypto.PublicKey // ed25519.PublicKey, *ecdsa.PublicKey or *rsa.PublicKey
	CreatedAt  time.Time
	SignFrom   time.Time
	SignUntil  time.Time // zero while no successor is planned
	Withdrawn  time.Time // zero, or when an operator took it out of use
}

// PublishedUntil is when the last token that the key may have signed has expired. It is
// zero while no successor is planned.
func (k Key) PublishedUntil() time.Time {
	if k.SignUntil.IsZero() {
		return time.Time{}
	}
	return k.SignUntil.Add(MaxTokenLife + Margin)
}

// Published tells whether verifiers should know the key at a time. A withdrawn key is never published.
func (k Key) Published(now time.Time) bool {
	if !k.Withdrawn.IsZero() {
		return false
	}
	until := k.PublishedUntil()
	return until.IsZero() || now.Before(until)
}

// JWK returns the published form of the key.
func (k Key) JWK() jose.PublicJWK {
	return jose.PublicJWK{KeyID: string(k.KID), Use: "sig", Algorithm: k.Use.Alg(), Key: k.Public}
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
