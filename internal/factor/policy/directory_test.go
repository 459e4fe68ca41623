package policy_test

import (
	"context"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

type entries struct {
	policy.Store
	all []policy.Entry
}

func (e entries) All(context.Context, tx.Tx) ([]policy.Entry, error) { return e.all, nil }

func TestEverywhere(t *testing.T) {
	of := func(s policy.Scope, hours int) policy.Entry {
		return policy.Entry{Scope: s, Policy: policy.Policy{RecoveryHours: hours}}
	}
	never := of(policy.Scope{Account: "a", Tenant: "ten_2"}, 0)
	never.NoRecovery = true
	d := policy.NewDirectory(entries{all: []policy.Entry{
		of(policy.Scope{Account: "a"}, 2), of(policy.Scope{Account: "a", Application: "app_1"}, 48), of(policy.Scope{Account: "a", Tenant: "ten_1"}, 72), never,
		of(policy.Scope{Account: "b"}, 99),
	}})
	if err := d.Load(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		tenants []ident.TenantID
		hours   int
		never   bool
	}{
		"of no tenant":   {nil, 48, false},
		"of one":         {[]ident.TenantID{"ten_1"}, 72, false},
		"of two":         {[]ident.TenantID{"ten_1", "ten_2"}, 72, true},
		"of a third one": {[]ident.TenantID{"ten_3"}, 48, false},
	} {
		if got := d.Everywhere("a", c.tenants); got.RecoveryHours != c.hours || got.NoRecovery != c.never {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Who may write the policy of one application, or of one tenant, does not shorten the wait that the account's default is.
func TestNobodyBelowShortensTheRecovery(t *testing.T) {
	of := func(s policy.Scope, hours int) policy.Entry {
		return policy.Entry{Scope: s, Policy: policy.Policy{RecoveryHours: hours}}
	}
	d := policy.NewDirectory(entries{all: []policy.Entry{
		of(policy.Scope{Account: "a", Application: "app_1"}, 1), of(policy.Scope{Account: "a", Tenant: "ten_1"}, 2),
		of(policy.Scope{Account: "b"}, 1), of(policy.Scope{Account: "b", Application: "app_1"}, 2),
		of(policy.Scope{Account: "c", Application: "app_1"}, 1), of(policy.Scope{Account: "c", Application: "app_2"}, 48),
	}})
	if err := d.Load(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for account, want := range map[ident.AccountID]time.Duration{"a": 24 * time.Hour, "b": 2 * time.Hour, "c": 48 * time.Hour, "d": 24 * time.Hour} {
		if got := d.Everywhere(account, []ident.TenantID{"ten_1"}).RecoveryDelay(); got != want {
			t.Errorf("%s, everywhere: %v, want %v", account, got, want)
		}
	}
	for name, got := range map[string]policy.Policy{"application": d.Of("a", "", "app_1"), "tenant": d.Of("a", "ten_1", ""), "both": d.Of("a", "ten_1", "app_1")} {
		if got.RecoveryDelay() != 24*time.Hour {
			t.Errorf("%s: %v", name, got.RecoveryDelay())
		}
	}
	if got := d.Of("b", "", ""); got.RecoveryDelay() != time.Hour { // the account itself may
		t.Error(got.RecoveryDelay())
	}
}
