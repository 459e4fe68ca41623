// Package serviceclienttest owns the suite that every store of service clients must pass.
package serviceclienttest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/serviceclient"
)

// Store is what the suite tests.
type Store interface {
	serviceclient.Store
	serviceclient.KeyStore
}

const account ident.AccountID = "acc_a"

// RunStore runs the suite on an empty database.
func RunStore(t *testing.T, db tx.Runner, store Store, clk *clock.Fake) {
	s := suite{db, store, clk}
	t.Run("what is written is read", s.roundTrip)
	t.Run("keys come and go", s.keys)
	t.Run("five keys, also in a race", s.limit)
	t.Run("accounts are apart", s.accounts)
	t.Run("a deleted client is gone", s.remove)
	t.Run("lists", s.list)
}

type suite struct {
	db    tx.Runner
	store Store
	clk   *clock.Fake
}

// Build returns a valid client.
func Build(id ident.ServiceClientID) serviceclient.Client {
	return serviceclient.Client{
		AccountID: account, ID: id, Name: "Builder", Options: serviceclient.Options{GrantTokenGeneration: true},
		RateLimits: []serviceclient.RateLimit{{Duration: "PT1H", Quota: 1000}}, Tags: map[string]string{"a": "b"},
	}
}

func key(id string) serviceclient.Key {
	return serviceclient.Key{KeyID: ident.KeyID(id), PublicKey: bytes.Repeat([]byte{7}, 32), SecretHash: bytes.Repeat([]byte{9}, 32)}
}

func (s suite) write(t *testing.T, fn func(context.Context, tx.Tx) error) {
	t.Helper()
	if err := s.db.Write(t.Context(), tx.In(account), fn); err != nil {
		t.Fatal(err)
	}
}

func (s suite) insert(t *testing.T, c serviceclient.Client) {
	t.Helper()
	s.write(t, func(ctx context.Context, x tx.Tx) error {
		c.CreatedAt, c.UpdatedAt = x.Now(), x.Now()
		return s.store.Insert(ctx, x, c)
	})
}

func (s suite) get(t *testing.T, id ident.ServiceClientID) (c serviceclient.Client, err error) {
	err = s.db.Read(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) (err error) {
		c, err = s.store.Get(ctx, x, account, id)
		return err
	})
	return c, err
}

func (s suite) add(t *testing.T, id ident.ServiceClientID, k string) (out serviceclient.Added) {
	t.Helper()
	s.write(t, func(ctx context.Context, x tx.Tx) (err error) {
		one := key(k)
		one.CreatedAt = x.Now()
		out, err = s.store.AddKey(ctx, x, account, id, one, serviceclient.MaxActiveKeys)
		return err
	})
	return out
}

func (s suite) roundTrip(t *testing.T) {
	c := Build("sc_round")
	s.insert(t, c)
	got, err := s.get(t, c.ID)
	c.CreatedAt, c.UpdatedAt = s.clk.Now(), s.clk.Now()
	if err != nil || !cmp.Equal(c, got) {
		t.Fatal(err, cmp.Diff(c, got))
	}
	c.Name, c.Options, c.RateLimits, c.Tags = "", serviceclient.Options{GrantUserPermissionsAccess: true}, nil, nil
	s.write(t, func(ctx context.Context, x tx.Tx) error {
		ok, err := s.store.Update(ctx, x, c)
		if err == nil && !ok {
			t.Error("not updated")
		}
		return err
	})
	if got, _ = s.get(t, c.ID); !cmp.Equal(c, got) {
		t.Fatal(cmp.Diff(c, got))
	}
	if _, err := s.get(t, "sc_none"); !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
}

func (s suite) keys(t *testing.T) {
	s.insert(t, Build("sc_keys"))
	for _, k := range []string{"k2", "k1"} {
		if got := s.add(t, "sc_keys", k); got != serviceclient.KeyAdded {
			t.Fatal(got)
		}
		s.clk.Advance(time.Second)
	}
	c, _ := s.get(t, "sc_keys")
	if len(c.Keys) != 2 || c.Keys[0].KeyID != "k2" || !bytes.Equal(c.Keys[1].PublicKey, key("").PublicKey) || c.Keys[0].CreatedAt.IsZero() {
		t.Fatalf("%+v", c.Keys)
	}
	remove := func(k string) (ok bool) {
		s.write(t, func(ctx context.Context, x tx.Tx) (err error) {
			ok, err = s.store.RemoveKey(ctx, x, account, "sc_keys", ident.KeyID(k))
			return err
		})
		return ok
	}
	if !remove("k2") || remove("k2") || remove("none") {
		t.Fatal("a key is removed once")
	}
	if c, _ = s.get(t, "sc_keys"); len(c.Keys) != 1 || c.Keys[0].KeyID != "k1" {
		t.Fatalf("%+v", c.Keys)
	}
	if got := s.add(t, "sc_none", "k"); got != serviceclient.NoClient {
		t.Fatal(got)
	}
}

