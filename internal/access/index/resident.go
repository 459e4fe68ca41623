package index

import (
	"sync/atomic"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/ident"
)

// An account that is held by need has in memory only the people who were asked about, and their groups.
// The rest of this file keeps them true and few:
//
//   - Who is not there is loaded (Begin, Finish). What was read is put in place only if
//     nothing that it rests on changed while it was read; so it is never older than the feed.
//   - A change takes out whoever it touches (Touch, Editor.DropRecord, Editor.DropGroup).
//   - When there is too much, people leave who were not asked about since the hand of the clock
//     last passed them.

// Knows tells whether the snapshot can answer about the principal, and remembers that
// somebody asked. A snapshot of a whole account knows everybody.
func (s *Snapshot) Knows(user string) bool {
	if !s.byNeed {
		return true
	}
	p := s.find(user)
	if p == nil {
		return false
	}
	if atomic.LoadUint32(&p.used) == 0 {
		atomic.StoreUint32(&p.used, 1)
	}
	return true
}

// ByNeed tells whether the account has only those in memory who were asked about.
func (s *Snapshot) ByNeed() bool { return s.byNeed }

// residents are the people of all accounts that are held by need.
type residents struct {
	budget  int // of cost
	cost    int
	rows    []resident
	free    []uint32
	hand    int
	unknown []*person // people without any grant, the oldest first
	people  int
	evicted uint64
}

type resident struct {
	a    *account
	p    *person // nil: the row is free
	cost int
}

// personCost is what a person costs besides grants, in grants.
const personCost = 3

// strangers is how many people without grants are remembered. They cannot push out
// others, however many are asked about.
func (r *residents) strangers() int { return min(max(r.budget/100, 4), 1<<16) }

// need is what the writer of an account that is held by need knows.
type need struct {
	bundles map[ident.GroupID]*bundle
	owners  map[uint32]ident.GroupID // of numbers on the shelf
	touched pairs                    // residents, and bundles with manyBit, by the records that they rest on
	loads   map[string]*Load
}

func newNeed() *need {
	return &need{bundles: map[ident.GroupID]*bundle{}, owners: map[uint32]ident.GroupID{}, loads: map[string]*Load{}}
}

// bundle is what the residents among a group's members have from it.
type bundle struct {
	number  uint32              // on the shelf
	members map[uint32]struct{} // residents
	cost    int
}

// recordKey is a record for touched, and the number of the record in grants. That two share one costs
// a load too many, and nothing else.
func recordKey(id ident.RecordID) uint32 { return uint32(hashOfRecord(id)) }

// install puts the principal into the snapshot; for keeps, or for this snapshot alone.
func (e *Editor) install(user string, f *Found, keep bool) {
	p := &person{id: user}
	var own []check.Given
	for i := range f.Own {
		own = e.given(own, recordKey(f.Own[i].ID), f.Own[i].Grants)
	}
	p.held = check.Holding{}.Replace(0, false, own)
	if keep {
		e.x.residents.add(e.a, p)
	}
	var loose []uint32
	for _, g := range f.Groups {
		b := e.a.need.bundles[g.ID]
		if b == nil || !keep && g.Read {
			b = &bundle{number: e.shelve(), members: map[uint32]struct{}{}}
			if keep {
				e.a.need.bundles[g.ID], e.a.need.owners[b.number] = b, g.ID
			} else {
				loose = append(loose, b.number)
			}
			e.fill(b, g.Facts, keep)
		}
		if keep {
			b.members[p.number] = struct{}{}
		}
		p.link(b.number)
	}
	e.next.people = e.next.people.put(hashOf(user), p, e.mark)
	e.a.free = append(e.a.free, loose...)
}

// fill makes the bundle hold the facts.
func (e *Editor) fill(b *bundle, facts []Fact, keep bool) {
	e.clear(b)
	var given []check.Given
	for i := range facts {
		given = e.given(given, recordKey(facts[i].ID), facts[i].Grants)
	}
	held := check.Holding{}.Replace(0, false, given)
	e.shelf(b.number, held)
	if !keep {
		return
	}
	b.cost = 1 + held.Len()
	e.x.residents.cost += b.cost
	held.Each(func(h check.Held) bool {
		e.a.need.touched.add(h.Record, b.number|manyBit)
		return true
	})
}

func (e *Editor) clear(b *bundle) {
	e.next.shared.at(b.number).Each(func(h check.Held) bool {
		e.a.need.touched.remove(h.Record, b.number|manyBit)
		return true
	})
	e.x.residents.cost -= b.cost
	b.cost = 0
}

