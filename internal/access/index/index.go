package index

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Index holds the snapshots of all accounts.
type Index struct {
	accounts atomic.Pointer[map[ident.AccountID]*account]
	builtin  []*check.Role
	write    sync.Mutex

	residents residents
	whole     int // grants of accounts that are in memory whole
}

// New returns an empty index. The built-in roles exist in every account.
func New(builtin ...*check.Role) *Index {
	x := &Index{builtin: builtin}
	x.accounts.Store(&map[ident.AccountID]*account{})
	return x
}

// account is one account's current snapshot and what its writer needs to make the next.
type account struct {
	now        atomic.Pointer[Snapshot]
	roles      map[ident.RoleID]uint32 // numbers, also of roles that only records mention
	groups     map[ident.GroupID]*group
	records    recordTable
	principals principals
	free       []uint32 // numbers on the shelf that nothing uses
	shelved    uint32   // the highest number on the shelf that was ever used

	need *need // nil: the whole account is in memory

	public    map[string]uint32 // public resources, each as a record of its own
	published uint32            // numbers of public that were ever used
}

type group struct {
	number    uint32 // on the shelf
	principal uint32
	members   []string
}

var empty Snapshot

// At returns the account's snapshot. An account that nobody wrote to has an empty one.
func (x *Index) At(id ident.AccountID) *Snapshot {
	if a := (*x.accounts.Load())[id]; a != nil {
		return a.now.Load()
	}
	return &empty
}

// Update makes the next snapshot of an account. Readers see all of what edit does, or
// nothing. An edit must not keep the Editor.
func (x *Index) Update(id ident.AccountID, edit func(*Editor)) {
	x.write.Lock()
	defer x.write.Unlock()
	a := x.account(id)
	e := x.editor(a)
	before := a.size()
	edit(e)
	e.finishPublic()
	a.now.Store(&e.next)
	x.whole += a.size() - before
	x.evict()
}

func (x *Index) editor(a *account) *Editor {
	return &Editor{x: x, a: a, next: *a.now.Load(), mark: &editMark{}}
}

// account returns the account, which it makes if need be, to a writer.
func (x *Index) account(id ident.AccountID) *account {
	a := (*x.accounts.Load())[id]
	if a == nil {
		a = x.open()
		next := maps.Clone(*x.accounts.Load())
		next[id] = a
		x.accounts.Store(&next)
	}
	return a
}

// Take replaces everything by what another index holds. The other one must not be used any more.
func (x *Index) Take(other *Index) {
	x.write.Lock()
	defer x.write.Unlock()
	x.accounts.Store(other.accounts.Load())
	x.residents, x.whole = other.residents, other.whole
}

func (x *Index) open() *account {
	a := &account{roles: map[ident.RoleID]uint32{}, groups: map[ident.GroupID]*group{}}
	s := &Snapshot{}
	for _, r := range x.builtin {
		a.roles[ident.RoleID(r.ID)] = uint32(len(s.roles))
		s.roles = append(s.roles, r)
	}
	a.now.Store(s)
	return a
}

// Place is a resource and a time.
type Place struct {
	Resource string
	Window   check.Window
}

// PlacesOfRole returns the resources on which somebody holds the role, and when, each once,
// whether the role exists or not.
func (x *Index) PlacesOfRole(id ident.AccountID, role ident.RoleID) []Place {
	x.write.Lock()
	defer x.write.Unlock()
	a := (*x.accounts.Load())[id]
	if a == nil {
		return nil
	}
	number, known := a.roles[role]
	if !known {
		return nil
	}
	seen := map[Place]struct{}{}
	visit := func(h check.Held) bool {
		if h.Role == number {
			seen[Place{h.Text(), h.Window}] = struct{}{}
		}
		return true
	}
	s := a.now.Load()
	s.people.each(func(p *person) bool { return p.held.Each(visit) })
	for _, pg := range s.shared.pages {
		for i := range pg.items {
			pg.items[i].Each(visit)
		}
	}
	return slices.Collect(maps.Keys(seen))
}

// GroupGrants calls yield for every grant that a group gives its members, with the
// role's id, whether the role exists or not.
func (x *Index) GroupGrants(id ident.AccountID, name ident.GroupID, yield func(check.Held, ident.RoleID) bool) {
	x.write.Lock()
	a := (*x.accounts.Load())[id]
	if a == nil || a.groups[name] == nil {
		x.write.Unlock()
		return
	}
	held := a.now.Load().shared.at(a.groups[name].number)
	names := make(map[uint32]ident.RoleID, len(a.roles))
	for role, n := range a.roles {
		names[n] = role
	}
	x.write.Unlock()
	held.Each(func(h check.Held) bool { return yield(h, names[h.Role]) })
}
