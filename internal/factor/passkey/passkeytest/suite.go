package passkeytest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Stores is what the suite tests.
type Stores interface {
	passkey.Store
	passkey.Challenges
}

type opener = func(t *testing.T) (Stores, tx.Runner, *clock.Fake)

// RunStore runs the suite. Open returns an empty store, the runner of its units of work and their clock.
func RunStore(t *testing.T, open func(t *testing.T) (Stores, tx.Runner, *clock.Fake)) {
	t.Run("passkeys", func(t *testing.T) { testPasskeys(t, open) })
	t.Run("accounts", func(t *testing.T) { testAccounts(t, open) })
	t.Run("use", func(t *testing.T) { testUse(t, open) })
	t.Run("challenges", func(t *testing.T) { testChallenges(t, open) })
	t.Run("race", func(t *testing.T) { testRace(t, open) })
}

func write(t *testing.T, db tx.Runner, fn func(ctx context.Context, t tx.Tx) error) error {
	t.Helper()
	return db.Write(context.Background(), tx.System(), fn)
}

// build is a passkey of a person with everything set.
func build(clk *clock.Fake, account ident.AccountID, user ident.UserID, n int) passkey.Passkey {
	return passkey.Passkey{
		ID: fmt.Sprintf("pky_%d", n), Account: account, User: user, Credential: fmt.Appendf(nil, "credential %d", n), Key: []byte{0xa5, 0x00},
		Algorithm: -257, Handle: []byte("handle"), Party: "login.example.com", SignCount: 1<<32 - 2, Model: "model", Transports: []string{"hybrid", "usb"},
		Eligible: true, BackedUp: true, Verified: true, Attested: true, Pending: true, Name: "näme", CreatedAt: clk.Now(),
	}
}

