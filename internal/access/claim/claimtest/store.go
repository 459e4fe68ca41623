// Package claimtest owns the suite that every store of configurations and claims must pass.
package claimtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	acc1 ident.AccountID = "acc_1"
	acc2 ident.AccountID = "acc_2"
)

// Stores is what the suite is run on: an empty database.
type Stores struct {
	Runner  tx.Runner
	Store   claim.Store
	Engine  access.ResourceStore // the same store, as the engine reads it
	Records access.RecordStore
}

// RunStore is the suite. Open gives empty stores.
func RunStore(t *testing.T, open func(t *testing.T) Stores) {
	for name, test := range map[string]func(Stores, *testing.T){
		"configurations": Stores.configurations, "named": Stores.named, "claims": Stores.claims,
	} {
		t.Run(name, func(t *testing.T) { test(open(t), t) })
	}
}

func (s Stores) in(t *testing.T, account ident.AccountID, fn func(context.Context, tx.Tx) error) {
	t.Helper()
	if err := s.Runner.Write(t.Context(), tx.In(account), fn); err != nil {
		t.Fatal(err)
	}
}

func config(resource string, at time.Time, permissions ...claim.Permission) claim.Config {
	return claim.Config{Resource: resource, Permissions: permissions, LastUpdated: at}
}

func (s Stores) configurations(t *testing.T) {
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	open := claim.Permission{Action: claim.Public, Allow: true}
	first := config("b", at, open, claim.Permission{Action: claim.Claim})
	second := config("b", at.Add(time.Hour), claim.Permission{Action: claim.Claim, Allow: true})
	for _, c := range []claim.Config{first, config("a/*", at, open), config("c", at, open)} {
		s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error { return s.Store.Put(ctx, tr, acc1, c) })
	}
	s.in(t, acc2, func(ctx context.Context, tr tx.Tx) error {
		_, err := s.Store.Config(ctx, tr, acc2, "b")
		_, lockErr := s.Store.Lock(ctx, tr, acc2, "b")
		if !fault.Is(err, fault.NotFound) || !fault.Is(lockErr, fault.NotFound) {
			t.Errorf("another account: %v, %v", err, lockErr)
		}
		return s.Store.Put(ctx, tr, acc2, config("z", at, open))
	})
	for _, want := range []claim.Config{first, second} {
		s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
			err := s.Store.Put(ctx, tr, acc1, want)
			got, err2 := s.Store.Config(ctx, tr, acc1, "b")
			locked, err3 := s.Store.Lock(ctx, tr, acc1, "b")
			if diff := cmp.Diff(want, got) + cmp.Diff(want, locked); diff != "" {
				t.Errorf("Config: %s", diff)
			}
			effective, err4 := s.Engine.Get(ctx, tr, acc1, "b")
			none, err5 := s.Engine.Get(ctx, tr, acc1, "elsewhere")
			if effective != want.Effective() || none != (access.ResourceConfig{Resource: "elsewhere"}) {
				t.Errorf("%+v, %+v", effective, none)
			}
			return errors.Join(err, err2, err3, err4, err5)
		})
	}
	var seen []string
	err := s.Runner.Read(t.Context(), tx.System(), func(ctx context.Context, tr tx.Tx) error {
		page, err := s.Store.List(ctx, tr, acc1, "a/*", 1)
		all, err2 := s.Store.List(ctx, tr, acc1, "", 10)
		if len(page) != 1 || page[0].Resource != "b" || len(all) != 3 {
			t.Errorf("%v, %v", page, all)
		}
		return errors.Join(err, err2, s.Engine.Each(ctx, tr, func(a ident.AccountID, c access.ResourceConfig) error {
			seen = append(seen, fmt.Sprint(a, c))
			return nil
		}))
	})
	if got := fmt.Sprint(seen); err != nil || got != "[acc_1{a/* true false} acc_1{b false true} acc_1{c true false} acc_2{z true false}]" {
		t.Error(got, err)
	}
}

