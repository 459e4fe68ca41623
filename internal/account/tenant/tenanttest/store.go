// Package tenanttest owns the suite that every store of tenants must pass.
package tenanttest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/account/tenant"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Stores is what the suite tests.
type Stores struct {
	DB      tx.Runner
	Store   tenant.Store
	Members tenant.MemberStore
}

const (
	one   ident.AccountID = "acc_one"
	other ident.AccountID = "acc_other"
)

// RunStore runs the suite; each part gets an empty database.
func RunStore(t *testing.T, open func(t *testing.T) Stores) {
	for name, test := range map[string]func(*testing.T, Stores){
		"what is written is read": roundTrip, "a name leads to one tenant": names,
		"members": members, "pages": pages,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// Build returns a valid tenant.
func Build(account ident.AccountID, id ident.TenantID) tenant.Tenant {
	return tenant.Tenant{Account: account, ID: id, Name: "Acme Corporation", Lookup: "Acme", Domains: []string{"acme.test", "acme.example"},
		Connection: "con_acme", TokenLife: time.Hour, SessionLife: 48 * time.Hour}
}

func (s Stores) write(t *testing.T, account ident.AccountID, fn func(context.Context, tx.Tx) error) {
	t.Helper()
	if err := s.DB.Write(t.Context(), tx.In(account), fn); err != nil {
		t.Fatal(err)
	}
}

func (s Stores) insert(t *testing.T, n tenant.Tenant, want bool) {
	t.Helper()
	s.write(t, n.Account, func(ctx context.Context, x tx.Tx) error {
		n.CreatedAt, n.UpdatedAt = x.Now(), x.Now()
		got, err := s.Store.Insert(ctx, x, n)
		if err == nil && got != want {
			t.Errorf("inserted %v, want %v", got, want)
		}
		return err
	})
}

func (s Stores) get(t *testing.T, account ident.AccountID, id ident.TenantID) (n tenant.Tenant, err error) {
	t.Helper()
	s.write(t, account, func(ctx context.Context, x tx.Tx) error {
		n, err = s.Store.Get(ctx, x, account, id)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		return nil
	})
	return n, err
}

func roundTrip(t *testing.T, s Stores) {
	n := Build(one, "ten_a")
	s.insert(t, n, true)
	s.insert(t, n, false)
	s.insert(t, Build(other, "ten_a"), true)
	got, err := s.get(t, one, "ten_a")
	if err != nil {
		t.Fatal(err)
	}
	n.CreatedAt, n.UpdatedAt = got.CreatedAt, got.UpdatedAt
	if diff := cmp.Diff(n, got); diff != "" || got.CreatedAt.IsZero() {
		t.Error(diff)
	}
	if _, err := s.get(t, "acc_third", "ten_a"); !fault.Is(err, fault.NotFound) {
		t.Error("found in another account:", err)
	}
	n.Name, n.Lookup, n.Domains, n.Connection, n.TokenLife, n.SessionLife = "Other", "", nil, "", 0, 0
	s.write(t, one, func(ctx context.Context, x tx.Tx) error {
		n.UpdatedAt = x.Now()
		ok, err := s.Store.Update(ctx, x, n)
		if !ok {
			t.Error("not updated")
		}
		return err
	})
	if got, _ = s.get(t, one, "ten_a"); got.Name != "Other" || len(got.Domains) != 0 || got.TokenLife != 0 {
		t.Errorf("after the update: %+v", got)
	}
	if got, _ = s.get(t, other, "ten_a"); got.Name != "Acme Corporation" {
		t.Errorf("the other account's tenant changed: %+v", got)
	}
	for _, want := range []bool{true, false} {
		s.write(t, one, func(ctx context.Context, x tx.Tx) error {
			ok, err := s.Store.Delete(ctx, x, one, "ten_a")
			if ok != want {
				t.Errorf("deleted %v, want %v", ok, want)
			}
			return err
		})
	}
	if _, err := s.get(t, one, "ten_a"); !fault.Is(err, fault.NotFound) {
		t.Error("still there:", err)
	}
	s.insert(t, Build(one, "ten_a"), false) // an id is never used twice
	if err := s.DB.Read(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
		all, err := s.Store.All(ctx, x)
		if len(all) != 1 || all[0].Account != other {
			t.Errorf("all: %+v", all)
		}
		if err != nil {
			return err
		}
		gone, err := s.Store.Gone(ctx, x)
		if diff := cmp.Diff(map[ident.AccountID][]ident.TenantID{one: {"ten_a"}}, gone); diff != "" {
			t.Error("gone:", diff)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, s Stores) {
	set := func(account ident.AccountID, id ident.TenantID, want bool, list ...string) {
		t.Helper()
		undo := fault.New(fault.Conflict, fault.CodeConflict, "taken")
		err := s.DB.Write(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) error {
			ok, err := s.Store.SetNames(ctx, x, account, id, list)
			if err == nil && !ok {
				return undo
			}
			return err
		})
		if (err == nil) != want || err != nil && !fault.Is(err, fault.Conflict) {
			t.Errorf("%s gets %v: %v, want %v", id, list, err, want)
		}
	}
	s.insert(t, Build(one, "ten_a"), true)
	s.insert(t, Build(one, "ten_b"), true)
	s.insert(t, Build(other, "ten_a"), true)
	set(one, "ten_a", true, "acme", "acme.test")
	set(one, "ten_b", false, "b", "acme.test") // a domain of another
	set(one, "ten_b", false, "acme")           // a lookup identifier of another
	set(other, "ten_a", true, "acme", "acme.test")
	set(one, "ten_a", true, "acme")
	set(one, "ten_b", true, "acme.test") // which was given back
	s.write(t, one, func(ctx context.Context, x tx.Tx) error {
		_, err := s.Store.Delete(ctx, x, one, "ten_a")
		return err
	})
	set(one, "ten_b", true, "acme", "acme.test")
}

func members(t *testing.T, s Stores) {
	s.insert(t, Build(one, "ten_a"), true)
	s.insert(t, Build(one, "ten_b"), true)
	s.write(t, one, func(ctx context.Context, x tx.Tx) error {
		for _, step := range []struct {
			tenant ident.TenantID
			user   ident.UserID
			want   bool
		}{{"ten_a", "u1", true}, {"ten_a", "u1", false}, {"ten_a", "u2", true}, {"ten_b", "u1", true}, {"ten_a", "u3", true}} {
			added, err := s.Members.Add(ctx, x, one, step.tenant, step.user)
			if err != nil || added != step.want {
				t.Errorf("%v: added %v, %v", step, added, err)
			}
		}
		return nil
	})
	check := func(account ident.AccountID, id ident.TenantID, want ...ident.UserID) {
		t.Helper()
		s.write(t, account, func(ctx context.Context, x tx.Tx) error {
			got, err := s.Members.Members(ctx, x, account, id, "", 10)
			if diff := cmp.Diff(append([]ident.UserID{}, want...), append([]ident.UserID{}, got...)); diff != "" {
				t.Error(id, diff)
			}
			return err
		})
	}
	check(one, "ten_a", "u1", "u2", "u3")
	check(other, "ten_a")
	s.write(t, one, func(ctx context.Context, x tx.Tx) error {
		rest, err := s.Members.Members(ctx, x, one, "ten_a", "u1", 1)
		if err != nil || len(rest) != 1 || rest[0] != "u2" {
			t.Errorf("after u1: %v, %v", rest, err)
		}
		of, err := s.Members.TenantsOf(ctx, x, one, "u1")
		if diff := cmp.Diff([]ident.TenantID{"ten_a", "ten_b"}, of); diff != "" || err != nil {
			t.Error(diff, err)
		}
		is, err := s.Members.Is(ctx, x, one, "ten_b", "u2")
		if is || err != nil {
			t.Error("u2 is no member of ten_b", err)
		}
		if removed, err := s.Members.Remove(ctx, x, one, "ten_a", "u2"); !removed || err != nil {
			t.Error(removed, err)
		}
		_, err = s.Members.Forget(ctx, x, one, "u1")
		return err
	})
	check(one, "ten_a", "u3")
	check(one, "ten_b")
	s.write(t, one, func(ctx context.Context, x tx.Tx) error {
		_, err := s.Store.Delete(ctx, x, one, "ten_a")
		return err
	})
	check(one, "ten_a")
}

func pages(t *testing.T, s Stores) {
	for _, id := range []ident.TenantID{"ten_c", "ten_a", "ten_b"} {
		n := Build(one, id)
		n.Name = "Name of " + string(id)
		s.insert(t, n, true)
	}
	list := func(q tenant.Query, want ...ident.TenantID) {
		t.Helper()
		s.write(t, one, func(ctx context.Context, x tx.Tx) error {
			page, err := s.Store.List(ctx, x, one, q)
			got := []ident.TenantID{}
			for _, n := range page {
				got = append(got, n.ID)
			}
			if diff := cmp.Diff(append([]ident.TenantID{}, want...), got); diff != "" {
				t.Error(diff)
			}
			return err
		})
	}
	list(tenant.Query{Limit: 2}, "ten_a", "ten_b")
	list(tenant.Query{Limit: 2, After: "ten_b"}, "ten_c")
	list(tenant.Query{Limit: 9, Filter: "of ten_b"}, "ten_b")
	list(tenant.Query{Limit: 9, Filter: "%"})
}
