// Package keyringtest owns the suite that every store of signing keys must pass.
package keyringtest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store is what the suite tests.
type Store interface {
	keyring.Store
	keyring.Withdrawals
	keyring.Janitor
}

// RunStore runs the suite on an empty database.
func RunStore(t *testing.T, db tx.Runner, store Store, clk *clock.Fake) {
	s := suite{db, store, clk}
	t.Run("what is written is read", s.roundTrip)
	t.Run("a generation exists once", s.generation)
	t.Run("rotations at once make one key", s.race)
	t.Run("what is due", s.due)
	t.Run("every algorithm", s.algorithms)
	t.Run("what is withdrawn", s.withdraw)
}

type suite struct {
	db    tx.Runner
	store Store
	clk   *clock.Fake
}

// Build returns a key of a generation that signs from now.
func Build(account ident.AccountID, use keyring.Use, generation int64, from time.Time) keyring.Sealed {
	return keyring.Sealed{Key: keyring.Key{
		Account: account, Use: use, Generation: generation, KID: ident.KeyID(fmt.Sprintf("%s-%s-%d", account, use, generation)),
		Public: ed25519.PublicKey(bytes.Repeat([]byte{1}, 32)), CreatedAt: from, SignFrom: from,
	}, Private: []byte("sealed")}
}

func (s suite) write(t *testing.T, account ident.AccountID, fn func(context.Context, tx.Tx) error) {
	t.Helper()
	if err := s.db.Write(t.Context(), tx.In(account), fn); err != nil {
		t.Fatal(err)
	}
}

func (s suite) insert(t *testing.T, k keyring.Sealed) (added bool) {
	t.Helper()
	s.write(t, k.Account, func(ctx context.Context, x tx.Tx) (err error) {
		added, err = s.store.Insert(ctx, x, k)
		return err
	})
	return added
}

func (s suite) list(t *testing.T, account ident.AccountID, use keyring.Use) (out []keyring.Sealed) {
	t.Helper()
	err := s.db.Read(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) (err error) {
		out, err = s.store.List(ctx, x, account, use)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s suite) roundTrip(t *testing.T) {
	a := Build("acc_round", keyring.Access, 1, s.clk.Now())
	b := Build("acc_round", keyring.Access, 2, s.clk.Now().Add(time.Hour))
	s.insert(t, a)
	s.insert(t, b)
	s.insert(t, Build("acc_round", keyring.ID, 1, s.clk.Now()))
	if got := s.list(t, "acc_round", keyring.Access); !cmp.Equal(got, []keyring.Sealed{b, a}) {
		t.Fatal(cmp.Diff(got, []keyring.Sealed{b, a}))
	}
	a.SignUntil, b.SignFrom = s.clk.Now().Add(time.Minute), s.clk.Now().Add(time.Minute)
	s.write(t, "acc_round", func(ctx context.Context, x tx.Tx) error {
		if err := s.store.Schedule(ctx, x, a.Key); err != nil {
			return err
		}
		return s.store.Schedule(ctx, x, b.Key)
	})
	if got := s.list(t, "acc_round", keyring.Access); !cmp.Equal(got, []keyring.Sealed{b, a}) {
		t.Fatal(cmp.Diff(got, []keyring.Sealed{b, a}))
	}
	if got := s.list(t, "acc_other", keyring.Access); len(got) != 0 {
		t.Fatal("another account has keys")
	}
}

func (s suite) generation(t *testing.T) {
	k := Build("acc_gen", keyring.Access, 1, s.clk.Now())
	if !s.insert(t, k) {
		t.Fatal("not added")
	}
	k.KID = "another"
	if s.insert(t, k) {
		t.Fatal("a generation was made twice")
	}
	k.Use = keyring.ID
	if !s.insert(t, k) {
		t.Fatal("uses are apart")
	}
}

func (s suite) race(t *testing.T) {
	keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	service := keyring.New(keyring.Deps{DB: s.db, Store: s.store, Janitor: s.store, Keys: keys})
	const account ident.AccountID = "acc_race"
	by := actor.ForSystem(account)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if err := service.Ensure(t.Context(), account); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if a, i := s.list(t, account, keyring.Access), s.list(t, account, keyring.ID); len(a) != 1 || len(i) != 1 {
		t.Fatalf("%d access keys and %d id keys", len(a), len(i))
	}
	var kids [6]ident.KeyID
	for n := range kids {
		wg.Go(func() {
			k, err := service.Rotate(t.Context(), by, keyring.Access, time.Hour)
			if err != nil {
				t.Error(err)
			}
			kids[n] = k.KID
		})
	}
	wg.Wait()
	got := s.list(t, account, keyring.Access)
	if len(got) != 2 || !got[0].SignFrom.Equal(got[1].SignUntil) {
		t.Fatalf("%+v", got)
	}
	for _, kid := range kids {
		if kid != got[0].KID {
			t.Fatalf("a rotation returned %s, not %s", kid, got[0].KID)
		}
	}
}

func (s suite) due(t *testing.T) {
	const account ident.AccountID = "acc_due"
	now := s.clk.Now()
	old := Build(account, keyring.Access, 1, now.Add(-100*24*time.Hour))
	old.SignUntil = now.Add(-48 * time.Hour)
	s.insert(t, old)
	s.insert(t, Build(account, keyring.Access, 2, now.Add(-91*24*time.Hour)))
	s.insert(t, Build(account, keyring.ID, 1, now.Add(-time.Hour)))
	var destroyed atomic.Int32
	read := func(fn func(context.Context, tx.Tx) error) {
		if err := s.db.Read(t.Context(), tx.System(), fn); err != nil {
			t.Fatal(err)
		}
	}
	read(func(ctx context.Context, x tx.Tx) error {
		refs, err := s.store.Old(ctx, x, now.Add(-90*24*time.Hour))
		want := []keyring.Ref{{Account: account, Use: keyring.Access, KID: "acc_due-access-2"}}
		if !cmp.Equal(refs, want) {
			t.Error(cmp.Diff(refs, want))
		}
		return err
	})
	read(func(ctx context.Context, x tx.Tx) error {
		all, err := s.store.All(ctx, x, now)
		n := 0
		for _, k := range all {
			if k.KID == old.KID {
				t.Error("All returns a key that is no longer published")
			}
			if k.Account == account {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d keys", n)
		}
		return err
	})
	for range 2 {
		err := s.db.Write(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
			refs, err := s.store.Destroy(ctx, x, now.Add(-time.Hour))
			for _, r := range refs {
				if r.Account == account {
					destroyed.Add(1)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	got := s.list(t, account, keyring.Access)
	if destroyed.Load() != 1 || len(got[1].Private) != 0 || len(got[0].Private) == 0 {
		t.Fatalf("destroyed %d: %+v", destroyed.Load(), got)
	}
}
