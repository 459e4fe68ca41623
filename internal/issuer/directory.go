package issuer

import (
	"context"
	"maps"
	"sync/atomic"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Directory answers from memory whom the accounts trust. It follows the change feed (subscribe
// it to ChangeKind). Reading takes no lock.
type Directory struct {
	store    Store
	snapshot atomic.Pointer[map[ident.AccountID]book]
}

// book is what one account trusts; it never changes after it was built.
type book struct {
	byURL map[string][]trust
	byID  map[ID]bool
}

type trust struct {
	Issuer
	expression connection.Expression
}

// NewDirectory makes an empty directory; the feed's follower fills it.
func NewDirectory(store Store) *Directory {
	d := &Directory{store: store}
	d.snapshot.Store(&map[ident.AccountID]book{})
	return d
}

// Trusted tells whether an account has that trust now.
func (d *Directory) Trusted(account ident.AccountID, id ID) bool {
	return (*d.snapshot.Load())[account].byID[id]
}

// of returns an account's trusts in an issuer.
func (d *Directory) of(account ident.AccountID, url string) []trust {
	return (*d.snapshot.Load())[account].byURL[url]
}

func (d *Directory) any(account ident.AccountID) bool {
	return len((*d.snapshot.Load())[account].byID) > 0
}

// Load implements feed.Subscriber.
func (d *Directory) Load(ctx context.Context, t tx.Tx) error {
	all, err := d.store.All(ctx, t)
	if err != nil {
		return err
	}
	byAccount := map[ident.AccountID][]Issuer{}
	for _, i := range all {
		byAccount[i.Account] = append(byAccount[i.Account], i)
	}
	next := map[ident.AccountID]book{}
	for account, list := range byAccount {
		if next[account], err = newBook(list); err != nil {
			return err
		}
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
		if next[c.Account], err = newBook(list); err != nil {
			return err
		}
	}
	d.snapshot.Store(&next)
	return nil
}

func newBook(list []Issuer) (book, error) {
	b := book{byURL: map[string][]trust{}, byID: map[ID]bool{}}
	for _, i := range list {
		e, err := connection.ParseExpression(i.Expression)
		if err != nil {
			return b, err
		}
		b.byURL[i.URL] = append(b.byURL[i.URL], trust{i, e})
		b.byID[i.ID] = true
	}
	return b, nil
}
