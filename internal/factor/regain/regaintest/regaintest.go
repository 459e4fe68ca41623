// Package regaintest owns the suite that every regain.Store must pass.
package regaintest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/tx"
)

// RunStore runs the suite on an empty store, the runner of its units of work and its clock.
func RunStore(t *testing.T, s regain.Store, db tx.Runner, clk *clock.Fake) {
	in := func(fn func(ctx context.Context, t tx.Tx) error) error {
		return db.Write(context.Background(), tx.System(), fn)
	}
	at := func(id string) regain.Recovery {
		now := clk.Now()
		return regain.Recovery{Account: "a", User: "u", ID: id, RequestedAt: now, ReadyAt: now.Add(time.Hour), ExpiresAt: now.Add(2 * time.Hour)}
	}
	finish := func(r regain.Recovery) error {
		return in(func(ctx context.Context, t tx.Tx) error { return s.Finish(ctx, t, r) })
	}
	insert := func(r regain.Recovery) (ok bool) {
		t.Helper()
		if err := in(func(ctx context.Context, t tx.Tx) (err error) {
			ok, err = s.Insert(ctx, t, r)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return ok
	}
	var wg sync.WaitGroup
	var made atomic.Int32
	for _, id := range []string{"r1", "r2", "r3", "r4"} {
		wg.Go(func() {
			if insert(at(id)) {
				made.Add(1)
			}
		})
	}
	wg.Wait()
	var r regain.Recovery
	if err := in(func(ctx context.Context, t tx.Tx) (err error) {
		r, err = s.Get(ctx, t, "a", "u")
		return err
	}); err != nil || made.Load() != 1 || r.ReadyAt != at(r.ID).ReadyAt {
		t.Fatal(made.Load(), r, err)
	}
	if err := finish(r); !fault.Is(err, fault.NotFound) {
		t.Error("finished before it was ready:", err)
	}
	clk.Advance(time.Hour)
	for name, change := range map[string]func(r *regain.Recovery){
		"account": func(r *regain.Recovery) { r.Account = "b" }, "person": func(r *regain.Recovery) { r.User = "v" }, "id": func(r *regain.Recovery) { r.ID = "r9" },
	} {
		other := r
		change(&other)
		if err := finish(other); !fault.Is(err, fault.NotFound) {
			t.Errorf("finished with another %s: %v", name, err)
		}
		if err := in(func(ctx context.Context, t tx.Tx) error { return s.End(ctx, t, other) }); !fault.Is(err, fault.NotFound) {
			t.Errorf("ended with another %s: %v", name, err)
		}
	}
	if err := finish(r); err != nil {
		t.Error(err)
	}
	if err := finish(r); !fault.Is(err, fault.NotFound) {
		t.Error("finished twice:", err)
	}
	old := at("r5")
	old.Granted = true
	insert(old)
	if err := in(func(ctx context.Context, tt tx.Tx) error {
		got, err := s.Get(ctx, tt, "a", "u")
		if !got.Granted || r.Granted {
			t.Error("who began it is forgotten:", got, r)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	clk.Advance(2 * time.Hour)
	if err := finish(old); !fault.Is(err, fault.NotFound) {
		t.Error("finished after its time:", err)
	}
	if next := at("r6"); !insert(next) {
		t.Error("one that expired stands in the way")
	}
	if err := in(func(ctx context.Context, tt tx.Tx) error {
		_, err := s.ByID(ctx, tt, "b", "r6")
		if !fault.Is(err, fault.NotFound) {
			t.Error("another account's:", err)
		}
		got, err := s.ByID(ctx, tt, "a", "r6")
		if got.User != "u" || got.Granted {
			t.Errorf("%+v", got)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}
