// Package totptest owns the suite that every totp.Store and totp.PendingStore must pass.
package totptest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Stores are what is tested, empty, with the runner of their units of work and its clock.
type Stores struct {
	Devices totp.Store
	Pending totp.PendingStore
	DB      tx.Runner
	Clock   *clock.Fake
}

// RunStore runs the suite.
func RunStore(t *testing.T, open func(t *testing.T) Stores) {
	t.Run("devices", func(t *testing.T) { testDevices(t, open(t)) })
	t.Run("steps", func(t *testing.T) { testSteps(t, open(t)) })
	t.Run("pending", func(t *testing.T) { testPending(t, open(t)) })
}

func (s Stores) in(fn func(ctx context.Context, t tx.Tx) error) error {
	return s.DB.Write(context.Background(), tx.System(), fn)
}

func (s Stores) insert(account ident.AccountID, user ident.UserID, id string) (ok bool, err error) {
	err = s.in(func(ctx context.Context, t tx.Tx) error {
		d := totp.Device{Account: account, User: user, ID: id, Name: id, CreatedAt: t.Now()}
		ok, err = s.Devices.Insert(ctx, t, totp.Stored{Device: d, Sealed: []byte("seed of " + id), LastStep: 10})
		return err
	})
	return ok, err
}

func testDevices(t *testing.T, s Stores) {
	var wg sync.WaitGroup
	var made atomic.Int32
	for i := range 2 * totp.MaxHeld {
		wg.Go(func() {
			if ok, err := s.insert("a", "u", fmt.Sprint("otp_", i)); err != nil {
				t.Error(err)
			} else if ok {
				made.Add(1)
			}
		})
	}
	wg.Wait()
	if made.Load() != totp.MaxHeld {
		t.Errorf("%d devices; want %d", made.Load(), totp.MaxHeld)
	}
	for _, other := range []struct {
		account ident.AccountID
		user    ident.UserID
	}{{"a", "v"}, {"b", "u"}} {
		if ok, err := s.insert(other.account, other.user, "otp_other"); !ok || err != nil {
			t.Error(other, ok, err)
		}
	}
	err := s.in(func(ctx context.Context, tt tx.Tx) error {
		for name, fn := range map[string]func() error{
			"rename": func() error { return s.Devices.Rename(ctx, tt, "a", "u", "otp_other", "mine") },
			"remove": func() error { return s.Devices.Remove(ctx, tt, "a", "u", "otp_other") },
		} {
			if err := fn(); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s of another person's: %v", name, err)
			}
		}
		n, err := s.Devices.Forget(ctx, tt, "a", "u")
		if n != totp.MaxHeld {
			t.Errorf("forgot %d", n)
		}
		held, err2 := s.Devices.List(ctx, tt, "a", "v")
		if len(held) != 1 || string(held[0].Sealed) != "seed of otp_other" || held[0].LastStep != 10 || !held[0].LastUsedAt.IsZero() {
			t.Errorf("%+v", held)
		}
		if err == nil {
			err = err2
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func testSteps(t *testing.T, s Stores) {
	if _, err := s.insert("a", "u", "otp_1"); err != nil {
		t.Fatal(err)
	}
	use := func(account ident.AccountID, user ident.UserID, step int64) error {
		return s.in(func(ctx context.Context, t tx.Tx) error {
			return s.Devices.Use(ctx, t, totp.Device{Account: account, User: user, ID: "otp_1"}, step)
		})
	}
	for name, err := range map[string]error{"the same": use("a", "u", 10), "earlier": use("a", "u", 9), "another person's": use("a", "v", 11), "another account's": use("b", "u", 11)} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s step was used: %v", name, err)
		}
	}
	var wg sync.WaitGroup
	var won atomic.Int32
	for range 20 {
		wg.Go(func() {
			switch err := use("a", "u", 11); {
			case err == nil:
				won.Add(1)
			case !fault.Is(err, fault.NotFound):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 20 used one step", won.Load())
	}
}

func testPending(t *testing.T, s Stores) {
	p := totp.Pending{Account: "a", User: "u", Binding: []byte("x"), ID: "otp_1", Sealed: []byte("seed"), ExpiresAt: s.Clock.Now().Add(totp.PendingLife)}
	put := func(p totp.Pending) {
		t.Helper()
		if err := s.in(func(ctx context.Context, tt tx.Tx) error { return s.Pending.Put(ctx, tt, p) }); err != nil {
			t.Fatal(err)
		}
	}
	consume := func(change func(p *totp.Pending)) error {
		q := p
		change(&q)
		return s.in(func(ctx context.Context, tt tx.Tx) error { return s.Pending.Consume(ctx, tt, q) })
	}
	put(p)
	for name, change := range map[string]func(p *totp.Pending){
		"account": func(p *totp.Pending) { p.Account = "b" }, "person": func(p *totp.Pending) { p.User = "v" },
		"binding": func(p *totp.Pending) { p.Binding = []byte("y") }, "seed": func(p *totp.Pending) { p.ID = "otp_2" },
	} {
		if err := consume(change); !fault.Is(err, fault.NotFound) {
			t.Errorf("consumed with another %s: %v", name, err)
		}
	}
	for i := range totp.Attempts + 1 {
		err := s.in(func(ctx context.Context, tt tx.Tx) error {
			got, err := s.Pending.Count(ctx, tt, "a", "u", []byte("x"))
			if err == nil && (got.Attempts != i+1 || string(got.Sealed) != "seed") {
				t.Errorf("%+v", got)
			}
			return err
		})
		if (err == nil) != (i < totp.Attempts) {
			t.Errorf("attempt %d: %v", i+1, err)
		}
	}
	same := func(*totp.Pending) {}
	if err := consume(same); err != nil { // the last attempt was right
		t.Error(err)
	}
	if err := consume(same); !fault.Is(err, fault.NotFound) {
		t.Error("consumed twice:", err)
	}
	put(p)
	s.Clock.Advance(totp.PendingLife)
	if err := consume(same); !fault.Is(err, fault.NotFound) {
		t.Error("consumed after its time:", err)
	}
	s.Clock.Advance(1000)
	if err := s.in(func(ctx context.Context, tt tx.Tx) error {
		n, err := s.Pending.Purge(ctx, tt, 10)
		if n != 1 {
			t.Errorf("purged %d", n)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}
