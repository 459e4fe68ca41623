// Package accounttest owns the suite that every store of accounts must pass.
package accounttest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store is what the suite tests.
type Store interface {
	account.Store
	account.HostStore
}

// RunStore runs the suite on an empty database.
func RunStore(t *testing.T, db tx.Runner, store Store, clk *clock.Fake) {
	s := suite{db, store, clk}
	t.Run("what is written is read", s.roundTrip)
	t.Run("a host has one account", s.hosts)
	t.Run("an account is made once", s.once)
}

type suite struct {
	db    tx.Runner
	store Store
	clk   *clock.Fake
}

// Build returns a valid account.
func Build(id ident.AccountID) account.Account {
	return account.Account{ID: id, Name: "Acme", LogoURL: "/assets/a.svg", AccentColor: "#112233", Settings: account.DefaultSettings()}
}

func (s suite) write(t *testing.T, scope tx.Scope, fn func(context.Context, tx.Tx) error) {
	t.Helper()
	if err := s.db.Write(t.Context(), scope, fn); err != nil {
		t.Fatal(err)
	}
}

func (s suite) insert(t *testing.T, a account.Account) {
	t.Helper()
	s.write(t, tx.In(a.ID), func(ctx context.Context, x tx.Tx) error {
		a.CreatedAt, a.UpdatedAt = x.Now(), x.Now()
		added, err := s.store.Insert(ctx, x, a)
		if err == nil && !added {
			t.Error("not added")
		}
		return err
	})
}

func (s suite) get(t *testing.T, scope tx.Scope, id ident.AccountID) (a account.Account, err error) {
	err = s.db.Read(t.Context(), scope, func(ctx context.Context, x tx.Tx) (err error) {
		a, err = s.store.Get(ctx, x, id)
		return err
	})
	return a, err
}

func (s suite) roundTrip(t *testing.T) {
	a := Build("acc_round")
	a.Settings.AccessTokenDuration, a.Settings.Locale = 17*time.Minute, "pt-BR"
	a.Settings.OAuth = account.OAuthSettings{
		Registration: account.RegistrationToken, DocumentHosts: []string{"app.example"}, Scopes: []string{"openid"}, Resources: []string{"https://mcp.example/"},
	}
	s.insert(t, a)
	got, err := s.get(t, tx.In(a.ID), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	a.CreatedAt, a.UpdatedAt = s.clk.Now(), s.clk.Now()
	if diff := cmp.Diff(a, got); diff != "" {
		t.Fatal(diff)
	}
	a.Name, a.LogoURL, a.AccentColor, a.Settings.SessionIdle = "Ümlaut", "", "", time.Hour
	s.write(t, tx.In(a.ID), func(ctx context.Context, x tx.Tx) error {
		ok, err := s.store.Update(ctx, x, a)
		if err == nil && !ok {
			t.Error("not updated")
		}
		return err
	})
	if got, _ = s.get(t, tx.In(a.ID), a.ID); !cmp.Equal(a, got) {
		t.Fatal(cmp.Diff(a, got))
	}
	if _, err := s.get(t, tx.In("acc_none"), "acc_none"); !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	s.write(t, tx.In("acc_none"), func(ctx context.Context, x tx.Tx) error {
		ok, err := s.store.Update(ctx, x, Build("acc_none"))
		if ok {
			t.Error("updated nothing")
		}
		return err
	})
}

func (s suite) hosts(t *testing.T) {
	s.insert(t, Build("acc_one"))
	s.insert(t, Build("acc_two"))
	add := func(id ident.AccountID, host string) (ok bool) {
		s.write(t, tx.In(id), func(ctx context.Context, x tx.Tx) (err error) {
			ok, err = s.store.AddHost(ctx, x, id, host)
			return err
		})
		return ok
	}
	remove := func(id ident.AccountID, host string) (ok bool) {
		s.write(t, tx.In(id), func(ctx context.Context, x tx.Tx) (err error) {
			ok, err = s.store.RemoveHost(ctx, x, id, host)
			return err
		})
		return ok
	}
	if !add("acc_one", "z.example.com") {
		t.Fatal("a free host is refused")
	}
	s.clk.Advance(time.Second)
	if !add("acc_one", "a.example.com") || add("acc_one", "a.example.com") {
		t.Fatal("a host is added once")
	}
	if add("acc_two", "a.example.com") {
		t.Fatal("a host has two accounts")
	}
	if remove("acc_two", "a.example.com") {
		t.Fatal("another account removes the host")
	}
	a, err := s.get(t, tx.System(), "acc_one")
	if err != nil || !cmp.Equal(a.Hosts, []string{"z.example.com", "a.example.com"}) {
		t.Fatal(a.Hosts, err)
	}
	if !remove("acc_one", "a.example.com") || !add("acc_two", "a.example.com") {
		t.Fatal("a host that was given back is free")
	}
	err = s.db.Read(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
		all, err := s.store.All(ctx, x)
		hosts := map[ident.AccountID][]string{}
		for _, one := range all {
			hosts[one.ID] = one.Hosts
		}
		if !cmp.Equal(hosts["acc_one"], []string{"z.example.com"}) || !cmp.Equal(hosts["acc_two"], []string{"a.example.com"}) {
			t.Error(hosts)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s suite) once(t *testing.T) {
	var made atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			err := s.db.Write(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
				added, err := s.store.Insert(ctx, x, Build("acc_race"))
				if added {
					made.Add(1)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 {
		t.Fatalf("made %d times", made.Load())
	}
}
