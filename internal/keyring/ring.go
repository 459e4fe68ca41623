package keyring

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Signer is a key that signs now.
type Signer struct {
	KID     ident.KeyID
	Alg     string
	Private crypto.Signer // for EdDSA an ed25519.PrivateKey
}

// Format masks the private half wherever a Signer is printed.
func (s Signer) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "{%s %s}", string(s.KID), secret.Mask)
}

// PublicKey is a published EdDSA key.
type PublicKey struct {
	KID ident.KeyID
	Key ed25519.PublicKey
}

// Ring answers from memory which key signs and which keys verify. It follows the change
// feed (subscribe it to ChangeKind). Reading takes no lock.
type Ring struct {
	store    Store
	keys     *crypt.Keys
	clock    clock.Clock
	snapshot atomic.Pointer[map[ident.AccountID]*Set]
}

// Set is what one account has. It never changes after it was built, so that two equal
// pointers mean equal keys; what it answers depends on the time alone.
type Set struct {
	byUse map[Use]*bundle
}

type bundle struct {
	keys     []Key
	privates []crypto.Signer // nil where destroyed
}

// NewRing makes an empty ring; the feed's follower fills it.
func NewRing(store Store, keys *crypt.Keys, clk clock.Clock) *Ring {
	r := &Ring{store: store, keys: keys, clock: clk}
	r.snapshot.Store(&map[ident.AccountID]*Set{})
	return r
}

// Set returns the keys of an account, nil when there are none.
func (r *Ring) Set(account ident.AccountID) *Set { return (*r.snapshot.Load())[account] }

// Signer returns the key that signs now for an account and use. It fails with Unavailable
// when this node has none.
func (r *Ring) Signer(account ident.AccountID, use Use) (Signer, error) {
	if s := r.Set(account); s != nil {
		if b := s.byUse[use]; b != nil {
			if i := signing(b.keys, r.clock.Now()); i >= 0 && b.privates[i] != nil {
				return Signer{b.keys[i].KID, use.Alg(), b.privates[i]}, nil
			}
		}
	}
	return Signer{}, fault.Newf(fault.Unavailable, fault.CodeUnavailable, "There is no key to sign with. Try again in a moment.").
		With(fmt.Errorf("keyring: no %s key signs for account %q", use, account))
}

// Key returns the public half of an EdDSA key of a use that is published now.
func (r *Ring) Key(account ident.AccountID, use Use, kid ident.KeyID) (ed25519.PublicKey, bool) {
	s := r.Set(account)
	if s == nil || s.byUse[use] == nil {
		return nil, false
	}
	for i := range s.byUse[use].keys {
		if k := &s.byUse[use].keys[i]; k.KID == kid {
			public, ok := k.Public.(ed25519.PublicKey)
			return public, ok && k.Published(r.clock.Now())
		}
	}
	return nil, false
}

// Find returns a key of any use that is published now.
func (r *Ring) Find(account ident.AccountID, kid ident.KeyID) (Key, bool) {
	s := r.Set(account)
	if s == nil {
		return Key{}, false
	}
	for _, b := range s.byUse {
		for i := range b.keys {
			if b.keys[i].KID == kid {
				return b.keys[i], b.keys[i].Published(r.clock.Now())
			}
		}
	}
	return Key{}, false
}

// AccessKey is Key for access tokens.
func (r *Ring) AccessKey(account ident.AccountID, kid ident.KeyID) (ed25519.PublicKey, bool) {
	return r.Key(account, Access, kid)
}

// Public returns the EdDSA keys of an account and use that are published now, oldest first.
func (r *Ring) Public(account ident.AccountID, use Use) []PublicKey {
	s := r.Set(account)
	if s == nil {
		return nil
	}
	keys, _ := s.Public(use, r.clock.Now())
	return keys
}

// Public returns the EdDSA keys of a use that are published at a time, oldest first, and when
// that answer changes by the clock alone (the zero time: never).
func (s *Set) Public(use Use, now time.Time) (keys []PublicKey, until time.Time) {
	if s.byUse[use] == nil {
		return nil, until
	}
	for _, k := range s.byUse[use].keys {
		public, ok := k.Public.(ed25519.PublicKey)
		if !ok || !k.Published(now) {
			continue
		}
		keys = append(keys, PublicKey{k.KID, public})
		if end := k.PublishedUntil(); !end.IsZero() && (until.IsZero() || end.Before(until)) {
			until = end
		}
	}
	return keys, until
}

// All returns the keys of all uses that are published at a time, use by use and oldest first, and
// when that answer changes by the clock alone (the zero time: never).
func (s *Set) All(now time.Time) (keys []Key, until time.Time) {
	for _, use := range slices.Sorted(maps.Keys(s.byUse)) {
		for _, k := range s.byUse[use].keys {
			if !k.Published(now) {
				continue
			}
			keys = append(keys, k)
			if end := k.PublishedUntil(); !end.IsZero() && (until.IsZero() || end.Before(until)) {
				until = end
			}
		}
	}
	return keys, until
}

// Load implements feed.Subscriber. A wrong master key makes it fail.
func (r *Ring) Load(ctx context.Context, t tx.Tx) error {
	all, err := r.store.All(ctx, t, t.Now())
	if err != nil {
		return err
	}
	next := map[ident.AccountID]*Set{}
	for _, k := range all {
		s := next[k.Account]
		if s == nil {
			s = newSet()
			next[k.Account] = s
		}
		if err := r.add(s, k, t.Now()); err != nil {
			return err
		}
	}
	r.snapshot.Store(&next)
	return nil
}

// Apply implements feed.Subscriber. The follower calls it from one goroutine.
func (r *Ring) Apply(ctx context.Context, t tx.Tx, changes []feed.Change) error {
	next := maps.Clone(*r.snapshot.Load())
	for _, c := range changes {
		s := newSet()
		if old := next[c.Account]; old != nil {
			maps.Copy(s.byUse, old.byUse)
		}
		use := Use(c.Key)
		s.byUse[use] = &bundle{}
		keys, err := r.store.List(ctx, t, c.Account, use)
		if err != nil {
			return err
		}
		for i := len(keys) - 1; i >= 0; i-- { // the oldest first, as in Load
			if err := r.add(s, keys[i], t.Now()); err != nil {
				return err
			}
		}
		next[c.Account] = s
	}
	r.snapshot.Store(&next)
	return nil
}

func newSet() *Set {
	s := &Set{byUse: make(map[Use]*bundle, len(Uses))}
	for _, use := range Uses {
		s.byUse[use] = &bundle{}
	}
	return s
}

func (r *Ring) add(s *Set, k Sealed, now time.Time) error {
	if !k.Published(now) {
		return nil
	}
	if !k.Use.Valid() {
		return fmt.Errorf("keyring: key %s has the unknown use %q", k.KID, k.Use)
	}
	var private crypto.Signer
	if len(k.Private) > 0 {
		var err error
		if private, err = open(r.keys, k); err != nil {
			return err
		}
	}
	b := s.byUse[k.Use]
	if b == nil {
		b = &bundle{}
		s.byUse[k.Use] = b
	}
	b.keys, b.privates = append(b.keys, k.Key), append(b.privates, private)
	return nil
}
