// Package emailcodetest owns the suite that every emailcode.Store must pass.
package emailcodetest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/tx"
)

type opener = func(t *testing.T) (emailcode.Store, tx.Runner, *clock.Fake)

// RunStore runs the suite. Open returns an empty store, the runner of its units of work and their clock.
func RunStore(t *testing.T, open func(t *testing.T) (emailcode.Store, tx.Runner, *clock.Fake)) {
	t.Run("bindings", func(t *testing.T) { testBindings(t, open) })
	t.Run("attempts", func(t *testing.T) { testAttempts(t, open) })
	t.Run("race", func(t *testing.T) { testRace(t, open) })
	t.Run("purge", func(t *testing.T) { testPurge(t, open) })
}

func build(clk *clock.Fake) (emailcode.Code, emailcode.Proofs) {
	return emailcode.Code{
		Account: "a", Login: "l", Address: "ann@x.example", Browser: []byte("browser"),
		CreatedAt: clk.Now(), ExpiresAt: clk.Now().Add(emailcode.Life),
	}, emailcode.Proofs{Code: []byte("mac"), Link: []byte("link")}
}

func write(t *testing.T, db tx.Runner, fn func(ctx context.Context, t tx.Tx) error) error {
	t.Helper()
	return db.Write(context.Background(), tx.System(), fn)
}

func put(t *testing.T, store emailcode.Store, db tx.Runner, c emailcode.Code, p emailcode.Proofs) {
	t.Helper()
	if err := write(t, db, func(ctx context.Context, tt tx.Tx) error { return store.Put(ctx, tt, c, p) }); err != nil {
		t.Fatal(err)
	}
}

func testBindings(t *testing.T, open opener) {
	store, db, clk := open(t)
	c, p := build(clk)
	put(t, store, db, c, p)
	consume := func(change func(c *emailcode.Code, p *emailcode.Proofs)) error {
		c, p := c, p
		change(&c, &p)
		return write(t, db, func(ctx context.Context, tt tx.Tx) error { return store.Consume(ctx, tt, c, p) })
	}
	for name, change := range map[string]func(c *emailcode.Code, p *emailcode.Proofs){
		"account": func(c *emailcode.Code, _ *emailcode.Proofs) { c.Account = "b" },
		"login":   func(c *emailcode.Code, _ *emailcode.Proofs) { c.Login = "m" },
		"address": func(c *emailcode.Code, _ *emailcode.Proofs) { c.Address = "eve@x.example" },
		"browser": func(c *emailcode.Code, _ *emailcode.Proofs) { c.Browser = []byte("other") },
		"version": func(c *emailcode.Code, _ *emailcode.Proofs) { c.CreatedAt = c.CreatedAt.Add(time.Second) },
		"code":    func(_ *emailcode.Code, p *emailcode.Proofs) { p.Code = []byte("x") },
		"link":    func(_ *emailcode.Code, p *emailcode.Proofs) { *p = emailcode.Proofs{Link: []byte("x")} },
	} {
		if err := consume(change); !fault.Is(err, fault.NotFound) {
			t.Errorf("consumed with another %s: %v", name, err)
		}
	}
	same := func(*emailcode.Code, *emailcode.Proofs) {}
	if err := consume(same); err != nil {
		t.Fatal(err)
	}
	if err := consume(same); !fault.Is(err, fault.NotFound) {
		t.Errorf("consumed twice: %v", err)
	}
	put(t, store, db, c, emailcode.Proofs{Code: []byte("mac2"), Link: []byte("link2")})
	if err := consume(same); !fault.Is(err, fault.NotFound) {
		t.Errorf("the replaced code was consumed: %v", err)
	}
	if err := write(t, db, func(ctx context.Context, tt tx.Tx) error {
		if _, err := store.ByLink(ctx, tt, "b", []byte("link2")); !fault.Is(err, fault.NotFound) {
			t.Errorf("another account's link: %v", err)
		}
		got, err := store.ByLink(ctx, tt, "a", []byte("link2"))
		if got.Address != c.Address || !got.UsedAt.IsZero() || got.Attempts != 0 {
			t.Errorf("got %+v", got)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	clk.Advance(emailcode.Life)
	if err := consume(func(_ *emailcode.Code, p *emailcode.Proofs) { p.Code = []byte("mac2") }); !fault.Is(err, fault.NotFound) {
		t.Errorf("the expired code was consumed: %v", err)
	}
}

func testAttempts(t *testing.T, open opener) {
	store, db, clk := open(t)
	c, p := build(clk)
	put(t, store, db, c, p)
	count := func(browser string) (got emailcode.Code, gotProofs emailcode.Proofs, err error) {
		err = write(t, db, func(ctx context.Context, tt tx.Tx) error {
			got, gotProofs, err = store.Count(ctx, tt, "a", "l", []byte(browser))
			return err
		})
		return got, gotProofs, err
	}
	if _, _, err := count("other"); !fault.Is(err, fault.NotFound) {
		t.Errorf("counted for another browser: %v", err)
	}
	for i := range emailcode.Attempts {
		got, proofs, err := count("browser")
		if err != nil || got.Attempts != i+1 || string(proofs.Code) != "mac" || string(proofs.Link) != "link" {
			t.Fatalf("attempt %d: %+v, %v", i+1, got, err)
		}
	}
	if _, _, err := count("browser"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a sixth attempt: %v", err)
	}
	if err := write(t, db, func(ctx context.Context, tt tx.Tx) error { return store.Forget(ctx, tt, "a", "l") }); err != nil {
		t.Error(err)
	}
	err := write(t, db, func(ctx context.Context, tt tx.Tx) error {
		_, err := store.Get(ctx, tt, "a", "l")
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("forgotten, but: %v", err)
	}
}

func testRace(t *testing.T, open opener) {
	store, db, clk := open(t)
	c, p := build(clk)
	put(t, store, db, c, p)
	var wg sync.WaitGroup
	var won, counted atomic.Int32
	for range 50 {
		wg.Go(func() {
			err := write(t, db, func(ctx context.Context, tt tx.Tx) error { return store.Consume(ctx, tt, c, p) })
			switch {
			case err == nil:
				won.Add(1)
			case !fault.Is(err, fault.NotFound):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 50 consumed the code; want 1", won.Load())
	}
	put(t, store, db, c, p)
	for range 50 {
		wg.Go(func() {
			err := write(t, db, func(ctx context.Context, tt tx.Tx) error {
				_, _, err := store.Count(ctx, tt, "a", "l", []byte("browser"))
				return err
			})
			if err == nil {
				counted.Add(1)
			}
		})
	}
	wg.Wait()
	if counted.Load() != emailcode.Attempts {
		t.Errorf("%d of 50 attempts were let through; want %d", counted.Load(), emailcode.Attempts)
	}
}

func testPurge(t *testing.T, open opener) {
	store, db, clk := open(t)
	c, p := build(clk)
	put(t, store, db, c, p)
	clk.Advance(emailcode.Life + 24*time.Hour + time.Second)
	if err := write(t, db, func(ctx context.Context, tt tx.Tx) error {
		n, err := store.Purge(ctx, tt, 10)
		if n != 1 {
			t.Errorf("purged %d; want 1", n)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}
