package serviceclient_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/serviceclient"
	"github.com/admit-id/admit/internal/serviceclient/serviceclientdb"
)

func TestRateLimits(t *testing.T) {
	db, clk := sqldbtest.SQLite(t, serviceclientdb.Migrations(), nil)
	store := serviceclientdb.Store{}
	s, d := serviceclient.New(db, store, store), serviceclient.NewDirectory(store, store)
	limiter := serviceclient.NewLimiter(d, clk)
	by := actor.ForOperator("acc_a")
	c, err := s.Create(t.Context(), by, serviceclient.Client{RateLimits: []serviceclient.RateLimit{{Duration: "PT5M", Quota: 100}}})
	if err != nil {
		t.Fatal(err)
	}
	apply := func() {
		t.Helper()
		err := db.Read(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
			return d.Apply(ctx, x, []feed.Change{{Account: c.AccountID, Kind: serviceclient.ChangeKind, Key: string(c.ID)}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	spend := func(most int) (n int, wait time.Duration) {
		for ; n < most; n++ {
			var ok bool
			if wait, ok = limiter.Take(c.AccountID, c.ID); !ok {
				return n, wait
			}
		}
		return n, 0
	}
	set := func(limits ...serviceclient.RateLimit) {
		t.Helper()
		c.RateLimits = limits
		if _, err := s.Update(t.Context(), by, c, func(serviceclient.Options, serviceclient.Options) error { return nil }); err != nil {
			t.Fatal(err)
		}
		apply()
	}
	if n, _ := spend(1000); n != 1000 {
		t.Error("limited before it is known")
	}
	apply()
	if n, wait := spend(1000); n != 100 || wait != 3*time.Second {
		t.Errorf("%d at once, then %v", n, wait)
	}
	clk.Advance(3 * time.Second)
	if n, _ := spend(10); n != 1 {
		t.Errorf("%d after the wait", n)
	}
	apply() // another change of the client does not fill its bucket
	if err := db.Read(t.Context(), tx.System(), d.Load); err != nil {
		t.Fatal(err)
	}
	if n, _ := spend(10); n != 0 {
		t.Errorf("%d for nothing", n)
	}
	if _, ok := limiter.Take("acc_b", c.ID); !ok {
		t.Error("another account's client pays")
	}
	if _, ok := limiter.Take(c.AccountID, "sc_other"); !ok {
		t.Error("another client pays")
	}
	clk.Advance(time.Hour)
	if n, _ := spend(1000); n != 100 {
		t.Errorf("%d from a full bucket", n)
	}
	set(serviceclient.RateLimit{Duration: "PT0S", Quota: 1000})
	if n, wait := spend(5000); n != 1000 || wait != time.Millisecond {
		t.Errorf("a second: %d, %v", n, wait)
	}
	set(serviceclient.RateLimit{Duration: "P1M", Quota: 100})
	if n, wait := spend(500); n != 100 || wait != 432*time.Minute {
		t.Errorf("a month: %d, %v", n, wait)
	}
	set(serviceclient.RateLimit{Duration: "P1M", Quota: 1000000})
	var wg sync.WaitGroup
	var taken atomic.Int64
	for range 4 {
		wg.Go(func() { n, _ := spend(300_000); taken.Add(int64(n)) })
	}
	wg.Wait()
	if taken.Load() != 1_000_000 {
		t.Errorf("together: %d", taken.Load())
	}
	set()
	if n, _ := spend(1000); n != 1000 {
		t.Error("limited without a limit")
	}
	set(serviceclient.RateLimit{Duration: "P1D", Quota: 100})
	if err := s.Delete(t.Context(), by, c.ID); err != nil {
		t.Fatal(err)
	}
	apply()
	if n, _ := spend(1000); n != 1000 { // its tokens are refused by then
		t.Error("a deleted client is remembered")
	}
}

func BenchmarkTakeWithoutLimit(b *testing.B) {
	d := serviceclient.NewDirectory(nil, nil)
	l := serviceclient.NewLimiter(d, nil)
	b.ReportAllocs()
	for b.Loop() {
		l.Take("acc_default", "sc_0123456789abcdefghjkmnpqrs")
	}
}
