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

// Nor does the policy of a tenant or an application let browsers be remembered, or sessions go unbound, where the account's
// default is otherwise. The account's own word is another matter.
func TestNobodyBelowIsLaxer(t *testing.T) {
	lax := policy.Policy{RememberDays: 30, Binding: policy.BindingOff}
	of := func(s policy.Scope, p policy.Policy) policy.Entry { return policy.Entry{Scope: s, Policy: p} }
	var all []policy.Entry
	accounts := map[ident.AccountID]policy.Policy{
		"silent": {}, "other": {SecondWhen: policy.WhenAlways}, "lax": {RememberDays: 90, Binding: policy.BindingOff},
		"short": {RememberDays: 7, Binding: policy.BindingRequired}, "never": {RememberDays: -1},
	}
	for id, p := range accounts {
		if id != "silent" { // its word is the default because it has none
			all = append(all, of(policy.Scope{Account: id}, p))
		}
		all = append(all, of(policy.Scope{Account: id, Application: "app_1"}, lax), of(policy.Scope{Account: id, Tenant: "ten_1"}, lax))
	}
	d := policy.NewDirectory(entries{all: all})
	if err := d.Load(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for account, want := range map[ident.AccountID]policy.Policy{
		"silent": {}, "other": {}, "lax": {RememberDays: 30, Binding: policy.BindingOff},
		"short": {RememberDays: 7, Binding: policy.BindingRequired}, "never": {RememberDays: -1},
	} {
		for name, got := range map[string]policy.Policy{
			"application": d.Of(account, "", "app_1"), "tenant": d.Of(account, "ten_1", ""), "both": d.Of(account, "ten_1", "app_1"),
			"everywhere": d.Everywhere(account, []ident.TenantID{"ten_1"}),
		} {
			if got.RememberDays != want.RememberDays || got.Binding != want.Binding {
				t.Errorf("%s, %s: %d days, %q", account, name, got.RememberDays, got.Binding)
			}
		}
	}
}
