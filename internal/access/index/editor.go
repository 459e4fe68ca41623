package index

import (
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Block is a part of a record: the same grants for each of some principals.
type Block struct {
	Principals []Principal
	Grants     []Grant
}

// Grant is a role on a resource.
type Grant struct {
	Role     ident.RoleID
	Resource check.Resource
	Window   check.Window // when it is in force; zero means always
}

// shareLimit is how many grants a block may write out. Above it the grants are kept once.
const shareLimit = 4096

// Editor makes the next snapshot of one account.
type Editor struct {
	x    *Index
	a    *account
	next Snapshot
	mark *editMark
	own  bool // next.roles is ours to change
	bulk *bulk

	public publicGrants // gathered by SetPublic
}

// SetRole makes the role what it is given, or, with nil, makes it not exist. Grants that name it stay.
func (e *Editor) SetRole(id ident.RoleID, role *check.Role) {
	n := e.role(id)
	if !e.own {
		e.next.roles = slices.Clone(e.next.roles)
		e.own = true
	}
	for int(n) >= len(e.next.roles) {
		e.next.roles = append(e.next.roles, nil)
	}
	e.next.roles[n] = role
}

func (e *Editor) role(id ident.RoleID) uint32 {
	n, ok := e.a.roles[id]
	if !ok {
		n = uint32(len(e.a.roles))
		e.a.roles[ident.RoleID(strings.Clone(string(id)))] = n
	}
	return n
}

// SetGroup makes the group have these members; nil or none removes all.
func (e *Editor) SetGroup(id ident.GroupID, members []string) {
	g := e.group(id)
	members = slices.Clone(members)
	slices.Sort(members)
	members = slices.Compact(members)
	for _, m := range g.members {
		if _, stays := slices.BinarySearch(members, m); !stays {
			e.change(m, func(p *person) { p.unlink(g.number) })
		}
	}
	for _, m := range members {
		if _, was := slices.BinarySearch(g.members, m); !was {
			e.change(m, func(p *person) { p.link(g.number) })
		}
	}
	g.members = members
}

func (e *Editor) group(id ident.GroupID) *group {
	g := e.a.groups[id]
	if g == nil {
		id = ident.GroupID(strings.Clone(string(id)))
		g = &group{number: e.shelve(), principal: e.a.principals.addGroup(id)}
		e.a.groups[id] = g
	}
	return g
}

// shelf puts a holding on the shelf.
func (e *Editor) shelf(n uint32, h check.Holding) {
	e.next.grants += h.Len() - e.next.shared.at(n).Len()
	e.next.shared = e.next.shared.put(n, h, e.mark)
}

// shelve returns a free number on the shelf.
func (e *Editor) shelve() uint32 {
	if k := len(e.a.free); k > 0 {
		n := e.a.free[k-1]
		e.a.free = e.a.free[:k-1]
		return n
	}
	e.a.shelved++
	return e.a.shelved
}

// SetRecord makes the record give exactly these blocks; none removes it.
func (e *Editor) SetRecord(id ident.RecordID, blocks []Block) {
	hash := hashOfRecord(id)
	number, known := e.a.records.find(hash)
	var old named
	switch {
	case known:
		old = e.a.records.named(number)
	case len(blocks) == 0:
		return
	default:
		number = e.a.records.add(hash)
	}
	plan := e.plan(number, blocks)
	before := make(map[string]bool, len(old.who))
	for _, n := range old.who {
		before[e.key(n)] = true
	}
	for key := range before {
		if plan.given[key] == nil {
			e.give(key, number, &share{}, old.shared, true)
		}
	}
	to := named{shared: plan.shared}
	for _, key := range plan.keys {
		e.give(key, number, plan.given[key], old.shared, before[key])
		to.who = append(to.who, e.number(key))
	}
	for _, n := range old.shared {
		e.shelf(n, check.Holding{})
		e.a.free = append(e.a.free, n)
	}
	e.a.records.name(number, to)
	if len(to.who) == 0 {
		e.a.records.remove(number)
	}
}

// plan is what a record gives to whom.
type plan struct {
	given  map[string]*share
	keys   []string // of given, each once
	shared []uint32
}

// share is what one principal gets from one record.
type share struct {
	grants []check.Given
	links  []uint32
}

func (e *Editor) plan(record uint32, blocks []Block) plan {
	p := plan{given: map[string]*share{}}
	for _, b := range blocks {
		if len(b.Grants) == 0 {
			continue
		}
		grants := e.given(make([]check.Given, 0, len(b.Grants)), record, b.Grants)
		once := len(b.Principals) > 1 && len(b.Principals)*len(grants) > shareLimit
		var number uint32
		if once {
			number = e.shelve()
			p.shared = append(p.shared, number)
			e.shelf(number, check.Holding{}.Replace(0, false, grants))
		}
		for _, who := range b.Principals {
			key := who.key()
			to := p.given[key]
			if to == nil {
				to = &share{}
				p.given[key] = to
				p.keys = append(p.keys, key)
			}
			// A group is itself a number on the shelf, and those do not refer to each other.
			if once && who.Group == "" {
				to.links = append(to.links, number)
				continue
			}
			to.grants = append(to.grants, grants...)
		}
	}
	return p
}

func (e *Editor) given(out []check.Given, record uint32, grants []Grant) []check.Given {
	for i := range grants {
		g := &grants[i]
		out = append(out, check.Given{Resource: g.Resource, Role: e.role(g.Role), Record: record, Window: g.Window})
	}
	return out
}

// number returns the number of a principal who holds something, or of a group.
func (e *Editor) number(key string) uint32 {
	if key[0] == 0 {
		return e.group(ident.GroupID(key[1:])).principal
	}
	return e.next.find(key).number
}

// key is the opposite of number.
func (e *Editor) key(n uint32) string {
	if id, is := e.a.principals.groups[n]; is {
		return Principal{Group: id}.key()
	}
	return e.next.people.numbered(e.a.principals.hashes[n], n).id
}

// give replaces what the principal has from the record.
func (e *Editor) give(key string, record uint32, s *share, oldShared []uint32, had bool) {
	if key[0] == 0 {
		g := e.group(ident.GroupID(key[1:]))
		held := *e.next.shared.at(g.number)
		e.shelf(g.number, held.Replace(record, had, s.grants))
		return
	}
	e.change(key, func(p *person) {
		p.held = p.held.Replace(record, had, s.grants)
		for _, n := range oldShared {
			p.unlink(n)
		}
		for _, n := range s.links {
			p.link(n)
		}
	})
}

// change replaces a person by a changed copy, or removes one who is left with nothing.
func (e *Editor) change(id string, f func(*person)) {
	hash := hashOf(id)
	old := e.next.people.find(hash, id)
	p := person{id: id}
	if old != nil {
		p = *old
	}
	before := p.held.Len()
	f(&p)
	e.next.grants += p.held.Len() - before
	switch {
	case p.empty() && old == nil:
		return
	case p.empty():
		e.a.principals.remove(old.number)
		e.next.people = e.next.people.remove(hash, id, e.mark)
		return
	case old == nil:
		p.id = strings.Clone(id) // what it was part of may be large
		p.number = e.a.principals.add(hash)
	}
	e.next.people = e.next.people.put(hash, &p, e.mark)
}

// with and without return a changed copy: snapshots share these slices.
func with(links []uint32, n uint32) []uint32 {
	at, found := slices.BinarySearch(links, n)
	if found {
		return links
	}
	out := make([]uint32, 0, len(links)+1)
	out = append(out, links[:at]...)
	out = append(out, n)
	return append(out, links[at:]...)
}

func without(links []uint32, n uint32) []uint32 {
	at, found := slices.BinarySearch(links, n)
	if !found {
		return links
	}
	if len(links) == 1 {
		return nil
	}
	out := make([]uint32, 0, len(links)-1)
	out = append(out, links[:at]...)
	return append(out, links[at+1:]...)
}
