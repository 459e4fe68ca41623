package keyring

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/tx"
)

// State is where a key is in its life.
type State string

// The states, in the order of a life.
const (
	Waiting   State = "waiting"   // published, signs later
	Signing   State = "signing"   // signs now
	Verifying State = "verifying" // signs no more; what it signed may still be valid
	Over      State = "over"      // published no more
	Withdrawn State = "withdrawn" // taken out of use by an operator
)

// Listed is a key with its state.
type Listed struct {
	Key
	State State
}

// List returns all keys that an account ever had, by use and the oldest first.
func (s *Service) List(ctx context.Context, account ident.AccountID) (out []Listed, err error) {
	err = s.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		stored, err := s.Store.Find(ctx, t, account, "")
		if err != nil {
			return err
		}
		keys := make([]Key, len(stored))
		for i, k := range stored {
			keys[i] = k.Key
		}
		out = states(keys, t.Now())
		return nil
	})
	return out, fault.Wrap("keyring.List", err)
}

// Rotating returns the uses of an account that have keys which are rotated.
func (s *Service) Rotating(ctx context.Context, account ident.AccountID) ([]Use, error) {
	keys, err := s.List(ctx, account)
	uses := slices.Clone(Uses)
	for _, k := range keys {
		if !k.Use.Static() && !slices.Contains(uses, k.Use) {
			uses = append(uses, k.Use)
		}
	}
	return uses, err
}

func states(keys []Key, now time.Time) []Listed {
	living := map[Use][]Key{}
	for _, k := range keys {
		if k.Published(now) {
			living[k.Use] = append(living[k.Use], k)
		}
	}
	out := make([]Listed, len(keys))
	for i, k := range keys {
		out[i] = Listed{k, Verifying}
		switch all := living[k.Use]; {
		case !k.Withdrawn.IsZero():
			out[i].State = Withdrawn
		case !k.Published(now):
			out[i].State = Over
		case all[signing(all, now)].KID == k.KID:
			out[i].State = Signing
		case k.Pending(now):
			out[i].State = Waiting
		}
	}
	return out
}

// Static returns the static key of an account and algorithm, and makes it when there is none. An
// empty algorithm is EdDSA. Errors: Invalid for an algorithm that Admit does not sign by.
func (s *Service) Static(ctx context.Context, by actor.Actor, alg string) (Key, error) {
	use := StaticUse(alg)
	if !use.Valid() {
		return Key{}, fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "The algorithm is one of %v.", jose.Algorithms())
	}
	find := func(ctx context.Context, t tx.Tx) (out Key, err error) {
		keys, err := s.Store.List(ctx, t, by.Account, use)
		if err == nil {
			if newest, ok := newestLiving(keys); ok {
				out = newest
			}
		}
		return out, err
	}
	var out Key
	err := s.DB.Read(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) (err error) {
		out, err = find(ctx, t)
		return err
	})
	if err == nil && out.KID == "" {
		err = s.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) (err error) {
			if err = s.Provide(ctx, t, by, use); err == nil {
				out, err = find(ctx, t)
			}
			return err
		})
	}
	return out, fault.Wrap("keyring.Static", err)
}

// newestLiving is the newest of keys, which come newest first, that was not withdrawn.
func newestLiving(keys []Sealed) (Key, bool) {
	for _, k := range keys {
		if k.Withdrawn.IsZero() {
			return k.Key, true
		}
	}
	return Key{}, false
}

// Withdraw takes a key out of use at once, because its private half may be known to others: it signs
// no more, is published no more, what it has signed is valid no more, and its private half is
// destroyed. If it was to sign, another key takes its place: one that waits already, or a new
// one, without the time that verifiers usually have to hear of it. It returns that key, whose kid
// is empty when none was needed. Errors: NotFound, Conflict when the key was withdrawn before.
func (s *Service) Withdraw(ctx context.Context, by actor.Actor, kid ident.KeyID) (Key, error) {
	var use Use
	err := s.DB.Read(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		k, err := s.find(ctx, t, by.Account, kid)
		use = k.Use
		return err
	})
	if err != nil {
		return Key{}, fault.Wrap("keyring.Withdraw", err)
	}
	spare, err := jose.GenerateKey(use.Alg()) // before the unit of work; see Rotate
	if err != nil {
		return Key{}, fault.Wrap("keyring.Withdraw", err)
	}
	var next Key
	err = s.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		next = Key{}
		gone, err := s.find(ctx, t, by.Account, kid)
		if err != nil {
			return err
		}
		done, err := s.Store.Withdraw(ctx, t, gone, t.Now())
		if err != nil {
			return err
		}
		if !done {
			return fault.New(fault.Conflict, fault.CodeConflict, "The key was withdrawn before.")
		}
		t.Changed(ChangeKind, by.Account, string(gone.Use))
		if err := t.Emit(ctx, event.New(by, EventWithdrawn, string(gone.KID), "use", string(gone.Use))); err != nil {
			return err
		}
		if !gone.SignUntil.IsZero() && !t.Now().Before(gone.SignUntil) {
			return nil // it had retired
		}
		keys, err := s.Store.List(ctx, t, by.Account, gone.Use)
		if err != nil {
			return err
		}
		from := t.Now()
		if gone.Pending(from) {
			from = later(gone.SignFrom, from.Add(Propagation))
		} else if newest := keys[0].Key; newest.Pending(from) && newest.Withdrawn.IsZero() {
			next = newest
			next.SignFrom = from
			return s.schedule(ctx, t, by, next)
		}
		next, err = s.insert(ctx, t, by, gone.Use, keys[0].Generation+1, from, spare)
		return err
	})
	return next, fault.Wrap("keyring.Withdraw", err)
}

func (s *Service) find(ctx context.Context, t tx.Tx, account ident.AccountID, kid ident.KeyID) (Key, error) {
	if kid != "" {
		keys, err := s.Store.Find(ctx, t, account, kid)
		if err != nil {
			return Key{}, err
		}
		if len(keys) == 1 {
			return keys[0].Key, nil
		}
		if len(keys) > 1 {
			return Key{}, fmt.Errorf("keyring: %d keys of one kid", len(keys))
		}
	}
	return Key{}, fault.New(fault.NotFound, fault.CodeNotFound, "There is no such key.")
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
