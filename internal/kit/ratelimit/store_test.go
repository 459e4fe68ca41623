package ratelimit_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

var five = ratelimit.Rule{Count: 5, Per: time.Hour}

func take(t *testing.T, db *sqldb.DB, account ident.AccountID, key string) (bool, time.Duration) {
	t.Helper()
	var ok bool
	var retry time.Duration
	err := db.Write(context.Background(), tx.In(account), func(ctx context.Context, tt tx.Tx) (err error) {
		ok, retry, err = ratelimit.Store{}.Take(ctx, tt, account, "mail", key, five)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ok, retry
}

func TestStore(t *testing.T) {
	sqldbtest.Each(t, ratelimit.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		for i := range 5 {
			if ok, _ := take(t, db, "a", "x"); !ok {
				t.Fatalf("occurrence %d was refused", i+1)
			}
		}
		ok, retry := take(t, db, "a", "x")
		if ok || retry != 12*time.Minute {
			t.Fatalf("sixth: %v, retry %v; want refusal and 12m", ok, retry)
		}
		if ok, _ := take(t, db, "a", "y"); !ok {
			t.Fatal("another key was held back")
		}
		if ok, _ := take(t, db, "b", "x"); !ok {
			t.Fatal("another account was held back")
		}
		clk.Advance(12 * time.Minute)
		if ok, _ := take(t, db, "a", "x"); !ok {
			t.Fatal("refused after the wait")
		}
		if ok, _ := take(t, db, "a", "x"); ok {
			t.Fatal("two allowed after one wait")
		}
		err := db.Write(context.Background(), tx.In("a"), func(ctx context.Context, tt tx.Tx) error {
			return ratelimit.Store{}.Return(ctx, tt, "a", "mail", "x", five)
		})
		if err != nil {
			t.Fatal(err)
		}
		if ok, _ := take(t, db, "a", "x"); !ok {
			t.Fatal("refused after a return")
		}
		clk.Advance(2 * time.Hour)
		var n int64
		if err := db.Write(context.Background(), tx.System(), func(ctx context.Context, tt tx.Tx) (err error) {
			n, err = ratelimit.Store{}.Purge(ctx, tt, 100)
			return err
		}); err != nil || n != 3 {
			t.Fatalf("purged %d, %v; want 3", n, err)
		}
	})
}

func TestStoreRace(t *testing.T) {
	sqldbtest.Each(t, ratelimit.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		var allowed atomic.Int32
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				if ok, _ := take(t, db, "a", "x"); ok {
					allowed.Add(1)
				}
			})
		}
		wg.Wait()
		if allowed.Load() != 5 {
			t.Fatalf("%d of 30 were allowed; want 5", allowed.Load())
		}
	})
}
