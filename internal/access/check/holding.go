package check

import (
	"cmp"
	"math/bits"
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
// itself: following one pointer less is a tenth of a check.
type Holding struct {
	many []leaf // instead of one, when there are several
	one  leaf   // its filter stands beside many: most checks read no more
}

// leaves returns all leaves; a Holding without grants has none.
func (h *Holding) leaves() []leaf {
	if h.many != nil {
		return h.many
	}
	if len(h.one.entries) == 0 {
		return nil
	}
	return []leaf{h.one}
}

type leaf struct {
	first   uint64    // hash of the first entry
	filter  [4]uint64 // one bit per entry, by the low bits of its hash: most misses end here
	entries []entry
	text    string   // the resources of the entries
	windows *[]timed // of the entries that have the flag bounded, in their order; nil when there are none
}

// timed is the window of the entry with this place in the leaf.
type timed struct {
	at int32
	Window
}

// window returns when the entry at the place is in force.
func (l *leaf) window(at int) Window {
	if l.entries[at].flags&bounded == 0 {
		return Window{}
	}
	all := *l.windows
	lo, hi := 0, len(all)-1
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if int(all[mid].at) < at {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return all[lo].Window
}

// inForce tells whether the entry at the place is in force during all of w.
func (l *leaf) inForce(at int, w Window) bool {
	return l.entries[at].flags&bounded == 0 || l.window(at).Covers(w)
}

// mayHold tells whether an entry with the hash could be in the leaf.
func (l *leaf) mayHold(hash uint64) bool { return l.filter[hash&3]>>(hash>>2&63)&1 != 0 }

// entry takes 24 bytes; the text of the resource comes on top.
type entry struct {
	hash   uint64
	role   uint32
	record uint32
	off    uint32
	size   uint16
	flags  uint16
}

const (
	below   = 1 << iota // the resource ends in a star
	starred             // the resource has a star before its end
	bounded             // it is in force during a window only

	leafSize  = 256
	leafFill  = 192
	leafMerge = 32
)

// Len is the number of grants.
func (h *Holding) Len() int {
	n := len(h.one.entries)
	for i := range h.many {
		n += len(h.many[i].entries)
	}
	return n
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

func (l *leaf) held(at int) Held {
	e := &l.entries[at]
	return Held{Fixed: l.text[e.off : int(e.off)+int(e.size)], Below: e.flags&below != 0, Role: e.role, Record: e.record,
		Window: l.window(at)}
}

// leafOf finds the leaf that may hold the hash.
func (h *Holding) leafOf(hash uint64) *leaf {
	if h.many == nil {
		return &h.one
	}
	lo, hi := 0, len(h.many)
	for hi-lo > 1 {
		mid := int(uint(lo+hi) >> 1)
		if h.many[mid].first <= hash {
			lo = mid
		} else {
			hi = mid
		}
	}
	return &h.many[lo]
}

// search returns the place of the first entry of the hash's leaf with at least that hash.
func (h *Holding) search(l *leaf, hash uint64) int {
	if h.many == nil {
		return l.guess(hash)
	}
	return l.between(hash, 0, len(l.entries))
}

// guess is a search that begins where the hash should be if hashes are even, which they are: most
// often it looks at one line of memory instead of three.
func (l *leaf) guess(hash uint64) int {
	const steps = 4
	n := len(l.entries)
	most, _ := bits.Mul64(hash, uint64(n))
	i := int(most)
	if i < n && l.entries[i].hash < hash {
		for range steps {
			if i++; i == n || l.entries[i].hash >= hash {
				return i
			}
		}
		return l.between(hash, i+1, n)
	}
	for range steps {
		if i == 0 || l.entries[i-1].hash < hash {
			return i
		}
		i--
	}
	return l.between(hash, 0, i)
}

func (l *leaf) between(hash uint64, lo, hi int) int {
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if l.entries[mid].hash < hash {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// draft is an entry together with its text, while leaves are built.
type draft struct {
	entry
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
			next := leaves[i+1].first
			n, _ := slices.BinarySearchFunc(add, next, func(d draft, hash uint64) int { return cmp.Compare(d.hash, hash) })
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
	switch len(out) {
	case 0:
		return Holding{}
	case 1:
		return Holding{one: out[0]}
	}
	return Holding{many: slices.Clip(out)}
}

func drafts(given []Given) []draft {
	if len(given) == 0 {
		return nil
	}
	out := make([]draft, 0, len(given))
	for i := range given {
		g := &given[i]
		p := &g.Resource.path
		d := draft{fixed: p.fixed(), window: g.Window}
		d.hash, d.role, d.record = hashOf(p.prefix(int(p.plain))), g.Role, g.Record
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

func (l *leaf) has(record uint32) bool {
	for i := range l.entries {
		if l.entries[i].record == record {
			return true
		}
	}
	return false
}

// merge returns the entries of the leaf, without those of the record, together with more.
func (l *leaf) merge(record uint32, drop bool, more []draft) []draft {
	out := make([]draft, 0, len(l.entries)+len(more))
	for i := range l.entries {
		e := &l.entries[i]
		if drop && e.record == record {
			continue
		}
		out = append(out, draft{entry: *e, fixed: l.text[e.off : int(e.off)+int(e.size)], window: l.window(i)})
	}
	if len(more) > 0 {
		out = append(out, more...)
		sortDrafts(out)
	}
	return out
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

func newLeaf(ds []draft) leaf {
	l := leaf{first: ds[0].hash, entries: make([]entry, len(ds))}
	size := 0
	for i := range ds {
		if i == 0 || ds[i].fixed != ds[i-1].fixed {
			size += len(ds[i].fixed)
		}
	}
	var text strings.Builder
	text.Grow(size)
	for i := range ds {
		e := ds[i].entry
		if i > 0 && ds[i].fixed == ds[i-1].fixed {
			e.off = l.entries[i-1].off
		} else {
			e.off = uint32(text.Len())
			text.WriteString(ds[i].fixed)
		}
		e.size = uint16(len(ds[i].fixed))
		l.entries[i] = e
		l.filter[e.hash&3] |= 1 << (e.hash >> 2 & 63)
	}
	l.text = text.String()
	l.windows = windows(ds)
	return l
}

func windows(ds []draft) *[]timed {
	n := 0
	for i := range ds {
		if ds[i].flags&bounded != 0 {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	out := make([]timed, 0, n)
	for i := range ds {
		if ds[i].flags&bounded != 0 {
			out = append(out, timed{int32(i), ds[i].window})
		}
	}
	return &out
}
