// Package applicationtest owns the suite that every store of applications must pass.
package applicationtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	accountA ident.AccountID = "acc_a"
	accountB ident.AccountID = "acc_b"
)

// RunStore runs the suite on an empty database.
func RunStore(t *testing.T, db tx.Runner, store application.Source) {
	s := suite{db, store}
	t.Run("what is written is read", s.roundTrip)
	t.Run("accounts are apart", s.accounts)
	t.Run("an id is used once", s.tombstone)
	t.Run("changes wait for one another", s.together)
	t.Run("lists are paged and filtered", s.list)
}

type suite struct {
	db    tx.Runner
	store application.Source
}

func (s suite) write(t *testing.T, account ident.AccountID, fn func(context.Context, tx.Tx) error) {
	t.Helper()
	if err := s.db.Write(t.Context(), tx.In(account), fn); err != nil {
		t.Fatal(err)
	}
}

func (s suite) insert(t *testing.T, a application.Application) (added bool) {
	t.Helper()
	s.write(t, a.Account, func(ctx context.Context, x tx.Tx) (err error) {
		a.CreatedAt, a.UpdatedAt = x.Now(), x.Now()
		added, err = s.store.Insert(ctx, x, a)
		return err
	})
	return added
}

func (s suite) get(t *testing.T, account ident.AccountID, id ident.ApplicationID) (a application.Application, err error) {
	t.Helper()
	err = s.db.Read(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) (err error) {
		a, err = s.store.Get(ctx, x, account, id)
		return err
	})
	return a, err
}

// Build returns a valid application.
func Build(account ident.AccountID, id ident.ApplicationID) application.Application {
	return application.Application{
		Account: account, ID: id, Name: "Shop", RedirectURLs: []string{"https://shop.example/cb"}, RedirectMode: application.Exact,
		SessionType: application.MultiSession, Active: true, Tags: map[string]string{"team": "web"},
	}
}