func (r *residents) add(a *account, p *person) {
	if k := len(r.free); k > 0 {
		p.number = r.free[k-1]
		r.free = r.free[:k-1]
	} else {
		p.number = uint32(len(r.rows))
		r.rows = append(r.rows, resident{})
	}
	p.held.Each(func(h check.Held) bool {
		a.need.touched.add(h.Record, p.number)
		return true
	})
	row := resident{a: a, p: p, cost: personCost + p.held.Len()}
	r.rows[p.number] = row
	r.cost += row.cost
	r.people++
	if p.held.Len() == 0 {
		r.unknown = append(r.unknown, p)
	}
}

// has tells whether the person is a resident still.
func (r *residents) has(p *person) bool {
	return int(p.number) < len(r.rows) && r.rows[p.number].p == p
}

// evict makes room. It is called by the writer.
func (x *Index) evict() {
	r := &x.residents
	editors := map[*account]*Editor{}
	out := func(p *person) {
		a := r.rows[p.number].a
		if editors[a] == nil {
			editors[a] = x.editor(a)
		}
		editors[a].drop(p)
		r.evicted++
	}
	for len(r.unknown) > r.strangers() {
		if p := r.unknown[0]; r.has(p) {
			out(p)
		}
		r.unknown = r.unknown[1:]
	}
	for r.cost > r.budget && r.people > 0 {
		if r.hand >= len(r.rows) {
			r.hand = 0
		}
		if p := r.rows[r.hand].p; p != nil {
			if atomic.LoadUint32(&p.used) != 0 {
				atomic.StoreUint32(&p.used, 0)
			} else {
				out(p)
			}
		}
		r.hand++
	}
	for a, e := range editors {
		a.now.Store(&e.next)
	}
}

// drop takes a resident out.
func (e *Editor) drop(p *person) {
	r := &e.x.residents
	p.held.Each(func(h check.Held) bool {
		e.a.need.touched.remove(h.Record, p.number)
		return true
	})
	for _, n := range p.links() {
		id := e.a.need.owners[n]
		b := e.a.need.bundles[id]
		if delete(b.members, p.number); len(b.members) == 0 {
			e.clear(b)
			e.shelf(n, check.Holding{})
			e.a.free = append(e.a.free, n)
			delete(e.a.need.owners, n)
			delete(e.a.need.bundles, id)
		}
	}
	e.next.people = e.next.people.remove(hashOf(p.id), p.id, e.mark)
	r.cost -= r.rows[p.number].cost
	r.rows[p.number] = resident{}
	r.free = append(r.free, p.number)
	r.people--
}

// HoldByNeed forgets all people and groups of the account. From now on they are loaded when
// somebody asks.
func (e *Editor) HoldByNeed() {
	if e.a.need != nil {
		return
	}
	e.a.need, e.bulk = newNeed(), nil
	e.a.groups, e.a.records, e.a.principals = map[ident.GroupID]*group{}, recordTable{}, principals{}
	e.a.free, e.a.shelved = nil, 0
	e.next.people, e.next.shared, e.next.grants, e.next.byNeed = nil, shelf{}, 0, true
}

// Budget says how many grants the people of accounts that are held by need may have in memory together.
func (x *Index) Budget(grants int) {
	x.write.Lock()
	defer x.write.Unlock()
	x.residents.budget = grants
	x.evict()
}

// Residents counts the people in memory of accounts that are held by need, what they cost in
// grants, and how many had to leave so far.
func (x *Index) Residents() (people, cost int, evicted uint64) {
	x.write.Lock()
	defer x.write.Unlock()
	return x.residents.people, x.residents.cost, x.residents.evicted
}

// size is how many grants of the account are in memory because all are.
func (a *account) size() int {
	if s := a.now.Load(); a.need == nil {
		return s.grants
	}
	return 0
}

// Whole counts the grants of accounts that are in memory whole.
func (x *Index) Whole() int {
	x.write.Lock()
	defer x.write.Unlock()
	return x.whole
}

// HoldLargestByNeed holds the account with the most grants in memory by need. It is false if
// there is none.
func (x *Index) HoldLargestByNeed() bool {
	x.write.Lock()
	defer x.write.Unlock()
	var largest *account
	for _, a := range *x.accounts.Load() {
		if a.size() > 0 && (largest == nil || a.size() > largest.size()) {
			largest = a
		}
	}
	if largest == nil {
		return false
	}
	x.whole -= largest.size()
	e := x.editor(largest)
	e.HoldByNeed()
	largest.now.Store(&e.next)
	return true
}
