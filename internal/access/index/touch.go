package index

import (
	"slices"

	"github.com/admit-id/admit/internal/kit/ident"
)

// Touch tells the loads that are under way of a change, and returns the groups in memory whose
// grants it may change: they must be read again, for SetFacts, in the same step of the feed.
func (x *Index) Touch(id ident.AccountID, t Touched) (groups []ident.GroupID) {
	x.write.Lock()
	defer x.write.Unlock()
	a := x.account(id)
	if a.need == nil {
		return nil
	}
	for _, l := range a.need.loads {
		l.changes = append(l.changes, t)
	}
	if t.Record == "" {
		return nil
	}
	for _, n := range a.need.touched.of(recordKey(t.Record)) {
		if n&manyBit != 0 {
			groups = append(groups, a.need.owners[n&^manyBit])
		}
	}
	for _, name := range t.Names {
		if name[0] == 0 && a.need.bundles[ident.GroupID(name[1:])] != nil {
			groups = append(groups, ident.GroupID(name[1:]))
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// DropTouched takes out the residents who rest on what changed. They are loaded anew when
// somebody asks.
func (e *Editor) DropTouched(t Touched) {
	if e.a.need == nil {
		return
	}
	b := e.a.need.bundles[t.Group]
	switch {
	case t.Record != "":
		for _, n := range e.a.need.touched.of(recordKey(t.Record)) {
			if n&manyBit == 0 {
				e.drop(e.x.residents.rows[n].p)
			}
		}
	case b != nil:
		stay := make(map[string]bool, len(t.Names))
		for _, name := range t.Names {
			stay[name] = true
		}
		for n := range b.members {
			if p := e.x.residents.rows[n].p; !stay[p.id] {
				e.drop(p)
			}
		}
	}
	for _, name := range t.Names {
		p := e.next.find(name)
		if p == nil {
			continue
		}
		if t.Group != "" && b != nil {
			if _, linked := slices.BinarySearch(p.links(), b.number); linked {
				continue
			}
		}
		e.drop(p)
	}
}

// SetFacts makes the group give these facts, if it is in memory.
func (e *Editor) SetFacts(id ident.GroupID, facts []Fact) {
	if e.a.need == nil {
		return
	}
	if b := e.a.need.bundles[id]; b != nil {
		e.fill(b, facts, true)
	}
}
