// Package dbsctest owns the suite that every dbsc.Store must pass, and a browser's side of the protocol in software.
package dbsctest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session/dbsc"
)

type opener = func(t *testing.T) (dbsc.Store, tx.Runner, *clock.Fake)

// RunStore runs the suite. Open returns an empty store, the runner of its units of work and their clock.
func RunStore(t *testing.T, open opener) {
	t.Run("bindings", func(t *testing.T) { testBindings(t, open) })
	t.Run("refresh", func(t *testing.T) { testRefresh(t, open) })
	t.Run("refused", func(t *testing.T) { testRefused(t, open) })
	t.Run("race", func(t *testing.T) { testRace(t, open) })
	t.Run("purge", func(t *testing.T) { testPurge(t, open) })
	t.Run("extend", func(t *testing.T) { testExtend(t, open) })
}

type harness struct {
	*testing.T
	store dbsc.Store
	db    tx.Runner
	clk   *clock.Fake
}

func start(t *testing.T, open opener) harness {
	store, db, clk := open(t)
	return harness{t, store, db, clk}
}

func (h harness) build(account ident.AccountID, id, root string) dbsc.Binding {
	now := h.clk.Now()
	return dbsc.Binding{
		Account: account, ID: id, Root: ident.SessionID(root), Key: NewDevice(h).Public(), Created: now, Expires: now.Add(time.Hour),
		Cookie: dbsc.Cookie{Hash: []byte("one"), Until: now.Add(time.Minute)},
	}
}

func (h harness) write(fn func(ctx context.Context, t tx.Tx) error) error {
	return h.db.Write(context.Background(), tx.System(), fn)
}

func (h harness) insert(b dbsc.Binding) error {
	return h.write(func(ctx context.Context, t tx.Tx) error { return h.store.Insert(ctx, t, b) })
}

func (h harness) refresh(b dbsc.Binding) error {
	return h.write(func(ctx context.Context, t tx.Tx) error { return h.store.Refresh(ctx, t, b) })
}

func (h harness) byID(account ident.AccountID, id string) (b dbsc.Binding, err error) {
	err = h.write(func(ctx context.Context, t tx.Tx) error {
		b, err = h.store.ByID(ctx, t, account, id)
		return err
	})
	return b, err
}

