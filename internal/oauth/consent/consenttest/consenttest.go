// Package consenttest owns the suite that every store of consents must pass.
package consenttest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/consent"
)

// RunStore is the suite, on an empty store.
func RunStore(t *testing.T, db tx.Runner, store consent.Store) {
	ctx := context.Background()
	in := func(account ident.AccountID, fn func(context.Context, tx.Tx) error) {
		t.Helper()
		if err := db.Write(ctx, tx.In(account), fn); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	made := func(account ident.AccountID, user ident.UserID, client string) consent.Consent {
		return consent.Consent{Account: account, User: user, Client: client, Name: "Name of " + client, CreatedAt: at, UpdatedAt: at, Answers: []consent.Answer{
			{Scopes: []string{"openid"}, Resources: []string{"https://api.example"}, Details: []json.RawMessage{json.RawMessage(`{"type":"x"}`)}, At: at},
		}}
	}
	for _, c := range []consent.Consent{made("a", "u1", "app_1"), made("a", "u1", "https://x.example/y"), made("a", "u2", "app_1"), made("b", "u1", "app_1")} {
		in(c.Account, func(ctx context.Context, tt tx.Tx) error { return store.Put(ctx, tt, c) })
	}
	in("a", func(ctx context.Context, tt tx.Tx) error {
		next := made("a", "u1", "app_1")
		next.Answers, next.Name, next.UpdatedAt = append(next.Answers, consent.Answer{Scopes: []string{"email"}, At: at}), "New", at.Add(time.Hour)
		if err := store.Put(ctx, tt, next); err != nil {
			return err
		}
		got, err := store.Lock(ctx, tt, "a", "u1", "app_1")
		if diff := cmp.Diff(next, got); diff != "" {
			t.Error(diff)
		}
		return err
	})
	in("a", func(ctx context.Context, tt tx.Tx) error {
		list, err := store.List(ctx, tt, "a", "u1", 10)
		if len(list) != 2 || list[0].Client != "app_1" || list[1].Client != "https://x.example/y" {
			t.Errorf("%+v", list)
		}
		return err
	})
	absent := func(account ident.AccountID, user ident.UserID, client string) {
		t.Helper()
		in(account, func(ctx context.Context, tt tx.Tx) error {
			_, err := store.Get(ctx, tt, account, user, client)
			_, err2 := store.Lock(ctx, tt, account, user, client)
			if !fault.Is(err, fault.NotFound) || !fault.Is(err2, fault.NotFound) {
				t.Errorf("%s %s %s: %v %v", account, user, client, err, err2)
			}
			return nil
		})
	}
	for want := range 2 {
		in("a", func(ctx context.Context, tt tx.Tx) error {
			there, err := store.Delete(ctx, tt, "a", "u1", "https://x.example/y")
			if there != (want == 0) {
				t.Error("deleted twice, or never")
			}
			return err
		})
	}
	absent("a", "u1", "https://x.example/y")
	in("a", func(ctx context.Context, tt tx.Tx) error { return store.DeleteUser(ctx, tt, "a", "u1") })
	absent("a", "u1", "app_1")
	in("a", func(ctx context.Context, tt tx.Tx) error { return store.DeleteClient(ctx, tt, "a", "app_1") })
	absent("a", "u2", "app_1")
	in("b", func(ctx context.Context, tt tx.Tx) error { // another account's stays
		got, err := store.Get(ctx, tt, "b", "u1", "app_1")
		if got.Name != "Name of app_1" {
			t.Errorf("%+v", got)
		}
		return err
	})
}
