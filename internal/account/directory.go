package account

import (
	"context"
	"maps"
	"sync/atomic"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Directory answers from memory which account a host means. It follows the change feed
// (subscribe it to ChangeKind). Reading takes no lock.
type Directory struct {
	store    Store
	public   PublicURL
	snapshot atomic.Pointer[book]
}

type book struct {
	byID     map[ident.AccountID]Account
	byHost   map[string]ident.AccountID
	byIssuer map[string]ident.AccountID
}

// NewDirectory makes an empty directory; the feed's follower fills it.
func NewDirectory(store Store, public PublicURL) *Directory {
	d := &Directory{store: store, public: public}
	d.snapshot.Store(&book{})
	return d
}

// ByHost returns the account of a Host header. The comparison is byte for byte: another
// case, a trailing dot, a port that the URL does not show all mean an unknown host, which
// the caller answers with 421. The value is shared: do not change its slices.
func (d *Directory) ByHost(host string) (Account, bool) {
	b := d.snapshot.Load()
	id, ok := b.byHost[host]
	if !ok {
		return Account{}, false
	}
	return b.byID[id], true
}

// Get returns an account. The value is shared: do not change its slices.
func (d *Directory) Get(id ident.AccountID) (Account, bool) {
	a, ok := d.snapshot.Load().byID[id]
	return a, ok
}

// Issuer returns the absolute URL of an account without a trailing slash: the public URL
// for the default account, the first custom domain for others (over the public URL's
// scheme, so that accounts can be tried out on plain http on one machine). It is empty
// for an account that cannot be reached.
func (d *Directory) Issuer(id ident.AccountID) string {
	if id == ident.DefaultAccount {
		return d.public.String()
	}
	a, _ := d.Get(id)
	return d.issuer(a)
}

func (d *Directory) issuer(a Account) string {
	if a.ID == ident.DefaultAccount {
		return d.public.String()
	}
	if len(a.Hosts) == 0 {
		return ""
	}
	return d.public.scheme + "://" + a.Hosts[0]
}

// AccountOf returns the account whose issuer this is, byte for byte.
func (d *Directory) AccountOf(issuer string) (ident.AccountID, bool) {
	id, ok := d.snapshot.Load().byIssuer[issuer]
	return id, ok
}

// Load implements feed.Subscriber.
func (d *Directory) Load(ctx context.Context, t tx.Tx) error {
	all, err := d.store.All(ctx, t)
	if err != nil {
		return err
	}
	byID := make(map[ident.AccountID]Account, len(all))
	for _, a := range all {
		byID[a.ID] = a
	}
	d.publish(byID)
	return nil
}

// Apply implements feed.Subscriber. The follower calls it from one goroutine.
func (d *Directory) Apply(ctx context.Context, t tx.Tx, changes []feed.Change) error {
	byID := maps.Clone(d.snapshot.Load().byID)
	if byID == nil {
		byID = map[ident.AccountID]Account{}
	}
	for _, c := range changes {
		id := ident.AccountID(c.Key)
		a, err := d.store.Get(ctx, t, id)
		switch {
		case err == nil:
			byID[id] = a
		case fault.Is(err, fault.NotFound):
			delete(byID, id)
		default:
			return err
		}
	}
	d.publish(byID)
	return nil
}

func (d *Directory) publish(byID map[ident.AccountID]Account) {
	b := &book{byID: byID, byHost: make(map[string]ident.AccountID, len(byID)+2), byIssuer: make(map[string]ident.AccountID, len(byID))}
	for id, a := range byID {
		if issuer := d.issuer(a); issuer != "" {
			b.byIssuer[issuer] = id
		}
		for _, h := range a.Hosts {
			b.byHost[h] = id
		}
	}
	// Last, so that no custom domain can ever take the public URL's host.
	for _, h := range d.public.Hosts() {
		delete(b.byHost, h)
		if _, ok := byID[ident.DefaultAccount]; ok {
			b.byHost[h] = ident.DefaultAccount
		}
	}
	d.snapshot.Store(b)
}
