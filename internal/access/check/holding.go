package check

import (
	"cmp"
	"slices"
	"strings"
)

// Given is one grant as it is put into a Holding: a role, by number, on a resource, from a
// record, by number.
type Given struct {
	Resource Resource
	Role     uint32
	Record   uint32
	Window   Window // when it is in force; zero means always
}

// Held is one grant as it is read from a Holding.
type Held struct {
	Fixed  string // the resource without a star at the end; "" at the top
	Below  bool   // the resource ends in a star
	Role   uint32
	Record uint32
	Window Window // when it is in force, whether that is now or not
}

// Text is the canonical resource.
func (h Held) Text() string {
	switch {
	case !h.Below:
		return h.Fixed
	case h.Fixed == "":
		return "*"
	}
	return h.Fixed + "/*"
}

// Holding is the set of grants of one principal. It never changes: Replace returns another one
// that shares most of the memory. Grants are kept in the order of the keyed hash of their
// plain beginning, in leaves of at most leafSize, so that a look-up is a binary search
// and a write copies one leaf. Almost everybody has a single leaf, which stands in the Holding
// itself: following one pointer less is a tenth of a check. A Holding takes 80 bytes, and begins with the
// filter, at which most checks that find nothing end.
type Holding struct {
	one leaf // without entries when there are several leaves: they are in its extra, and its filter lets all pass
}

// holdingOf returns a Holding of these leaves.
func holdingOf(leaves []leaf) Holding {
	switch len(leaves) {
	case 0:
		return Holding{}
	case 1:
		return Holding{leaves[0]}
	}
	x := &extra{leaves: slices.Clip(leaves), firsts: make([]uint32, len(leaves))}
	for i := range leaves {
		x.firsts[i] = leaves[i].first()
	}
	const all = ^uint64(0)
	return Holding{leaf{filter: [4]uint64{all, all, all, all}, extra: x}}
}

// many returns the leaves when there are several, else nil.
func (h *Holding) many() []leaf {
	if h.one.extra == nil {
		return nil
	}
	return h.one.extra.leaves
}

// leaves returns all leaves; a Holding without grants has none.
func (h *Holding) leaves() []leaf {
	if many := h.many(); many != nil {
		return many
	}
	if len(h.one.entries) == 0 {
		return nil
	}
	return []leaf{h.one}
}

// Len is the number of grants.
func (h *Holding) Len() int {
	n := len(h.one.entries)
	many := h.many()
	for i := range many {
		n += len(many[i].entries)
	}
	return n
}

// find returns the leaf that may hold the hash and the place of its first entry with at least that
// hash, or nil when no entry has the hash. Ask h.one.mayHold first: it costs no call.
func (h *Holding) find(hash uint32) (*leaf, int) {
	x := h.one.extra
	if x == nil || x.leaves == nil {
		return &h.one, h.one.guess(hash)
	}
	lo, hi := 0, len(x.firsts)
	for hi-lo > 1 {
		mid := int(uint(lo+hi) >> 1)
		if x.firsts[mid] <= hash {
			lo = mid
		} else {
			hi = mid
		}
	}
	l := &x.leaves[lo]
	if !l.mayHold(hash) {
		return nil, 0
	}
	return l, l.between(hash, 0, len(l.entries))
}

// Each calls yield for every grant, in no useful order, until it returns false.
func (h *Holding) Each(yield func(Held) bool) bool {
	leaves := h.leaves()
	for i := range leaves {
		l := &leaves[i]
		for k := range l.entries {
			if !yield(l.held(k)) {
				return false
			}
		}
	}
	return true
}

// draft is an entry together with its text, while leaves are built.
type draft struct {
	hash   uint32
	role   uint32
	record uint32
	flags  uint16
	fixed  string
	window Window
}

// Replace returns a Holding without the grants of the record (when drop is true) and with the new ones.
// The given slice is not kept.
func (h Holding) Replace(record uint32, drop bool, given []Given) Holding {
	add := drafts(given)
	leaves := h.leaves()
	out := make([]leaf, 0, len(leaves)+1)
	for i := range leaves {
		mine := add
		if i+1 < len(leaves) {
			next := leaves[i+1].first()
			n, _ := slices.BinarySearchFunc(add, next, func(d draft, hash uint32) int { return cmp.Compare(d.hash, hash) })
			mine, add = add[:n], add[n:]
		} else {
			add = nil
		}
		if len(mine) == 0 && !(drop && leaves[i].has(record)) {
			out = append(out, leaves[i])
			continue
		}
		out = appendLeaves(out, leaves[i].merge(record, drop, mine))
	}
	out = appendLeaves(out, add)
	return holdingOf(out)
}

func drafts(given []Given) []draft {
	if len(given) == 0 {
		return nil
	}
	out := make([]draft, 0, len(given))
	for i := range given {
		g := &given[i]
		p := &g.Resource.path
		d := draft{hash: shortHash(p.prefix(int(p.plain))), role: g.Role, record: g.Record, fixed: p.fixed(), window: g.Window}
		if len(d.fixed) > sizeMask {
			continue // no resource is that long
		}
		if p.below {
			d.flags |= below
		}
		if p.plain < p.n {
			d.flags |= starred
		}
		if !g.Window.Always() {
			d.flags |= bounded
		}
		out = append(out, d)
	}
	sortDrafts(out)
	return slices.CompactFunc(out, func(a, b draft) bool { return a.compare(&b) == 0 })
}

func sortDrafts(out []draft) {
	slices.SortFunc(out, func(a, b draft) int { return a.compare(&b) })
}

func (d *draft) compare(o *draft) int {
	if c := cmp.Compare(d.hash, o.hash); c != 0 {
		return c
	}
	if c := strings.Compare(d.fixed, o.fixed); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(d.flags, o.flags), cmp.Compare(d.role, o.role), cmp.Compare(d.record, o.record),
		cmp.Compare(d.window.From, o.window.From), cmp.Compare(d.window.Until, o.window.Until))
}

// appendLeaves adds sorted drafts as leaves. A small remainder joins the leaf before it.
// Entries with the same hash always stay in one leaf.
func appendLeaves(out []leaf, ds []draft) []leaf {
	if len(ds) == 0 {
		return out
	}
	if n := len(out); n > 0 && len(ds) < leafMerge && len(out[n-1].entries)+len(ds) <= leafSize {
		joined := out[n-1].merge(0, false, nil)
		out, ds = out[:n-1], append(joined, ds...)
	}
	size := len(ds)
	if size > leafSize { // leave room, so that the next writes split nothing
		parts := (size + leafFill - 1) / leafFill
		size = (size + parts - 1) / parts
	}
	for len(ds) > 0 {
		end := min(size, len(ds))
		for end < len(ds) && ds[end].hash == ds[end-1].hash {
			end++
		}
		out = append(out, newLeaf(ds[:end]))
		ds = ds[end:]
	}
	return out
}