func insert(t *testing.T, s Stores, db tx.Runner, p passkey.Passkey) (fresh bool) {
	t.Helper()
	if err := write(t, db, func(ctx context.Context, tt tx.Tx) (err error) {
		fresh, err = s.Insert(ctx, tt, p)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return fresh
}

func get(t *testing.T, s Stores, db tx.Runner, account ident.AccountID, credential []byte) (p passkey.Passkey, err error) {
	t.Helper()
	err = write(t, db, func(ctx context.Context, tt tx.Tx) (err error) {
		p, err = s.ByCredential(ctx, tt, account, credential)
		return err
	})
	return p, err
}

func testPasskeys(t *testing.T, open opener) {
	s, db, clk := open(t)
	p := build(clk, "a", "ann", 1)
	if !insert(t, s, db, p) {
		t.Fatal("not inserted")
	}
	got, err := get(t, s, db, "a", p.Credential)
	if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", p) {
		t.Errorf("got %+v, %v; want %+v", got, err, p)
	}
	again := build(clk, "a", "bob", 2)
	again.Credential = p.Credential
	if insert(t, s, db, again) {
		t.Error("a credential id twice")
	}
	var one, two []byte
	if err := write(t, db, func(ctx context.Context, tt tx.Tx) (err error) {
		if one, err = s.Handle(ctx, tt, "a", "ann", []byte("first")); err != nil {
			return err
		}
		two, err = s.Handle(ctx, tt, "a", "ann", []byte("second"))
		return err
	}); err != nil || string(one) != "first" || string(two) != "first" {
		t.Errorf("handles %q and %q, %v", one, two, err)
	}
	if err := write(t, db, func(ctx context.Context, tt tx.Tx) error { return s.Forget(ctx, tt, "a", "ann") }); err != nil {
		t.Error(err)
	}
	if _, err := get(t, s, db, "a", p.Credential); !fault.Is(err, fault.NotFound) {
		t.Errorf("after it was forgotten: %v", err)
	}
	if err := write(t, db, func(ctx context.Context, tt tx.Tx) (err error) {
		one, err = s.Handle(ctx, tt, "a", "ann", []byte("third"))
		return err
	}); err != nil || string(one) != "third" {
		t.Errorf("a handle outlived its person: %q, %v", one, err)
	}
}

// testAccounts holds that nothing of one account or person answers for another.
func testAccounts(t *testing.T, open opener) {
	s, db, clk := open(t)
	p := build(clk, "a", "ann", 1)
	insert(t, s, db, p)
	q := p
	q.Account, q.User = "b", "bob"
	if !insert(t, s, db, q) {
		t.Error("an id of another account counts here")
	}
	for name, fn := range map[string]func(ctx context.Context, tt tx.Tx) error{
		"rename in another account": func(ctx context.Context, tt tx.Tx) error { return s.Rename(ctx, tt, "b", "ann", p.ID, "x") },
		"rename another person's":   func(ctx context.Context, tt tx.Tx) error { return s.Rename(ctx, tt, "a", "bob", p.ID, "x") },
		"remove in another account": func(ctx context.Context, tt tx.Tx) error { return s.Remove(ctx, tt, "b", "ann", p.ID) },
		"remove another person's":   func(ctx context.Context, tt tx.Tx) error { return s.Remove(ctx, tt, "a", "bob", p.ID) },
		"use another person's":      func(ctx context.Context, tt tx.Tx) error { return s.Use(ctx, tt, q2(p, "a", "bob")) },
		"use in another account":    func(ctx context.Context, tt tx.Tx) error { return s.Use(ctx, tt, q2(p, "b", "ann")) },
		"read what another account has": func(ctx context.Context, tt tx.Tx) error {
			_, err := s.ByCredential(ctx, tt, "c", p.Credential)
			return err
		},
	} {
		if err := write(t, db, fn); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := write(t, db, func(ctx context.Context, tt tx.Tx) error {
		if err := s.Forget(ctx, tt, "b", "ann"); err != nil {
			return err
		}
		all, err := s.List(ctx, tt, "a", "ann")
		if len(all) != 1 || all[0].Name != p.Name {
			t.Errorf("ann has %+v", all)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

func q2(p passkey.Passkey, account ident.AccountID, user ident.UserID) passkey.Passkey {
	p.Account, p.User, p.SignCount = account, user, 1<<32-1
	return p
}

func testUse(t *testing.T, open opener) {
	s, db, clk := open(t)
	p := build(clk, "a", "ann", 1)
	p.SignCount = 0
	insert(t, s, db, p)
	for _, step := range []struct {
		count uint32
		ok    bool
	}{{0, true}, {0, true}, {5, true}, {5, false}, {0, false}, {4, false}, {1<<32 - 1, true}, {1<<32 - 1, false}} {
		clk.Advance(time.Second)
		p.SignCount, p.BackedUp, p.UsedAt = step.count, false, clk.Now()
		err := write(t, db, func(ctx context.Context, tt tx.Tx) error { return s.Use(ctx, tt, p) })
		if (err == nil) != step.ok {
			t.Errorf("count %d: %v", step.count, err)
		}
		got, err := get(t, s, db, "a", p.Credential)
		if step.ok && (err != nil || got.SignCount != step.count || got.BackedUp || got.Pending || !got.UsedAt.Equal(p.UsedAt)) {
			t.Errorf("after %d: %+v, %v", step.count, got, err)
		}
	}
}

func challenge(clk *clock.Fake, n byte) passkey.Challenge {
	return passkey.Challenge{
		Account: "a", Hash: bytes.Repeat([]byte{n}, 32), Purpose: "login", Binding: "login:1", Browser: []byte("browser"), User: "ann", Party: "x.example",
		Passkey: "pky_1", Verify: true, CreatedAt: clk.Now(), ExpiresAt: clk.Now().Add(time.Minute),
	}
}

func testChallenges(t *testing.T, open opener) {
	s, db, clk := open(t)
	put := func(c passkey.Challenge, keep int) {
		t.Helper()
		if err := write(t, db, func(ctx context.Context, tt tx.Tx) error { return s.Put(ctx, tt, c, keep) }); err != nil {
			t.Fatal(err)
		}
	}
	take := func(c passkey.Challenge) (got passkey.Challenge, err error) {
		err = write(t, db, func(ctx context.Context, tt tx.Tx) (err error) {
			got, err = s.Take(ctx, tt, c)
			return err
		})
		return got, err
	}
	c := challenge(clk, 1)
	put(c, 3)
	for name, change := range map[string]func(*passkey.Challenge){
		"account": func(c *passkey.Challenge) { c.Account = "b" },
		"hash":    func(c *passkey.Challenge) { c.Hash = bytes.Repeat([]byte{2}, 32) },
		"purpose": func(c *passkey.Challenge) { c.Purpose = "second" },
		"binding": func(c *passkey.Challenge) { c.Binding = "login:2" },
		"browser": func(c *passkey.Challenge) { c.Browser = nil },
		"user":    func(c *passkey.Challenge) { c.User = "" },
		"party":   func(c *passkey.Challenge) { c.Party = "y.example" },
	} {
		bent := c
		change(&bent)
		if _, err := take(bent); !fault.Is(err, fault.NotFound) {
			t.Errorf("taken with another %s: %v", name, err)
		}
	}
	got, err := take(c)
	if err != nil || got.Passkey != "pky_1" || !got.Verify {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := take(c); !fault.Is(err, fault.NotFound) {
		t.Errorf("taken twice: %v", err)
	}
	bare := challenge(clk, 3)
	bare.Browser, bare.User, bare.Passkey, bare.Verify = nil, "", "", false
	put(bare, 3)
	if got, err := take(bare); err != nil || got.Verify || got.Passkey != "" {
		t.Errorf("without a browser: %+v, %v", got, err)
	}
	for n := range byte(5) {
		clk.Advance(time.Second)
		put(challenge(clk, 10+n), 3)
	}
	for n := range byte(5) {
		if _, err := take(challenge(clk, 10+n)); (err == nil) != (n >= 2) {
			t.Errorf("challenge %d of 5, of which 3 are kept: %v", n+1, err)
		}
	}
	late := challenge(clk, 20)
	put(late, 3)
	clk.Advance(time.Minute)
	if _, err := take(late); !fault.Is(err, fault.NotFound) {
		t.Errorf("after its time: %v", err)
	}
	clk.Advance(time.Second)
	if err := write(t, db, func(ctx context.Context, tt tx.Tx) error {
		n, err := s.Purge(ctx, tt, 10)
		if n != 1 {
			t.Errorf("purged %d", n)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

func testRace(t *testing.T, open opener) {
	s, db, clk := open(t)
	c := challenge(clk, 1)
	if err := write(t, db, func(ctx context.Context, tt tx.Tx) error { return s.Put(ctx, tt, c, 3) }); err != nil {
		t.Fatal(err)
	}
	p := build(clk, "a", "ann", 1)
	p.SignCount = 1
	insert(t, s, db, p)
	p.SignCount = 2
	var wg sync.WaitGroup
	var taken, used atomic.Int32
	count := func(n *atomic.Int32, fn func(ctx context.Context, tt tx.Tx) error) {
		switch err := write(t, db, fn); {
		case err == nil:
			n.Add(1)
		case !fault.Is(err, fault.NotFound):
			t.Error(err)
		}
	}
	for range 25 {
		wg.Go(func() {
			count(&taken, func(ctx context.Context, tt tx.Tx) error {
				_, err := s.Take(ctx, tt, c)
				return err
			})
		})
		wg.Go(func() { count(&used, func(ctx context.Context, tt tx.Tx) error { return s.Use(ctx, tt, p) }) })
	}
	wg.Wait()
	if taken.Load() != 1 || used.Load() != 1 {
		t.Errorf("%d took the challenge, %d used the counter; want 1 each", taken.Load(), used.Load())
	}
}