func (s suite) roundTrip(t *testing.T) {
	a := Build(accountA, "app_round")
	a.AllowLoopbackTokens, a.CookieDomain = true, "shop.example"
	a.OAuth = application.OAuth{
		AuthMethod: application.AuthSecretBasic, JWKS: []byte(`{"keys":[]}`), GrantTypes: []string{application.GrantCode},
		AccessTokenLife: 7 * time.Minute, TLSSubject: &application.TLSSubject{DN: "CN=a"}, ThirdParty: true, RegistrationHash: []byte{1, 2},
		Secrets: []application.ClientSecret{{ID: "sec_1", Hash: []byte{3}, CreatedAt: time.Unix(1, 0).UTC()}},
	}
	if !s.insert(t, a) {
		t.Fatal("not added")
	}
	got, err := s.get(t, accountA, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	a.CreatedAt, a.UpdatedAt = got.CreatedAt, got.UpdatedAt
	if diff := cmp.Diff(a, got); diff != "" || got.CreatedAt.IsZero() {
		t.Fatal(diff, got.CreatedAt)
	}
	a.Name, a.RedirectMode, a.RedirectURLs, a.Tags = "Other", application.Origin, nil, nil
	a.SessionType, a.AllowLoopbackTokens, a.CookieDomain = application.SingleSession, false, ""
	s.write(t, accountA, func(ctx context.Context, x tx.Tx) error {
		ok, err := s.store.Update(ctx, x, a)
		if err == nil && !ok {
			t.Error("not updated")
		}
		return err
	})
	if got, _ = s.get(t, accountA, a.ID); !cmp.Equal(a, got) {
		t.Fatal(cmp.Diff(a, got))
	}
}

// together changes one application from many units of work; none undoes another.
func (s suite) together(t *testing.T) {
	a := Build(accountA, "app_together")
	a.Tags = nil
	s.insert(t, a)
	const changes = 8
	var wg sync.WaitGroup
	for n := range changes {
		wg.Go(func() {
			err := s.db.Write(t.Context(), tx.In(accountA), func(ctx context.Context, x tx.Tx) error {
				a, err := s.store.Lock(ctx, x, accountA, a.ID)
				if err != nil {
					return err
				}
				a.RedirectURLs = append(a.RedirectURLs, fmt.Sprintf("https://shop.example/%d", n))
				_, err = s.store.Update(ctx, x, a)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, err := s.get(t, accountA, a.ID); err != nil || len(got.RedirectURLs) != changes+1 {
		t.Error(got.RedirectURLs, err)
	}
}

func (s suite) accounts(t *testing.T) {
	a := Build(accountA, "app_apart")
	s.insert(t, a)
	if _, err := s.get(t, accountB, a.ID); !fault.Is(err, fault.NotFound) {
		t.Fatalf("another account reads it: %v", err)
	}
	other := a
	other.Account, other.Name = accountB, "taken over"
	s.write(t, accountB, func(ctx context.Context, x tx.Tx) error {
		updated, err := s.store.Update(ctx, x, other)
		if err != nil {
			return err
		}
		removed, err := s.store.Remove(ctx, x, accountB, a.ID)
		if updated || removed {
			t.Error("another account changes it")
		}
		return err
	})
	if !s.insert(t, other) {
		t.Error("the same id is free in another account")
	}
	if got, _ := s.get(t, accountA, a.ID); got.Name != a.Name {
		t.Errorf("name %q", got.Name)
	}
}

func (s suite) tombstone(t *testing.T) {
	a := Build(accountA, "app_gone")
	s.insert(t, a)
	if s.insert(t, a) {
		t.Fatal("added twice")
	}
	remove := func() (ok bool) {
		s.write(t, accountA, func(ctx context.Context, x tx.Tx) (err error) {
			ok, err = s.store.Remove(ctx, x, accountA, a.ID)
			return err
		})
		return ok
	}
	if !remove() || remove() {
		t.Fatal("removal must work once")
	}
	if _, err := s.get(t, accountA, a.ID); !fault.Is(err, fault.NotFound) {
		t.Fatalf("a removed application is read: %v", err)
	}
	if s.insert(t, a) {
		t.Fatal("a used id is free again")
	}
	s.write(t, accountA, func(ctx context.Context, x tx.Tx) error {
		ok, err := s.store.Update(ctx, x, a)
		if ok {
			t.Error("a removed application is updated")
		}
		return err
	})
	err := s.db.Read(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
		all, err := s.store.All(ctx, x)
		for _, one := range all {
			if one.ID == a.ID {
				t.Error("All shows a removed application")
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s suite) list(t *testing.T) {
	const account ident.AccountID = "acc_list"
	for i := range 5 {
		a := Build(account, ident.ApplicationID(fmt.Sprintf("app_%d", i)))
		a.Name = fmt.Sprintf("Name %d 100%%", i)
		s.insert(t, a)
	}
	list := func(q application.Query) (ids []string) {
		err := s.db.Read(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) error {
			all, err := s.store.List(ctx, x, account, q)
			for _, a := range all {
				ids = append(ids, string(a.ID))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	for _, c := range []struct {
		q    application.Query
		want []string
	}{
		{application.Query{Limit: 2}, []string{"app_0", "app_1"}},
		{application.Query{Limit: 9, After: "app_2"}, []string{"app_3", "app_4"}},
		{application.Query{Limit: 9, Filter: "name 3"}, []string{"app_3"}},
		{application.Query{Limit: 9, Filter: "4 100%"}, []string{"app_4"}},
		{application.Query{Limit: 9, Filter: "1%"}, nil},
		{application.Query{Limit: 9, Filter: "app_"}, []string{"app_0", "app_1", "app_2", "app_3", "app_4"}},
		{application.Query{Limit: 9, Filter: `app\_`}, nil},
	} {
		if got := list(c.q); !cmp.Equal(got, c.want) {
			t.Errorf("%+v: %v", c.q, got)
		}
	}
}