func (s suite) limit(t *testing.T) {
	s.insert(t, Build("sc_limit"))
	var added, refused atomic.Int32
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			switch s.add(t, "sc_limit", fmt.Sprint("k", i)) {
			case serviceclient.KeyAdded:
				added.Add(1)
			case serviceclient.TooManyKeys:
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	c, _ := s.get(t, "sc_limit")
	if added.Load() != 5 || refused.Load() != 7 || len(c.Keys) != 5 {
		t.Fatalf("added %d, refused %d, active %d", added.Load(), refused.Load(), len(c.Keys))
	}
	s.write(t, func(ctx context.Context, x tx.Tx) error {
		_, err := s.store.RemoveKey(ctx, x, account, "sc_limit", c.Keys[0].KeyID)
		return err
	})
	if s.add(t, "sc_limit", "again") != serviceclient.KeyAdded {
		t.Fatal("a removed key still counts")
	}
}

func (s suite) accounts(t *testing.T) {
	s.insert(t, Build("sc_apart"))
	s.add(t, "sc_apart", "k")
	const other ident.AccountID = "acc_b"
	err := s.db.Write(t.Context(), tx.In(other), func(ctx context.Context, x tx.Tx) error {
		if _, err := s.store.Get(ctx, x, other, "sc_apart"); !fault.Is(err, fault.NotFound) {
			t.Errorf("read: %v", err)
		}
		c := Build("sc_apart")
		c.AccountID = other
		updated, err := s.store.Update(ctx, x, c)
		if err != nil {
			return err
		}
		removed, err := s.store.Remove(ctx, x, other, "sc_apart")
		if err != nil {
			return err
		}
		gone, err := s.store.RemoveKey(ctx, x, other, "sc_apart", "k")
		if err != nil {
			return err
		}
		added, err := s.store.AddKey(ctx, x, other, "sc_apart", key("x"), 5)
		if updated || removed || gone || added != serviceclient.NoClient {
			t.Error("another account changes it", updated, removed, gone, added)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := s.get(t, "sc_apart"); err != nil || len(c.Keys) != 1 {
		t.Fatal(c, err)
	}
}

func (s suite) remove(t *testing.T) {
	s.insert(t, Build("sc_gone"))
	s.add(t, "sc_gone", "k")
	remove := func() (ok bool) {
		s.write(t, func(ctx context.Context, x tx.Tx) (err error) {
			ok, err = s.store.Remove(ctx, x, account, "sc_gone")
			return err
		})
		return ok
	}
	if !remove() || remove() {
		t.Fatal("a client is removed once")
	}
	if _, err := s.get(t, "sc_gone"); !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	if s.add(t, "sc_gone", "k2") != serviceclient.NoClient {
		t.Fatal("a removed client gets a key")
	}
	err := s.db.Read(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
		all, err := s.store.All(ctx, x)
		for _, c := range all {
			if c.ID == "sc_gone" {
				t.Error("All shows a removed client")
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s suite) list(t *testing.T) {
	for i := range 3 {
		c := Build(ident.ServiceClientID(fmt.Sprint("sc_zlist", i)))
		c.Name = fmt.Sprint("Pipeline_", i)
		s.insert(t, c)
		s.add(t, c.ID, "k")
	}
	list := func(q serviceclient.Query) (out []string) {
		err := s.db.Read(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) error {
			page, err := s.store.List(ctx, x, account, q)
			for _, c := range page {
				out = append(out, fmt.Sprint(c.ID, len(c.Keys)))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := list(serviceclient.Query{Limit: 2, After: "sc_zlist"}); !cmp.Equal(got, []string{"sc_zlist01", "sc_zlist11"}) {
		t.Fatal(got)
	}
	if got := list(serviceclient.Query{Limit: 9, Filter: "line_2"}); !cmp.Equal(got, []string{"sc_zlist21"}) {
		t.Fatal(got)
	}
	if got := list(serviceclient.Query{Limit: 9, Filter: "none"}); got != nil {
		t.Fatal(got)
	}
}
