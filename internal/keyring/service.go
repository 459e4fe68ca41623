package keyring

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Deps are what the service is made of.
type Deps struct {
	DB      tx.Runner
	Store   Store
	Janitor Janitor
	Keys    *crypt.Keys
}

// Service makes and rotates keys.
type Service struct{ Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// Create makes the first keys of an account, inside the unit of work that makes the
// account. It does nothing for uses that have a key.
func (s *Service) Create(ctx context.Context, t tx.Tx, account ident.AccountID) error {
	for _, use := range Uses {
		keys, err := s.Store.List(ctx, t, account, use)
		if err != nil {
			return fault.Wrap("keyring.Create", err)
		}
		if len(keys) > 0 {
			continue
		}
		if _, err := s.insert(ctx, t, actor.ForSystem(account), use, 1, t.Now(), nil); err != nil {
			return fault.Wrap("keyring.Create", err)
		}
	}
	return nil
}

// Provide makes the first key of each use that has none, inside the unit of work that first needs
// it. Uses that every account has are left alone, so that most callers pay nothing.
func (s *Service) Provide(ctx context.Context, t tx.Tx, by actor.Actor, uses ...Use) error {
	for _, use := range uses {
		if use == Access || use == ID {
			continue
		}
		if !use.Valid() {
			return fault.Wrap("keyring.Provide", fmt.Errorf("there are no keys of use %q", use))
		}
		keys, err := s.Store.List(ctx, t, by.Account, use)
		if err != nil {
			return fault.Wrap("keyring.Provide", err)
		}
		if _, ok := newestLiving(keys); ok {
			continue
		}
		if _, err := s.insert(ctx, t, by, use, int64(len(keys))+1, t.Now(), nil); err != nil {
			return fault.Wrap("keyring.Provide", err)
		}
	}
	return nil
}

// Ensure makes the first keys of an account that has none. It may run on many nodes at once.
func (s *Service) Ensure(ctx context.Context, account ident.AccountID) error {
	return s.DB.Write(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		return s.Create(ctx, t, account)
	})
}

// Rotate plans that a new key signs from now+after, or from now+Propagation if that is
// later; the old one signs until then. While a new key is waiting, Rotate makes no other
// one: it brings that one forward if it would begin later than asked, and else leaves it.
// So rotating on two nodes at once makes one key. It returns the newest key. Errors: Invalid for the
// use of a static key, Conflict when MaxPublished keys are published.
func (s *Service) Rotate(ctx context.Context, by actor.Actor, use Use, after time.Duration) (Key, error) {
	var out Key
	if !use.Valid() || use.Static() {
		return out, fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "Keys of that use are not rotated.")
	}
	// Before the unit of work, because an RSA key takes a while: on SQLite all writes wait for it.
	private, err := jose.GenerateKey(use.Alg())
	if err != nil {
		return out, fault.Wrap("keyring.Rotate", err)
	}
	err = s.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) (err error) {
		out, err = s.rotate(ctx, t, by, use, t.Now().Add(max(after, Propagation)), private)
		return err
	})
	return out, fault.Wrap("keyring.Rotate", err)
}

func (s *Service) rotate(ctx context.Context, t tx.Tx, by actor.Actor, use Use, from time.Time, private crypto.Signer) (Key, error) {
	keys, err := s.Store.List(ctx, t, by.Account, use)
	if err != nil {
		return Key{}, err
	}
	if len(keys) == 0 {
		return s.insert(ctx, t, by, use, 1, t.Now(), private)
	}
	newest := keys[0].Key
	if newest.Pending(t.Now()) && newest.Withdrawn.IsZero() {
		if !from.Before(newest.SignFrom) {
			return newest, nil
		}
		newest.SignFrom = from
		if err := s.schedule(ctx, t, by, newest); err != nil {
			return Key{}, err
		}
		if len(keys) > 1 {
			return newest, s.until(ctx, t, keys[1].Key, from)
		}
		return newest, nil
	}
	if err := s.room(ctx, t, by.Account); err != nil {
		return Key{}, err
	}
	made, err := s.insert(ctx, t, by, use, newest.Generation+1, from, private)
	if err != nil || !made.SignFrom.Equal(from) {
		return made, err
	}
	return made, s.until(ctx, t, newest, from)
}

