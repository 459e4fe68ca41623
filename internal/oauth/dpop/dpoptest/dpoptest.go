// Package dpoptest owns the suite that every dpop.Store must pass.
package dpoptest

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	proof "github.com/admit-id/admit/client/dpop"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/dpop"
)

type opener = func(t *testing.T) (dpop.Store, tx.Runner, *clock.Fake)

// Key makes the same key for the same name in every run.
func Key(name string) crypto.Signer {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// RunStore runs the suite. Open returns an empty store, the runner of its units of work and their clock.
func RunStore(t *testing.T, open opener) {
	t.Run("once", func(t *testing.T) { testOnce(t, open) })
	t.Run("purge", func(t *testing.T) { testPurge(t, open) })
	t.Run("parallel", func(t *testing.T) { testParallel(t, open) })
}

func spend(db tx.Runner, store dpop.Store, account ident.AccountID, hash string, until time.Time) error {
	return db.Write(context.Background(), tx.In(account), func(ctx context.Context, t tx.Tx) error {
		return store.SpendProof(ctx, t, account, []byte(hash), until)
	})
}

func testOnce(t *testing.T, open opener) {
	store, db, clk := open(t)
	until := clk.Now().Add(time.Minute)
	if err := spend(db, store, "a", "h1", until); err != nil {
		t.Fatal(err)
	}
	if err := spend(db, store, "a", "h1", until.Add(time.Second)); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second time: %v", err)
	}
	for _, other := range []struct {
		account ident.AccountID
		hash    string
	}{{"b", "h1"}, {"a", "h2"}} {
		if err := spend(db, store, other.account, other.hash, until); err != nil {
			t.Errorf("%v: %v", other, err)
		}
	}
	// A unit of work that comes to nothing uses nothing up.
	stop := fault.New(fault.Invalid, "x", "x")
	err := db.Write(context.Background(), tx.In("a"), func(ctx context.Context, tt tx.Tx) error {
		if err := store.SpendProof(ctx, tt, "a", []byte("h3"), until); err != nil {
			return err
		}
		return stop
	})
	if !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
	if err := spend(db, store, "a", "h3", until); err != nil {
		t.Errorf("after a unit of work that was undone: %v", err)
	}
}

func testPurge(t *testing.T, open opener) {
	store, db, clk := open(t)
	for i, hash := range []string{"h1", "h2", "h3"} {
		if err := spend(db, store, "a", hash, clk.Now().Add(time.Duration(i+1)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	clk.Advance(2*time.Minute + time.Second)
	s := service(t, store, db, clk)
	for _, want := range []int64{1, 1, 0} {
		if n, err := s.Purge(context.Background(), 1); err != nil || n != want {
			t.Errorf("purged %d, want %d: %v", n, want, err)
		}
	}
	if err := spend(db, store, "a", "h3", clk.Now()); !fault.Is(err, fault.Conflict) {
		t.Errorf("what was young is gone: %v", err)
	}
}

func service(t *testing.T, store dpop.Store, db tx.Runner, clk clock.Clock) *dpop.Service {
	t.Helper()
	keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return dpop.New(dpop.Deps{DB: db, Store: store, Keys: keys, Clock: clk})
}

// testParallel sends one proof a hundred times at once, to two nodes: one is taken.
func testParallel(t *testing.T, open opener) {
	store, db, clk := open(t)
	clk.Advance(clock.NewSystem().Now().Sub(clk.Now()))
	nodes := []*dpop.Service{service(t, store, db, clk), service(t, store, db, clk)}
	made, err := proof.Proof(Key("a"), "POST", "https://login.example.test/oauth/token", "", "")
	if err != nil {
		t.Fatal(err)
	}
	r := dpop.Request{Headers: []string{made}, Method: "POST", URL: "https://login.example.test/oauth/token"}
	var taken, refused atomic.Int64
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			switch jkt, err := nodes[i%2].Check(context.Background(), "a", r, dpop.Want{Required: true}); {
			case err == nil && jkt != "":
				taken.Add(1)
			case oauth.CodeOf(err) == oauth.InvalidDPoPProof:
				refused.Add(1)
			default:
				t.Errorf("got %q, %v", jkt, err)
			}
		})
	}
	all.Wait()
	if taken.Load() != 1 || refused.Load() != 99 {
		t.Errorf("%d taken, %d refused", taken.Load(), refused.Load())
	}
}
