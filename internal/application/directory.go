package application

import (
	"context"
	"maps"
	"sync/atomic"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Directory answers from memory which applications there are. It follows the change feed
// (subscribe it to ChangeKind). Reading takes no lock.
type Directory struct {
	source   Source
	snapshot atomic.Pointer[map[ident.AccountID]*shelf]
}

// shelf holds one account's applications; it never changes after it was built.
type shelf struct {
	byID    map[ident.ApplicationID]Application
	origins map[string]ident.ApplicationID
}

// NewDirectory makes an empty directory; the feed's follower fills it.
func NewDirectory(source Source) *Directory {
	d := &Directory{source: source}
	d.snapshot.Store(&map[ident.AccountID]*shelf{})
	return d
}

// Get returns an active application. The value is shared: do not change its slices or maps.
func (d *Directory) Get(account ident.AccountID, id ident.ApplicationID) (Application, bool) {
	s := (*d.snapshot.Load())[account]
	if s == nil {
		return Application{}, false
	}
	a, ok := s.byID[id]
	return a, ok
}

// ByOrigin returns the active application with the lowest id that has a redirect URL of
// exactly this origin, spelled as a browser's Origin header.
func (d *Directory) ByOrigin(account ident.AccountID, origin string) (Application, bool) {
	s := (*d.snapshot.Load())[account]
	if s == nil {
		return Application{}, false
	}
	id, ok := s.origins[origin]
	return s.byID[id], ok
}

// OriginAllowed tells whether a page of this origin may call the login API of the account.
func (d *Directory) OriginAllowed(account ident.AccountID, origin string) bool {
	s := (*d.snapshot.Load())[account]
	if s == nil {
		return false
	}
	_, ok := s.origins[origin]
	return ok
}

// Load implements feed.Subscriber.
func (d *Directory) Load(ctx context.Context, t tx.Tx) error {
	all, err := d.source.All(ctx, t)
	if err != nil {
		return err
	}
	byAccount := map[ident.AccountID]map[ident.ApplicationID]Application{}
	for _, a := range all {
		if byAccount[a.Account] == nil {
			byAccount[a.Account] = map[ident.ApplicationID]Application{}
		}
		byAccount[a.Account][a.ID] = a
	}
	next := make(map[ident.AccountID]*shelf, len(byAccount))
	for account, apps := range byAccount {
		next[account] = newShelf(apps)
	}
	d.snapshot.Store(&next)
	return nil
}

// Apply implements feed.Subscriber. The follower calls it from one goroutine.
func (d *Directory) Apply(ctx context.Context, t tx.Tx, changes []feed.Change) error {
	next := maps.Clone(*d.snapshot.Load())
	for _, c := range changes {
		apps := map[ident.ApplicationID]Application{}
		if s := next[c.Account]; s != nil {
			apps = maps.Clone(s.byID)
		}
		id := ident.ApplicationID(c.Key)
		a, err := d.source.Get(ctx, t, c.Account, id)
		switch {
		case err == nil:
			apps[id] = a
		case fault.Is(err, fault.NotFound):
			delete(apps, id)
		default:
			return err
		}
		next[c.Account] = newShelf(apps)
	}
	d.snapshot.Store(&next)
	return nil
}

func newShelf(apps map[ident.ApplicationID]Application) *shelf {
	s := &shelf{byID: apps, origins: map[string]ident.ApplicationID{}}
	for id, a := range apps {
		for _, o := range a.Origins() {
			if first, taken := s.origins[o]; !taken || id < first {
				s.origins[o] = id
			}
		}
	}
	return s
}
