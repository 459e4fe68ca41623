// Package issuertest owns the suite that every store of trusted issuers must pass.
package issuertest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/issuer"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Build returns a valid trust.
func Build(account ident.AccountID, id issuer.ID, url, audience string) issuer.Issuer {
	return issuer.Issuer{Account: account, ID: id, URL: url, Audience: audience, Expression: issuer.DefaultExpression}
}

// RunStore runs the suite on an empty database.
func RunStore(t *testing.T, db tx.Runner, store issuer.Store, clk *clock.Fake) {
	s := suite{db, store, clk}
	t.Run("what is written is read", s.roundTrip)
	t.Run("one trust for an issuer and an audience, also in a race", s.race)
	t.Run("a limit", s.limit)
}

type suite struct {
	db    tx.Runner
	store issuer.Store
	clk   *clock.Fake
}

func (s suite) insert(t *testing.T, i issuer.Issuer, limit int) (added bool) {
	t.Helper()
	err := s.db.Write(t.Context(), tx.In(i.Account), func(ctx context.Context, x tx.Tx) (err error) {
		i.CreatedAt = x.Now()
		added, err = s.store.Insert(ctx, x, i, limit)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return added
}

func (s suite) remove(t *testing.T, account ident.AccountID, id issuer.ID) (ok bool) {
	t.Helper()
	err := s.db.Write(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) (err error) {
		ok, err = s.store.Remove(ctx, x, account, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func (s suite) list(t *testing.T, account ident.AccountID) (all []issuer.Issuer) {
	t.Helper()
	err := s.db.Read(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) (err error) {
		all, err = s.store.List(ctx, x, account)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (s suite) roundTrip(t *testing.T) {
	a, b := Build("acc_a", "idn_1", "https://a.example", "api"), Build("acc_a", "idn_0", "https://a.example", "API")
	a.CreatedAt = s.clk.Now()
	b.Expression, b.CreatedAt = "{tid}|{oid}", s.clk.Now().Add(time.Second)
	other := Build("acc_b", "idn_1", "https://a.example", "api")
	s.insert(t, a, 10)
	s.clk.Advance(time.Second)
	s.insert(t, b, 10)
	s.insert(t, other, 10)
	if got := s.list(t, "acc_a"); !cmp.Equal(got, []issuer.Issuer{a, b}) {
		t.Fatal(cmp.Diff(got, []issuer.Issuer{a, b}))
	}
	err := s.db.Read(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
		all, err := s.store.All(ctx, x)
		if len(all) != 3 {
			t.Error(all)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.remove(t, "acc_b", "idn_0") || s.remove(t, "acc_a", "idn_none") {
		t.Fatal("removed what is not there, or another account's")
	}
	if !s.remove(t, "acc_a", "idn_1") || s.remove(t, "acc_a", "idn_1") {
		t.Fatal("a trust is removed once")
	}
	if got := s.list(t, "acc_a"); len(got) != 1 || len(s.list(t, "acc_b")) != 1 {
		t.Fatal(got)
	}
}

func (s suite) race(t *testing.T) {
	var made atomic.Int32
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			if s.insert(t, Build("acc_race", issuer.ID(fmt.Sprint("idn_", n)), "https://a.example", "api"), 10) {
				made.Add(1)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 || len(s.list(t, "acc_race")) != 1 {
		t.Fatal(made.Load())
	}
}

func (s suite) limit(t *testing.T) {
	for n := range 4 {
		if added := s.insert(t, Build("acc_limit", issuer.ID(fmt.Sprint("idn_", n)), "https://a.example", fmt.Sprint("api", n)), 3); added != (n < 3) {
			t.Fatal(n, added)
		}
	}
}
