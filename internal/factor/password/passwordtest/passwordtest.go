// Package passwordtest owns the suite that every password.Store must pass.
package passwordtest

import (
	"context"
	"testing"

	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// RunStore runs the suite on an empty store, the runner of its units of work and its clock.
func RunStore(t *testing.T, s password.Store, db tx.Runner, clk *clock.Fake) {
	in := func(fn func(ctx context.Context, t tx.Tx) error) error {
		return db.Write(context.Background(), tx.System(), fn)
	}
	kept := func(account ident.AccountID, user ident.UserID, version string) password.Kept {
		return password.Kept{Account: account, User: user, Version: version, Sealed: []byte("sealed " + version), SetAt: clk.Now()}
	}
	get := func(account ident.AccountID, user ident.UserID) (k password.Kept, err error) {
		err = in(func(ctx context.Context, t tx.Tx) error {
			k, err = s.Get(ctx, t, account, user)
			return err
		})
		return k, err
	}
	want := func(version string) {
		t.Helper()
		if k, err := get("a", "u"); err != nil || k.Version != version || string(k.Sealed) != "sealed "+version || !k.SetAt.Equal(clk.Now()) || !k.UsedAt.IsZero() {
			t.Errorf("%+v, %v; want %s", k, err, version)
		}
	}
	insert := func(k password.Kept) (ok bool) {
		t.Helper()
		if err := in(func(ctx context.Context, t tx.Tx) (err error) {
			ok, err = s.Insert(ctx, t, k)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return ok
	}
	replace := func(old, next password.Kept) error {
		return in(func(ctx context.Context, t tx.Tx) error { return s.Replace(ctx, t, old, next) })
	}
	if !insert(kept("a", "u", "v1")) || insert(kept("a", "u", "v2")) {
		t.Error("inserted over another, or not at all")
	}
	want("v1")
	for _, other := range []password.Kept{kept("a", "x", "v1"), kept("b", "u", "v1")} {
		if _, err := get(other.Account, other.User); !fault.Is(err, fault.NotFound) {
			t.Error("another's:", err)
		}
		if err := replace(other, other); !fault.Is(err, fault.NotFound) {
			t.Error("another's was replaced:", err)
		}
	}
	if err := replace(kept("a", "u", "v0"), kept("a", "u", "v3")); !fault.Is(err, fault.NotFound) {
		t.Error("another version was replaced:", err)
	}
	if err := replace(kept("a", "u", "v1"), kept("a", "u", "v3")); err != nil {
		t.Error(err)
	}
	want("v3")
	if err := in(func(ctx context.Context, t tx.Tx) error { return s.Put(ctx, t, kept("a", "u", "v4")) }); err != nil {
		t.Error(err)
	}
	want("v4")
	for _, short := range []bool{true, false} {
		k := kept("a", "u", "v4")
		k.Short = short
		if err := replace(k, k); err != nil {
			t.Error(err)
		}
		if got, err := get("a", "u"); err != nil || got.Short != short {
			t.Errorf("%+v, %v", got, err)
		}
	}
	remove := func() error {
		return in(func(ctx context.Context, t tx.Tx) error { return s.Remove(ctx, t, "a", "u") })
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
	if err := remove(); !fault.Is(err, fault.NotFound) {
		t.Error("removed twice:", err)
	}
}
