// Package policytest owns the suite that every store of sign-in policies must pass.
package policytest

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/tx"
)

// RunStore runs the suite on an empty database.
func RunStore(t *testing.T, db tx.Runner, store policy.Store) {
	account, tenant, app := policy.Scope{Account: "acc_a"}, policy.Scope{Account: "acc_a", Tenant: "x"}, policy.Scope{Account: "acc_a", Application: "x"}
	strict := policy.Policy{
		First: []factor.Kind{factor.Passkey}, Second: []factor.Kind{factor.TOTP}, SecondWhen: policy.WhenAlways, RememberDays: -1,
		Authenticators: []string{"00000000-0000-0000-0000-000000000001"}, Binding: policy.BindingRequired, RecoveryHours: 48, NoRecovery: true,
	}
	in := func(fn func(ctx context.Context, x tx.Tx) error) {
		t.Helper()
		if err := db.Write(t.Context(), tx.System(), fn); err != nil {
			t.Fatal(err)
		}
	}
	get := func(s policy.Scope) (p policy.Policy) {
		in(func(ctx context.Context, x tx.Tx) (err error) {
			p, err = store.Get(ctx, x, s)
			return err
		})
		return p
	}
	put := func(s policy.Scope, p policy.Policy) {
		in(func(ctx context.Context, x tx.Tx) error { return store.Put(ctx, x, policy.Entry{Scope: s, Policy: p}) })
	}
	if got := get(account); !cmp.Equal(got, policy.Policy{}) {
		t.Fatal(got)
	}
	put(account, policy.Policy{SecondWhen: policy.WhenAlways})
	put(account, policy.Policy{SecondWhen: policy.WhenNewDevice})
	put(tenant, strict)
	put(app, policy.Policy{RememberDays: 30})
	put(policy.Scope{Account: "acc_b"}, strict)
	for s, want := range map[policy.Scope]policy.Policy{account: {SecondWhen: policy.WhenNewDevice}, tenant: strict, app: {RememberDays: 30}} {
		if diff := cmp.Diff(want, get(s)); diff != "" {
			t.Errorf("%s: %s", s.Key(), diff)
		}
	}
	in(func(ctx context.Context, x tx.Tx) error {
		list, err := store.List(ctx, x, "acc_a")
		if err != nil {
			return err
		}
		all, err := store.All(ctx, x)
		if len(list) != 3 || len(all) != 4 {
			t.Errorf("%d of the account, %d in all", len(list), len(all))
		}
		for _, want := range []bool{true, false} {
			got, err := store.Remove(ctx, x, tenant)
			if err != nil || got != want {
				t.Errorf("removed: %v, %v", got, err)
			}
		}
		return err
	})
	if got := get(tenant); !cmp.Equal(got, policy.Policy{}) || cmp.Equal(get(app), policy.Policy{}) {
		t.Error("the wrong one was removed")
	}
}
