package tenant

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Directory holds the tenants of every account in memory. Subscribe it to ChangeKind. What it
// returns is shared: do not change its slices.
type Directory struct {
	store Store
	books atomic.Pointer[map[ident.AccountID]*book]
}

// book is an account's tenants and what leads to them. It never changes.
type book struct {
	byID         map[ident.TenantID]Tenant
	byLookup     map[string]ident.TenantID // lower case
	byDomain     map[string]ident.TenantID
	byConnection map[ident.ConnectionID][]ident.TenantID
	gone         map[ident.TenantID]bool // which were deleted
}

// NewDirectory makes an empty directory; the feed's follower fills it.
func NewDirectory(store Store) *Directory {
	d := &Directory{store: store}
	d.books.Store(&map[ident.AccountID]*book{})
	return d
}

func (d *Directory) book(account ident.AccountID) *book {
	if b := (*d.books.Load())[account]; b != nil {
		return b
	}
	return &book{}
}

// Get returns a tenant.
func (d *Directory) Get(account ident.AccountID, id ident.TenantID) (Tenant, bool) {
	n, ok := d.book(account).byID[id]
	return n, ok
}

// Known tells whether the account has or had a tenant with that id.
func (d *Directory) Known(account ident.AccountID, id ident.TenantID) bool {
	b := d.book(account)
	_, ok := b.byID[id]
	return ok || b.gone[id]
}

// ByLookup returns the tenant with that lookup identifier, in any case.
func (d *Directory) ByLookup(account ident.AccountID, lookup string) (Tenant, bool) {
	b := d.book(account)
	n, ok := b.byID[b.byLookup[strings.ToLower(lookup)]]
	return n, ok
}

// ByDomain returns the tenant of an e-mail domain, or of an address.
func (d *Directory) ByDomain(account ident.AccountID, domain string) (Tenant, bool) {
	if strings.Contains(domain, "@") {
		domain = domainOf(domain)
	}
	b := d.book(account)
	n, ok := b.byID[b.byDomain[strings.ToLower(domain)]]
	return n, ok
}

// ByConnection returns the tenants whose people sign in through a connection, in the order of ids.
func (d *Directory) ByConnection(account ident.AccountID, id ident.ConnectionID) []Tenant {
	b := d.book(account)
	out := make([]Tenant, 0, len(b.byConnection[id]))
	for _, n := range b.byConnection[id] {
		out = append(out, b.byID[n])
	}
	return out
}

// Load implements feed.Subscriber.
func (d *Directory) Load(ctx context.Context, t tx.Tx) error {
	all, err := d.store.All(ctx, t)
	if err != nil {
		return err
	}
	accounts := map[ident.AccountID]map[ident.TenantID]Tenant{}
	for _, n := range all {
		if accounts[n.Account] == nil {
			accounts[n.Account] = map[ident.TenantID]Tenant{}
		}
		accounts[n.Account][n.ID] = n
	}
	gone, err := d.store.Gone(ctx, t)
	if err != nil {
		return err
	}
	for account := range gone {
		if accounts[account] == nil {
			accounts[account] = map[ident.TenantID]Tenant{}
		}
	}
	books := make(map[ident.AccountID]*book, len(accounts))
	for account, tenants := range accounts {
		was := make(map[ident.TenantID]bool, len(gone[account]))
		for _, id := range gone[account] {
			was[id] = true
		}
		books[account] = newBook(tenants, was)
	}
	d.books.Store(&books)
	return nil
}

// Apply implements feed.Subscriber. The follower calls it from one goroutine.
func (d *Directory) Apply(ctx context.Context, t tx.Tx, changes []feed.Change) error {
	touched, gone := map[ident.AccountID]map[ident.TenantID]Tenant{}, map[ident.AccountID]map[ident.TenantID]bool{}
	for _, c := range changes {
		if touched[c.Account] == nil {
			touched[c.Account], gone[c.Account] = map[ident.TenantID]Tenant{}, map[ident.TenantID]bool{}
			maps.Copy(gone[c.Account], d.book(c.Account).gone)
			for id, n := range d.book(c.Account).byID {
				touched[c.Account][id] = n
			}
		}
		id := ident.TenantID(c.Key)
		n, err := d.store.Get(ctx, t, c.Account, id)
		switch {
		case err == nil:
			touched[c.Account][id] = n
		case fault.Is(err, fault.NotFound):
			delete(touched[c.Account], id)
			gone[c.Account][id] = true
		default:
			return err
		}
	}
	books := map[ident.AccountID]*book{}
	for account, b := range *d.books.Load() {
		books[account] = b
	}
	for account, tenants := range touched {
		books[account] = newBook(tenants, gone[account])
	}
	d.books.Store(&books)
	return nil
}

func newBook(tenants map[ident.TenantID]Tenant, gone map[ident.TenantID]bool) *book {
	b := &book{byID: tenants, gone: gone, byLookup: map[string]ident.TenantID{}, byDomain: map[string]ident.TenantID{},
		byConnection: map[ident.ConnectionID][]ident.TenantID{}}
	for id, n := range tenants {
		if n.Lookup != "" {
			b.byLookup[strings.ToLower(n.Lookup)] = id
		}
		for _, domain := range n.Domains {
			b.byDomain[domain] = id
		}
		if n.Connection != "" {
			b.byConnection[n.Connection] = append(b.byConnection[n.Connection], id)
		}
	}
	for _, list := range b.byConnection {
		slices.Sort(list)
	}
	return b
}
