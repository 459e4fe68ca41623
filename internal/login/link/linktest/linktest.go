// Package linktest owns the suite that every link.Store must pass.
package linktest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login/link"
)

// RunStore runs the suite on an empty database.
func RunStore(t *testing.T, db tx.Runner, store link.Store, clk *clock.Fake) {
	s := suite{db, store, clk}
	t.Run("an undo link works once, in its account, until it is too old", s.undo)
	t.Run("an address is reserved while it can be taken back", s.reserved)
	t.Run("later changes of a person become void", s.void)
}

type suite struct {
	db    tx.Runner
	store link.Store
	clk   *clock.Fake
}

func (s suite) write(t *testing.T, fn func(ctx context.Context, x tx.Tx) error) {
	t.Helper()
	if err := s.db.Write(t.Context(), tx.System(), fn); err != nil {
		t.Fatal(err)
	}
}

func (s suite) change(account ident.AccountID, id, user, from string) link.Change {
	return link.Change{
		Account: account, ID: id, User: ident.UserID(user), From: from, To: "new@x.example", Undo: []byte("undo of " + id),
		At: s.clk.Now(), Until: s.clk.Now().Add(time.Hour),
	}
}

func (s suite) insert(t *testing.T, c link.Change) {
	t.Helper()
	s.write(t, func(ctx context.Context, x tx.Tx) error { return s.store.Insert(ctx, x, c) })
}

func (s suite) look(account ident.AccountID, undo string) (c link.Change, err error) {
	err = s.db.Read(context.Background(), tx.System(), func(ctx context.Context, x tx.Tx) error {
		c, err = s.store.Look(ctx, x, account, []byte(undo))
		return err
	})
	return c, err
}

func (s suite) take(account ident.AccountID, undo string) (c link.Change, err error) {
	err = s.db.Write(context.Background(), tx.System(), func(ctx context.Context, x tx.Tx) error {
		c, err = s.store.Take(ctx, x, account, []byte(undo))
		return err
	})
	return c, err
}

func (s suite) undo(t *testing.T) {
	c := s.change("a", "one", "u1", "old@x.example")
	s.insert(t, c)
	if got, err := s.look("a", "undo of one"); err != nil || !cmp.Equal(got, c) {
		t.Fatal(err, cmp.Diff(got, c))
	}
	for _, bad := range []struct {
		account ident.AccountID
		undo    string
	}{{"b", "undo of one"}, {"a", "undo of two"}, {"a", ""}} {
		if _, err := s.take(bad.account, bad.undo); !fault.Is(err, fault.NotFound) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	var took atomic.Int64
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			switch _, err := s.take("a", "undo of one"); {
			case err == nil:
				took.Add(1)
			case !fault.Is(err, fault.NotFound):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if took.Load() != 1 {
		t.Error("the link worked", took.Load(), "times")
	}
	s.insert(t, s.change("a", "late", "u1", "old@x.example"))
	s.clk.Advance(time.Hour)
	if _, err := s.look("a", "undo of late"); !fault.Is(err, fault.NotFound) {
		t.Error("shown though too old:", err)
	}
	if _, err := s.take("a", "undo of late"); !fault.Is(err, fault.NotFound) {
		t.Error("worked though too old:", err)
	}
	s.write(t, func(ctx context.Context, x tx.Tx) error {
		n, err := s.store.Purge(ctx, x, 10)
		if err == nil && n != 2 {
			t.Error("purged", n)
		}
		return err
	})
}

func (s suite) owner(t *testing.T, account ident.AccountID, address string) (id ident.UserID) {
	t.Helper()
	s.write(t, func(ctx context.Context, x tx.Tx) (err error) {
		id, err = s.store.Reserved(ctx, x, account, address)
		return err
	})
	return id
}

func (s suite) reserved(t *testing.T) {
	s.insert(t, s.change("a", "kept", "u2", "Kept@x.example"))
	if got := s.owner(t, "a", "Kept@x.example"); got != "u2" {
		t.Fatal(got)
	}
	for account, address := range map[ident.AccountID]string{"a": "kept@x.example", "b": "Kept@x.example"} {
		if got := s.owner(t, account, address); got != "" {
			t.Error(account, address, got)
		}
	}
	if _, err := s.take("a", "undo of kept"); err != nil {
		t.Fatal(err)
	}
	if got := s.owner(t, "a", "Kept@x.example"); got != "" {
		t.Error("reserved though taken back:", got)
	}
}

func (s suite) void(t *testing.T) {
	s.insert(t, s.change("a", "v1", "u3", "1@x.example"))
	s.clk.Advance(time.Minute)
	cut := s.clk.Now()
	s.insert(t, s.change("a", "v2", "u3", "2@x.example"))
	s.insert(t, s.change("a", "v3", "u4", "3@x.example"))
	s.write(t, func(ctx context.Context, x tx.Tx) error { return s.store.Void(ctx, x, "a", "u3", cut) })
	for undo, alive := range map[string]bool{"undo of v1": true, "undo of v2": false, "undo of v3": true} {
		if _, err := s.look("a", undo); (err == nil) != alive {
			t.Error(undo, err)
		}
	}
}