func (s Stores) named(t *testing.T) {
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	give := func(account ident.AccountID, id ident.RecordID, resource string) {
		s.in(t, account, func(ctx context.Context, tr tx.Tx) error {
			_, err := s.Records.Create(ctx, tr, account, access.Record{ID: id, Name: "n", Status: access.Active, LastUpdated: at, Users: []ident.UserID{"u"},
				Statements: []access.Statement{{Roles: []ident.RoleID{access.Owner}, Resources: []string{resource}}}})
			return err
		})
	}
	for i, resource := range []string{"*", "col/*", "col/*/x", "col", "col/10", "col/1-a", "col/1.a", "/deep/1/x/y/", "self/1", "star/1/*", "mid/1/*/z", "Case/1"} {
		give(acc1, ident.RecordID(fmt.Sprint("rec_", i)), resource)
	}
	give(acc2, "rec_1", "col/1")
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		return s.Store.Put(ctx, tr, acc1, config("conf/1", at, claim.Permission{Action: claim.Public, Allow: true}))
	})
	is := func(resource string, want bool) {
		t.Helper()
		s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
			got, err := s.Store.Named(ctx, tr, acc1, resource)
			if got != want {
				t.Errorf("%s: %v", resource, got)
			}
			return err
		})
	}
	for resource, want := range map[string]bool{
		"col/1": false, "col/10": true, "col/1-a": true, "col/2": false, "deep/1": true, "deep/1/x": true, "deep/1/x/y/z": false,
		"deep/2": false, "self/1": true, "self/1/x": false, "star/1": true, "mid/1": true, "case/1": false, "Case/1": true, "conf/1": true, "conf/2": false,
		"col/": true, "co": false, "de%p": false, "d_ep/1": false,
	} {
		if resource == "col/" {
			continue // not canonical; nobody asks so
		}
		is(resource, want)
	}
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		gone := access.Record{ID: "rec_8", Name: "n", Status: access.Deleted, LastUpdated: at.Add(time.Second), Statements: []access.Statement{{Roles: []ident.RoleID{access.Owner}, Resources: []string{"self/1"}}}}
		won, err := s.Records.Replace(ctx, tr, acc1, gone, at)
		if !won {
			t.Error("not replaced")
		}
		return errors.Join(err, s.Store.Put(ctx, tr, acc1, config("conf/1", at, claim.Permission{Action: claim.Public})))
	})
	is("self/1", false)
	is("conf/1", false)
}

func (s Stores) claims(t *testing.T) {
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	count := func(account ident.AccountID, by ident.UserID, want int) {
		t.Helper()
		s.in(t, account, func(ctx context.Context, tr tx.Tx) error {
			got, err := s.Store.Count(ctx, tr, account, by, 2)
			if got != want {
				t.Errorf("%s %s: %d; want %d", account, by, got, want)
			}
			return err
		})
	}
	for i := range 3 {
		id := ident.RecordID(fmt.Sprint("rec_", i))
		s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
			status := access.Active
			if i == 0 {
				status = access.Deleted
			}
			_, err := s.Records.Create(ctx, tr, acc1, access.Record{ID: id, Name: "n", Status: status, LastUpdated: at})
			return errors.Join(err, s.Store.Claim(ctx, tr, acc1, claim.Claimed{Resource: fmt.Sprint("a/", i), Record: id, By: "ann"}))
		})
	}
	count(acc1, "ann", 2)
	count(acc1, "bob", 0)
	count(acc2, "ann", 0)
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		return s.Store.Claim(ctx, tr, acc1, claim.Claimed{Resource: "a/1", Record: "rec_1", By: "bob"})
	})
	count(acc1, "ann", 1)
	count(acc1, "bob", 1)
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error { return s.Store.Forget(ctx, tr, acc1, "ann") })
	count(acc1, "ann", 0)
	count(acc1, "bob", 1)
}