func testBindings(t *testing.T, open opener) {
	h := start(t, open)
	b := h.build("a", "b1", "s1")
	if err := h.insert(b); err != nil {
		t.Fatal(err)
	}
	again := h.build("a", "b2", "s1")
	if err := h.insert(again); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second key for one chain: %v", err)
	}
	if err := h.insert(h.build("b", "b1", "s1")); err != nil {
		t.Errorf("another account: %v", err)
	}
	got, err := h.byID("a", "b1")
	if err != nil || got.Root != "s1" || got.Key.Thumbprint() != b.Key.Thumbprint() || string(got.Cookie.Hash) != "one" ||
		!got.Cookie.Until.Equal(b.Cookie.Until) || len(got.Former.Hash) != 0 || got.Uses != 0 || !got.Created.Equal(b.Created) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := h.byID("b", "b2"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	byRoot := func(account ident.AccountID, root ident.SessionID) error {
		return h.write(func(ctx context.Context, t tx.Tx) error {
			_, err := h.store.ByRoot(ctx, t, account, root)
			return err
		})
	}
	if err := byRoot("a", "s1"); err != nil {
		t.Error(err)
	}
	if err := byRoot("a", "s2"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	h.clk.Advance(time.Hour)
	if err := byRoot("a", "s1"); !fault.Is(err, fault.NotFound) {
		t.Errorf("expired: %v", err)
	}
	if _, err := h.byID("a", "b1"); !fault.Is(err, fault.NotFound) {
		t.Errorf("expired: %v", err)
	}
}

func testRefresh(t *testing.T, open opener) {
	h := start(t, open)
	b := h.build("a", "b1", "s1")
	if err := h.insert(b); err != nil {
		t.Fatal(err)
	}
	next := b
	next.Cookie = dbsc.Cookie{Hash: []byte("two"), Until: h.clk.Now().Add(2 * time.Minute)}
	next.Former = dbsc.Cookie{Hash: []byte("one"), Until: h.clk.Now().Add(time.Second)}
	for name, change := range map[string]func(*dbsc.Binding){
		"account": func(b *dbsc.Binding) { b.Account = "b" },
		"id":      func(b *dbsc.Binding) { b.ID = "b2" },
		"chain":   func(b *dbsc.Binding) { b.Root = "s2" },
		"key":     func(b *dbsc.Binding) { b.Key = NewDevice(t).Public() },
		"uses":    func(b *dbsc.Binding) { b.Uses = 1 },
	} {
		other := next
		change(&other)
		if err := h.refresh(other); !fault.Is(err, fault.NotFound) {
			t.Errorf("refreshed with another %s: %v", name, err)
		}
	}
	if got, _ := h.byID("a", "b1"); string(got.Cookie.Hash) != "one" || got.Uses != 0 {
		t.Errorf("a refusal changed %+v", got)
	}
	if err := h.refresh(next); err != nil {
		t.Fatal(err)
	}
	if err := h.refresh(next); !fault.Is(err, fault.NotFound) {
		t.Errorf("twice: %v", err)
	}
	got, err := h.byID("a", "b1")
	if err != nil || got.Uses != 1 || string(got.Cookie.Hash) != "two" || string(got.Former.Hash) != "one" ||
		!got.Former.Until.Equal(next.Former.Until) || got.Key.Thumbprint() != b.Key.Thumbprint() {
		t.Errorf("%+v, %v", got, err)
	}
	h.clk.Advance(time.Hour)
	got.Cookie.Hash = []byte("three")
	if err := h.refresh(got); !fault.Is(err, fault.NotFound) {
		t.Errorf("expired: %v", err)
	}
}

func testRefused(t *testing.T, open opener) {
	h := start(t, open)
	if err := h.insert(h.build("a", "b1", "s1")); err != nil {
		t.Fatal(err)
	}
	refused := func(account ident.AccountID, id string) (first bool) {
		err := h.write(func(ctx context.Context, tt tx.Tx) (err error) {
			first, err = h.store.Refused(ctx, tt, account, id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return first
	}
	if !refused("a", "b1") || refused("a", "b1") || refused("b", "b1") {
		t.Error("the first refusal, and only that, is the first")
	}
	h.clk.Advance(dbsc.RefusalEvery)
	if !refused("a", "b1") {
		t.Error("a later one counts again")
	}
}

// testRace: of many answers to one challenge one counts.
func testRace(t *testing.T, open opener) {
	h := start(t, open)
	b := h.build("a", "b1", "s1")
	var wg sync.WaitGroup
	var bound, refreshed atomic.Int32
	for range 20 {
		wg.Go(func() {
			switch err := h.insert(b); {
			case err == nil:
				bound.Add(1)
			case !fault.Is(err, fault.Conflict):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for range 20 {
		wg.Go(func() {
			switch err := h.refresh(b); {
			case err == nil:
				refreshed.Add(1)
			case !fault.Is(err, fault.NotFound):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if bound.Load() != 1 || refreshed.Load() != 1 {
		t.Errorf("%d bound and %d refreshed it; want 1 and 1", bound.Load(), refreshed.Load())
	}
}

func testPurge(t *testing.T, open opener) {
	h := start(t, open)
	later := h.build("a", "b2", "s2")
	later.Expires = later.Expires.Add(time.Hour)
	if err := h.insert(h.build("a", "b1", "s1")); err != nil {
		t.Fatal(err)
	}
	if err := h.insert(later); err != nil {
		t.Fatal(err)
	}
	h.clk.Advance(time.Hour + time.Second)
	if err := h.write(func(ctx context.Context, tt tx.Tx) error {
		n, err := h.store.Purge(ctx, tt, 10)
		if n != 1 {
			t.Errorf("purged %d; want 1", n)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if _, err := h.byID("a", "b2"); err != nil {
		t.Error(err)
	}
}

func testExtend(t *testing.T, open opener) {
	h := start(t, open)
	extend := func(account ident.AccountID, root ident.SessionID, by time.Duration) {
		t.Helper()
		if err := h.write(func(ctx context.Context, tt tx.Tx) error {
			return h.store.Extend(ctx, tt, account, root, tt.Now().Add(by))
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range []dbsc.Binding{h.build("a", "b1", "s1"), h.build("a", "b2", "s2"), h.build("b", "b1", "s1")} {
		if err := h.insert(b); err != nil {
			t.Fatal(err)
		}
	}
	extend("a", "s1", 2*time.Hour)
	extend("a", "s1", time.Minute) // it never ends sooner
	extend("a", "s3", 2*time.Hour)
	h.clk.Advance(time.Hour)
	if _, err := h.byID("a", "b1"); err != nil {
		t.Error(err)
	}
	extend("a", "s2", 2*time.Hour)
	for _, dead := range []dbsc.Binding{{Account: "a", ID: "b2"}, {Account: "b", ID: "b1"}} {
		if _, err := h.byID(dead.Account, dead.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s %s: %v", dead.Account, dead.ID, err)
		}
	}
}