// room tells whether one more key may be published.
func (s *Service) room(ctx context.Context, t tx.Tx, account ident.AccountID) error {
	all, err := s.Store.Find(ctx, t, account, "")
	if err != nil {
		return err
	}
	published := 0
	for _, k := range all {
		if k.Published(t.Now()) {
			published++
		}
	}
	if published >= MaxPublished {
		return fault.Newf(fault.Conflict, fault.CodeConflict, "%d keys are published. Old ones go when what they have signed has expired, a day after they signed last.", published)
	}
	return nil
}

// insert makes a key of a generation; private is nil to have one generated. When another node has
// just made that generation, it returns the other node's.
func (s *Service) insert(ctx context.Context, t tx.Tx, by actor.Actor, use Use, generation int64, from time.Time, private crypto.Signer) (Key, error) {
	if private == nil {
		var err error
		if private, err = jose.GenerateKey(use.Alg()); err != nil {
			return Key{}, err
		}
	}
	k := Key{
		Account: by.Account, Use: use, Generation: generation, KID: ident.KeyID(ident.New(prefix(use))),
		Public: private.Public(), CreatedAt: t.Now(), SignFrom: from,
	}
	sealed, err := seal(s.Keys, k, private)
	if err != nil {
		return Key{}, err
	}
	added, err := s.Store.Insert(ctx, t, Sealed{k, sealed})
	if err != nil {
		return Key{}, err
	}
	if !added {
		keys, err := s.Store.List(ctx, t, by.Account, use)
		if err != nil {
			return Key{}, err
		}
		if len(keys) == 0 {
			return Key{}, errors.New("keyring: a generation is taken and not there")
		}
		return keys[0].Key, nil
	}
	t.Changed(ChangeKind, k.Account, string(use))
	return k, t.Emit(ctx, event.New(by, EventCreated, string(k.KID), "use", string(use), "signFrom", from.Format(time.RFC3339)))
}

func (s *Service) schedule(ctx context.Context, t tx.Tx, by actor.Actor, k Key) error {
	if err := s.Store.Schedule(ctx, t, k); err != nil {
		return err
	}
	t.Changed(ChangeKind, k.Account, string(k.Use))
	return t.Emit(ctx, event.New(by, EventScheduled, string(k.KID), "use", string(k.Use), "signFrom", k.SignFrom.Format(time.RFC3339)))
}

func (s *Service) until(ctx context.Context, t tx.Tx, k Key, until time.Time) error {
	k.SignUntil = until
	return s.Store.Schedule(ctx, t, k)
}

// RotateDue rotates every key that has signed for MaxAge, publishing the new one Lead
// before it signs, and destroys the private halves of keys that sign no more. It is safe
// to run on every node; once an hour is plenty. One account's failure does not keep it
// from the others; all failures are returned together.
func (s *Service) RotateDue(ctx context.Context) error {
	var due []Ref
	var now time.Time
	err := s.DB.Read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) (err error) {
		now = t.Now()
		due, err = s.Janitor.Old(ctx, t, now.Add(-MaxAge))
		return err
	})
	if err != nil {
		return fault.Wrap("keyring.RotateDue", err)
	}
	var failed []error
	for _, ref := range due {
		if _, err := s.Rotate(ctx, actor.ForSystem(ref.Account), ref.Use, Lead); err != nil {
			failed = append(failed, fmt.Errorf("rotate the %s key of %s: %w", ref.Use, ref.Account, err))
		}
	}
	failed = append(failed, s.destroy(ctx, now.Add(-Margin)))
	return errors.Join(failed...)
}

func (s *Service) destroy(ctx context.Context, before time.Time) error {
	err := s.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		gone, err := s.Janitor.Destroy(ctx, t, before)
		if err != nil {
			return err
		}
		for _, ref := range gone {
			t.Changed(ChangeKind, ref.Account, string(ref.Use))
			if err := t.Emit(ctx, event.New(actor.ForSystem(ref.Account), EventDestroyed, string(ref.KID), "use", string(ref.Use))); err != nil {
				return err
			}
		}
		return nil
	})
	return fault.Wrap("keyring.destroy", err)
}
