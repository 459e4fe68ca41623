package policy

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Directory answers from memory what is demanded. It follows the change feed (subscribe it to ChangeKind).
// Reading takes no lock.
type Directory struct {
	store    Store
	snapshot atomic.Pointer[map[ident.AccountID]map[string]Policy]
}

// NewDirectory makes an empty directory; the feed's follower fills it.
func NewDirectory(store Store) *Directory {
	d := &Directory{store: store}
	d.snapshot.Store(&map[ident.AccountID]map[string]Policy{})
	return d
}

// Of returns what is demanded of a sign-in to an application of an account, for a tenant. The last two
// may be empty.
func (d *Directory) Of(account ident.AccountID, tenant ident.TenantID, application ident.ApplicationID) Policy {
	all := (*d.snapshot.Load())[account]
	var below Policy
	if tenant != "" {
		below = all[Scope{Tenant: tenant}.Key()]
	}
	if application != "" {
		below = below.Merge(all[Scope{Application: application}.Key()])
	}
	return all[Scope{}.Key()].over(below)
}

// Everywhere returns what is demanded of a person at any of an account's applications, and for the tenants
// that they belong to: for what touches all of their sign-ins.
func (d *Directory) Everywhere(account ident.AccountID, tenants []ident.TenantID) Policy {
	all := (*d.snapshot.Load())[account]
	var below Policy
	for key, one := range all {
		switch {
		case key == Scope{}.Key():
		case slices.ContainsFunc(tenants, func(n ident.TenantID) bool { return key == Scope{Tenant: n}.Key() }), !ofTenant(key):
			below = below.Merge(one)
		}
	}
	return all[Scope{}.Key()].over(below)
}

// Load implements feed.Subscriber.
func (d *Directory) Load(ctx context.Context, t tx.Tx) error {
	all, err := d.store.All(ctx, t)
	if err != nil {
		return err
	}
	next := map[ident.AccountID]map[string]Policy{}
	for _, e := range all {
		if next[e.Account] == nil {
			next[e.Account] = map[string]Policy{}
		}
		next[e.Account][e.Key()] = e.Policy
	}
	d.snapshot.Store(&next)
	return nil
}

// Apply implements feed.Subscriber. The follower calls it from one goroutine.
func (d *Directory) Apply(ctx context.Context, t tx.Tx, changes []feed.Change) error {
	next := maps.Clone(*d.snapshot.Load())
	done := map[ident.AccountID]bool{}
	for _, c := range changes {
		if done[c.Account] {
			continue
		}
		done[c.Account] = true
		list, err := d.store.List(ctx, t, c.Account)
		if err != nil {
			return err
		}
		of := map[string]Policy{}
		for _, e := range list {
			of[e.Key()] = e.Policy
		}
		next[c.Account] = of
	}
	d.snapshot.Store(&next)
	return nil
}
