// Package recoverytest owns the suite that every recovery.Store must pass.
package recoverytest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/admit-id/admit/internal/factor/recovery"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// RunStore runs the suite on an empty store and the runner of its units of work.
func RunStore(t *testing.T, s recovery.Store, db tx.Runner) {
	in := func(fn func(ctx context.Context, t tx.Tx) error) error {
		return db.Write(context.Background(), tx.System(), fn)
	}
	use := func(account ident.AccountID, user ident.UserID, mac string) error {
		return in(func(ctx context.Context, t tx.Tx) error { return s.Use(ctx, t, account, user, []byte(mac)) })
	}
	left := func() (n int) {
		if err := in(func(ctx context.Context, t tx.Tx) (err error) {
			n, err = s.Left(ctx, t, "a", "u")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	put := func(macs ...string) {
		t.Helper()
		var all [][]byte
		for _, m := range macs {
			all = append(all, []byte(m))
		}
		if err := in(func(ctx context.Context, t tx.Tx) error { return s.Put(ctx, t, "a", "u", all) }); err != nil {
			t.Fatal(err)
		}
	}
	put("1", "2", "3")
	for name, err := range map[string]error{"another account": use("b", "u", "1"), "another person": use("a", "v", "1"), "another code": use("a", "u", "4")} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var wg sync.WaitGroup
	var won atomic.Int32
	for range 20 {
		wg.Go(func() {
			switch err := use("a", "u", "2"); {
			case err == nil:
				won.Add(1)
			case !fault.Is(err, fault.NotFound):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || left() != 2 {
		t.Errorf("%d of 20 used one code; %d left", won.Load(), left())
	}
	put("5", "6") // fewer than before
	if err := use("a", "u", "3"); !fault.Is(err, fault.NotFound) || left() != 2 {
		t.Errorf("a code of the set before: %v; %d left", err, left())
	}
	if err := in(func(ctx context.Context, tt tx.Tx) error {
		n, err := s.Forget(ctx, tt, "a", "u")
		if n != 2 {
			t.Errorf("forgot %d", n)
		}
		return err
	}); err != nil || left() != 0 {
		t.Error(err, left())
	}
}
