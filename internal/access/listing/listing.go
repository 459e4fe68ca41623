// Package listing owns the lists of what somebody holds: one page of the resources below a
// collection, in order of their text, made from a snapshot of the index.
package listing

import (
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/ident"
)

// FewGrants is how many grants of a set are looked through for a list rather than put in order.
const FewGrants = 64

// Ask asks for a page.
type Ask struct {
	Account    ident.AccountID
	User       string
	Collection *check.Resource // what is below it is listed
	Action     *check.Action   // the user may do this to them; nil means any permission counts
	Nested     bool            // also what is not directly below the collection
	After      string          // the page goes on after this resource
	Limit      int             // at most so many
	Now        check.Window
}

// Page returns the resources: those that were given, and the pattern of the whole collection alone
// when all of it was given.
func Page(orders *index.Orders, snap *index.Snapshot, a Ask) []string {
	whole := a.Collection.Children()
	q := check.Question{During: a.Now}
	q.AskAbout(&whole)
	allows := rolesThatAllow(snap, a.Action)
	all := snap.PublicAt(&q)
	if !all {
		snap.Covering(a.User, &q, func(h check.Held, _ *check.Role) bool {
			all = allows(h.Role)
			return !all
		})
	}
	if all { // it names everything that could follow
		if text := whole.String(); text > a.After && a.Limit > 0 {
			return []string{text}
		}
		return nil
	}
	x := page{Listing: check.NewListing(a.Collection, a.Nested), now: a.Now, allows: allows,
		rest: smallest{after: a.After, limit: a.Limit}}
	orders.Ordered(a.Account, snap, a.User, x.few, x.many)
	return x.merge(a.Limit)
}

// page is the making of one page.
type page struct {
	*check.Listing
	now    check.Window
	allows func(role uint32) bool
	rest   smallest // what has to be looked at one by one
	runs   []run
}

// run is a set of grants in order, at the next that is listed.
type run struct {
	check.Cursor
	held   check.Held
	public bool
}

func (x *page) counts(h check.Held, public bool) bool {
	return h.Window.Covers(x.now) && (public || x.allows(h.Role))
}

func (x *page) few(h check.Held, public bool) bool {
	if x.counts(h, public) {
		if text, ok := x.Meet(h); ok {
			x.rest.add(text)
		}
	}
	return true
}

func (x *page) many(o *check.Order, public bool) {
	if x.Collection.Starred() { // names what has other texts than the grants
		o.Each(func(h check.Held) bool { return x.few(h, public) })
		return
	}
	o.Starred(func(h check.Held) bool { return x.few(h, public) })
	from := x.Prefix()
	if x.rest.after != "" {
		from = max(from, x.rest.after+"\x00")
	}
	r := run{Cursor: o.From(from), public: public}
	if x.settle(&r) {
		x.runs = append(x.runs, r)
	}
}

// settle moves the run forward to the next grant that is listed, and tells whether there is one.
func (x *page) settle(r *run) bool {
	prefix := x.Prefix()
	for {
		h, ok := r.Held()
		if !ok || !strings.HasPrefix(h.Fixed, prefix) && h.Fixed+"/" != prefix {
			return false
		}
		switch {
		case len(h.Fixed) < len(prefix): // the whole collection, but not for this action and now
			r.Next()
		case !x.Nested && x.deeper(h.Fixed[len(prefix):], r):
		case !x.Nested && h.Below, !x.counts(h, r.public):
			r.Next()
		default:
			r.held = h
			return true
		}
	}
}

// deeper moves over all that is below a direct child of the collection.
func (x *page) deeper(rest string, r *run) bool {
	i := strings.IndexByte(rest, '/')
	if i < 0 {
		return false
	}
	r.Seek(x.Prefix() + rest[:i] + "0") // the byte after the slash
	return true
}

// merge takes the first so many texts of all runs and of the rest, each once.
func (x *page) merge(most int) []string {
	if len(x.runs) == 0 {
		return x.rest.items
	}
	heap := x.runs
	for i := len(heap)/2 - 1; i >= 0; i-- {
		sink(heap, i)
	}
	size := 0
	for i := range heap {
		size += heap[i].Left()
	}
	out := make([]string, 0, min(most, size+len(x.rest.items)))
	var last check.Held // of the runs
	rest := x.rest.items
	for len(out) < most && len(heap) > 0 {
		r := &heap[0]
		if r.held.Compare(&last) != 0 {
			last = r.held
			text := last.Text()
			for len(rest) > 0 && rest[0] < text && len(out) < most {
				out, rest = append(out, rest[0]), rest[1:]
			}
			if len(out) == most {
				return out
			}
			if len(rest) > 0 && rest[0] == text {
				rest = rest[1:]
			}
			out = append(out, text)
		}
		r.Next()
		if !x.settle(r) {
			heap[0] = heap[len(heap)-1]
			heap = heap[:len(heap)-1]
		}
		sink(heap, 0)
	}
	return append(out, rest[:min(len(rest), most-len(out))]...)
}

// sink restores the order of the heap below i.
func sink(heap []run, i int) {
	for {
		least := 2*i + 1
		if least >= len(heap) {
			return
		}
		if least+1 < len(heap) && heap[least+1].held.Compare(&heap[least].held) < 0 {
			least++
		}
		if heap[i].held.Compare(&heap[least].held) <= 0 {
			return
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}

// rolesThatAllow remembers the answer per role number.
func rolesThatAllow(snap *index.Snapshot, action *check.Action) func(number uint32) bool {
	known := map[uint32]bool{}
	last, lastYes := ^uint32(0), false
	return func(number uint32) bool {
		if number == last {
			return lastYes
		}
		yes, ok := known[number]
		if !ok {
			if role := snap.RoleAt(number); role != nil {
				yes = slices.ContainsFunc(role.Permissions, func(p check.Permission) bool {
					return action == nil || p.Flags&check.Allow != 0 && p.Action.Covers(action)
				})
			}
			known[number] = yes
		}
		last, lastYes = number, yes
		return yes
	}
}

// smallest keeps the first so many texts after a position, each once, in order.
type smallest struct {
	after string
	limit int
	items []string
}

func (s *smallest) add(text string) {
	if s.after != "" && text <= s.after {
		return
	}
	if len(s.items) == s.limit && text >= s.items[s.limit-1] {
		return
	}
	at, found := slices.BinarySearch(s.items, text)
	if found {
		return
	}
	if len(s.items) == s.limit {
		s.items = s.items[:s.limit-1]
	}
	s.items = slices.Insert(s.items, at, text)
}
