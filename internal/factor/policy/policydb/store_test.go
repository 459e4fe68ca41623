package policydb_test

import (
	"context"
	"errors"
	"testing"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/factor/policy/policydb"
	"github.com/admit-id/admit/internal/factor/policy/policytest"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, policydb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		policytest.RunStore(t, db, policydb.Store{})
	})
}

// TestService: words that are not known and policies that lock everybody out are refused; what is written holds.
func TestService(t *testing.T) {
	sqldbtest.Each(t, policydb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		offer, held := policy.Offer{Passkeys: true}, factor.Held{}
		s := policy.New(policy.Deps{
			DB: db, Store: policydb.Store{}, Exists: func(s policy.Scope) bool { return s.Tenant != "none" },
			Offer: func(ident.AccountID) policy.Offer { return offer },
			Held:  func(context.Context, tx.Tx, ident.AccountID, ident.UserID) (factor.Held, error) { return held, nil },
		})
		by, account := actor.Actor{Kind: actor.User, Account: "acc_a", ID: "u"}, policy.Scope{Account: "acc_a"}
		passkeys := policy.Policy{First: []factor.Kind{factor.Passkey}}
		for name, p := range map[string]policy.Policy{
			"kind":       {First: []factor.Kind{"sms"}},
			"twice":      {First: []factor.Kind{factor.Passkey, factor.Passkey}},
			"second":     {Second: []factor.Kind{factor.EmailCode}},
			"codes only": {Second: []factor.Kind{factor.Recovery}},
			"when":       {SecondWhen: "sometimes"},
			"binding":    {Binding: "maybe"},
			"days":       {RememberDays: 366},
			"hours":      {RecoveryHours: -1},
			"model":      {Authenticators: []string{"YUBIKEY"}},
		} {
			if _, err := s.Put(t.Context(), by, account, p); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := s.Put(t.Context(), by, account, passkeys); !errors.Is(err, policy.ErrLocksOut) {
			t.Errorf("passkeys only, by somebody without: %v", err)
		}
		if _, err := s.Put(t.Context(), by, account, policy.Policy{First: []factor.Kind{factor.Password}}); !errors.Is(err, policy.ErrLocksOut) {
			t.Errorf("passwords only, without a connection: %v", err)
		}
		if _, err := s.Put(t.Context(), by, policy.Scope{Account: "acc_a", Tenant: "none"}, policy.Policy{}); !fault.Is(err, fault.NotFound) {
			t.Errorf("no such tenant: %v", err)
		}
		if _, err := s.Put(t.Context(), by, policy.Scope{Account: "acc_b"}, policy.Policy{}); !fault.Is(err, fault.NotFound) {
			t.Errorf("another account's: %v", err)
		}
		held.Passkeys = 1
		if _, err := s.Put(t.Context(), by, account, passkeys); err != nil {
			t.Fatal(err)
		}
		d := policy.NewDirectory(policydb.Store{})
		if err := db.Read(t.Context(), tx.System(), d.Load); err != nil {
			t.Fatal(err)
		}
		if d.Of("acc_a", "", "").AllowsFirst(factor.EmailCode) || !d.Of("acc_b", "", "").AllowsFirst(factor.EmailCode) {
			t.Error("the directory does not say what was written")
		}
		app := policy.Scope{Account: "acc_a", Application: "app"}
		if _, err := s.Put(t.Context(), by, app, policy.Policy{First: []factor.Kind{factor.EmailCode}}); !errors.Is(err, policy.ErrLocksOut) {
			t.Errorf("nothing in common with the account's: %v", err)
		}
		if _, err := s.Put(t.Context(), by, app, policy.Policy{SecondWhen: policy.WhenAlways}); err != nil {
			t.Fatal(err)
		}
		if err := db.Read(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
			return d.Apply(ctx, x, []feed.Change{{Account: "acc_a", Kind: policy.ChangeKind, Key: app.Key()}})
		}); err != nil {
			t.Fatal(err)
		}
		if d.Of("acc_a", "", "app").SecondWhen != policy.WhenAlways || d.Of("acc_a", "", "other").SecondWhen != policy.WhenHeld {
			t.Error("an application's policy is not its own")
		}
	})
}
