package connection

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Directory holds the connections of every account in memory. Subscribe it to FeedKind.
type Directory struct {
	store Store
	mu    sync.RWMutex
	byKey map[ident.AccountID]map[ident.ConnectionID]Connection
}

// NewDirectory returns an empty directory; Load fills it.
func NewDirectory(store Store) *Directory {
	return &Directory{store: store, byKey: map[ident.AccountID]map[ident.ConnectionID]Connection{}}
}

// Get returns a connection that people can sign in with. One that is switched off or
// deleted is not there (I-11).
func (d *Directory) Get(account ident.AccountID, id ident.ConnectionID) (Connection, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	c, ok := d.byKey[account][id]
	if !ok && id == Email {
		return emailConnection(account), true
	}
	if !ok || !c.Active {
		return Connection{}, false
	}
	return c.clone(), true
}

// Active returns the connections that people can sign in with, by name; the built-in
// e-mail connection among them unless it is switched off.
func (d *Directory) Active(account ident.AccountID) []Connection {
	d.mu.RLock()
	defer d.mu.RUnlock()
	out := make([]Connection, 0, len(d.byKey[account])+1)
	if _, stored := d.byKey[account][Email]; !stored {
		out = append(out, emailConnection(account))
	}
	for _, c := range d.byKey[account] {
		if c.Active {
			out = append(out, c.clone())
		}
	}
	slices.SortFunc(out, func(a, b Connection) int {
		if n := strings.Compare(a.Name, b.Name); n != 0 {
			return n
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return out
}

// Load implements feed.Subscriber.
func (d *Directory) Load(ctx context.Context, t tx.Tx) error {
	all, err := d.store.All(ctx, t)
	if err != nil {
		return err
	}
	next := map[ident.AccountID]map[ident.ConnectionID]Connection{}
	for _, c := range all {
		put(next, c)
	}
	d.mu.Lock()
	d.byKey = next
	d.mu.Unlock()
	return nil
}

// Apply implements feed.Subscriber.
func (d *Directory) Apply(ctx context.Context, t tx.Tx, changes []feed.Change) error {
	for _, change := range changes {
		id := ident.ConnectionID(change.Key)
		c, err := d.store.Get(ctx, t, change.Account, id)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		d.mu.Lock()
		if err != nil {
			delete(d.byKey[change.Account], id)
		} else {
			put(d.byKey, c)
		}
		d.mu.Unlock()
	}
	return nil
}

func put(m map[ident.AccountID]map[ident.ConnectionID]Connection, c Connection) {
	if m[c.Account] == nil {
		m[c.Account] = map[ident.ConnectionID]Connection{}
	}
	m[c.Account][c.ID] = c.shown()
}
