package serviceclient

import (
	"context"
	"crypto/ed25519"
	"maps"
	"sync/atomic"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Directory answers from memory which service clients and keys are active. It follows the
// change feed (subscribe it to ChangeKind). Reading takes no lock.
type Directory struct {
	store    Store
	keys     KeyStore
	snapshot atomic.Pointer[map[ident.AccountID]map[ident.ServiceClientID]*entry]
	budgets  atomic.Pointer[map[budgetKey]*budget] // of the clients that have a rate limit
}

// entry is one active client; it never changes after it was built.
type entry struct {
	options Options
	keys    []Key
}

// NewDirectory makes an empty directory; the feed's follower fills it.
func NewDirectory(store Store, keys KeyStore) *Directory {
	d := &Directory{store: store, keys: keys}
	d.snapshot.Store(&map[ident.AccountID]map[ident.ServiceClientID]*entry{})
	d.budgets.Store(&map[budgetKey]*budget{})
	return d
}

func (d *Directory) find(account ident.AccountID, id ident.ServiceClientID) *entry {
	return (*d.snapshot.Load())[account][id]
}

// Key returns the public key of an active key of an active client. Its bytes are shared.
func (d *Directory) Key(account ident.AccountID, id ident.ServiceClientID, key ident.KeyID) (ed25519.PublicKey, bool) {
	if e := d.find(account, id); e != nil {
		for i := range e.keys {
			if e.keys[i].KeyID == key {
				return e.keys[i].PublicKey, true
			}
		}
	}
	return nil, false
}

// Keys returns the active keys of an active client, and false for an unknown client. The
// slice is shared: do not change it.
func (d *Directory) Keys(account ident.AccountID, id ident.ServiceClientID) ([]Key, bool) {
	e := d.find(account, id)
	if e == nil {
		return nil, false
	}
	return e.keys, true
}

// Options returns the options of an active client.
func (d *Directory) Options(account ident.AccountID, id ident.ServiceClientID) (Options, bool) {
	e := d.find(account, id)
	if e == nil {
		return Options{}, false
	}
	return e.options, true
}

// Active tells whether there is such a client now.
func (d *Directory) Active(account ident.AccountID, id ident.ServiceClientID) bool {
	return d.find(account, id) != nil
}

// Load implements feed.Subscriber.
func (d *Directory) Load(ctx context.Context, t tx.Tx) error {
	all, err := d.keys.All(ctx, t)
	if err != nil {
		return err
	}
	next := map[ident.AccountID]map[ident.ServiceClientID]*entry{}
	budgets := map[budgetKey]*budget{}
	for _, c := range all {
		d.budget(budgets, c.AccountID, c.ID, c.RateLimits)
		if next[c.AccountID] == nil {
			next[c.AccountID] = map[ident.ServiceClientID]*entry{}
		}
		next[c.AccountID][c.ID] = &entry{c.Options, c.Keys}
	}
	d.budgets.Store(&budgets)
	d.snapshot.Store(&next)
	return nil
}

// Apply implements feed.Subscriber. The follower calls it from one goroutine.
func (d *Directory) Apply(ctx context.Context, t tx.Tx, changes []feed.Change) error {
	next := maps.Clone(*d.snapshot.Load())
	budgets := maps.Clone(*d.budgets.Load())
	own := map[ident.AccountID]bool{} // the inner maps that are already copies
	for _, c := range changes {
		if !own[c.Account] {
			inner := maps.Clone(next[c.Account])
			if inner == nil {
				inner = map[ident.ServiceClientID]*entry{}
			}
			next[c.Account], own[c.Account] = inner, true
		}
		id := ident.ServiceClientID(c.Key)
		client, err := d.store.Get(ctx, t, c.Account, id)
		switch {
		case err == nil:
			next[c.Account][id] = &entry{client.Options, client.Keys}
			d.budget(budgets, c.Account, id, client.RateLimits)
		case fault.Is(err, fault.NotFound):
			delete(next[c.Account], id)
			d.budget(budgets, c.Account, id, nil)
		default:
			return err
		}
	}
	d.budgets.Store(&budgets)
	d.snapshot.Store(&next)
	return nil
}
