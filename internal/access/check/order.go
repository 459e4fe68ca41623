package check

import (
	"cmp"
	"slices"
	"strings"
)

// Order is the grants of one Holding in the order of their texts, for lists. It takes eight bytes
// a grant and never changes. Grants with a star before their end stand apart: what they
// name below a collection has other texts.
type Order struct {
	held    Holding
	leaves  []leaf
	refs    []ref
	starred []ref
}

// ref is the place of an entry.
type ref struct{ leaf, at uint32 }

// Order returns the order of the grants of h. What it has in common with old, the order of an
// earlier state of the same holding, or nil, is not sorted again.
func (h *Holding) Order(old *Order) *Order {
	o := &Order{held: *h, leaves: h.leaves()}
	kept := make(map[*entry]uint32, len(o.leaves)) // leaves by the place of their first entry
	for i := range o.leaves {
		kept[&o.leaves[i].entries[0]] = uint32(i)
	}
	var stay []ref
	if old != nil {
		stay = old.refsOf(kept)
	}
	var fresh []ref
	for i := range o.leaves {
		_, isNew := kept[&o.leaves[i].entries[0]]
		for at := range o.leaves[i].entries {
			r := ref{uint32(i), uint32(at)}
			switch {
			case o.leaves[i].entries[at].shape&starred != 0:
				o.starred = append(o.starred, r)
			case isNew:
				fresh = append(fresh, r)
			}
		}
	}
	slices.SortFunc(fresh, o.compare)
	o.refs = o.join(stay, fresh)
	return o
}

// refsOf returns the refs to leaves that are still there, by their new numbers, in order, and takes those
// leaves out of kept.
func (o *Order) refsOf(kept map[*entry]uint32) []ref {
	const gone = ^uint32(0)
	now := make([]uint32, len(o.leaves))
	for i := range o.leaves {
		first := &o.leaves[i].entries[0]
		n, stays := kept[first]
		if !stays {
			n = gone
		}
		now[i] = n
		delete(kept, first)
	}
	out := make([]ref, 0, len(o.refs))
	for _, r := range o.refs {
		if n := now[r.leaf]; n != gone {
			out = append(out, ref{n, r.at})
		}
	}
	return out
}

// join merges two sorted lists.
func (o *Order) join(a, b []ref) []ref {
	if len(a) == 0 || len(b) == 0 {
		return append(a, b...)
	}
	out := make([]ref, 0, len(a)+len(b))
	for len(b) > 0 {
		n, _ := slices.BinarySearchFunc(a, b[0], o.compare)
		out = append(append(out, a[:n]...), b[0])
		a, b = a[n:], b[1:]
	}
	return append(out, a...)
}

func (o *Order) compare(a, b ref) int {
	x, y := o.entry(a), o.entry(b)
	return cmp.Or(compareTexts(o.fixed(a, x), x.shape&below != 0, o.fixed(b, y), y.shape&below != 0),
		cmp.Compare(a.leaf, b.leaf), cmp.Compare(a.at, b.at))
}

func (o *Order) entry(r ref) *entry { return &o.leaves[r.leaf].entries[r.at] }

func (o *Order) fixed(r ref, e *entry) string {
	return o.leaves[r.leaf].fixed(e)
}

// Of tells whether this is the order of h. It costs next to nothing.
func (o *Order) Of(h *Holding) bool {
	if h.many() != nil {
		return h.one.extra == o.held.one.extra
	}
	a, b := h.one.entries, o.held.one.entries
	return o.held.many() == nil && len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// Len is the number of grants.
func (o *Order) Len() int { return len(o.refs) + len(o.starred) }

// Each calls yield for every grant until it returns false.
func (o *Order) Each(yield func(Held) bool) bool { return o.held.Each(yield) }

// Starred calls yield for the grants that stand apart, until it returns false.
func (o *Order) Starred(yield func(Held) bool) {
	for _, r := range o.starred {
		if !yield(o.leaves[r.leaf].held(int(r.at))) {
			return
		}
	}
}

// Cursor is a place in an Order. The zero Cursor is at an end.
type Cursor struct {
	order *Order
	at    int
}

// From returns a cursor at the first grant whose text is not before the given one.
func (o *Order) From(text string) Cursor {
	c := Cursor{order: o}
	c.Seek(text)
	return c
}

// Seek moves forward to the first grant whose text is not before the given one.
func (c *Cursor) Seek(text string) {
	if c.order == nil {
		return
	}
	rest := c.order.refs[c.at:]
	n, _ := slices.BinarySearchFunc(rest, text, func(r ref, text string) int {
		e := c.order.entry(r)
		return compareTexts(c.order.fixed(r, e), e.shape&below != 0, text, false)
	})
	c.at += n
}

// Held returns the grant at the cursor, and false at the end.
func (c *Cursor) Held() (Held, bool) {
	if c.order == nil || c.at >= len(c.order.refs) {
		return Held{}, false
	}
	r := c.order.refs[c.at]
	return c.order.leaves[r.leaf].held(int(r.at)), true
}

// Left is the number of grants from the cursor on.
func (c *Cursor) Left() int { return len(c.order.refs) - c.at }

// Next moves to the next grant.
func (c *Cursor) Next() { c.at++ }

// Compare compares the texts of two grants.
func (h *Held) Compare(o *Held) int { return compareTexts(h.Fixed, h.Below, o.Fixed, o.Below) }

// compareTexts is strings.Compare of canonical texts, each given as its fixed part and whether a
// star follows.
func compareTexts(a string, aBelow bool, b string, bBelow bool) int {
	n := min(len(a), len(b))
	if c := strings.Compare(a[:n], b[:n]); c != 0 {
		return c
	}
	// One is the beginning of the other; what follows decides.
	return compareRest(a[n:], tail(a, aBelow), b[n:], tail(b, bBelow))
}

// tail is what the canonical text has after its fixed part.
func tail(fixed string, below bool) string {
	switch {
	case !below:
		return ""
	case fixed == "":
		return "*"
	}
	return "/*"
}

// compareRest compares a+aTail with b+bTail, where a or b is empty.
func compareRest(a, aTail, b, bTail string) int {
	if a == "" && b == "" {
		return strings.Compare(aTail, bTail)
	}
	if a == "" {
		return -compareRest(b, bTail, a, aTail)
	}
	// b is empty: bTail against a and then aTail.
	n := min(len(a), len(bTail))
	if c := strings.Compare(a[:n], bTail[:n]); c != 0 {
		return c
	}
	if len(a) > n {
		return 1
	}
	return strings.Compare(aTail, bTail[n:])
}
