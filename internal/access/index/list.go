package index

import (
	"sync"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Orders remembers the order of grants of whom lists were made, so that the next page is a matter
// of a binary search. What it remembers of a state that is over is never used for another:
// every order is compared with the snapshot that the question is about. It is bounded, and forgets
// what was not asked for during the longest time.
type Orders struct {
	mu    sync.Mutex
	young map[orderKey]*check.Order
	old   map[orderKey]*check.Order
	size  int // grants in young
	few   int // so many are looked through rather than put in order
}

// mostOrdered bounds the grants in one of the two generations: eight bytes each.
const mostOrdered = 500_000

// orderKey names a set of grants: a user's own, or one on the shelf, or what is public.
type orderKey struct {
	account ident.AccountID
	user    string
	shelf   uint32
	kind    uint8
}

const (
	ownGrants uint8 = iota
	shelfGrants
	openGrants
)

// NewOrders returns an empty memory. Sets of at most so few grants are looked through rather than
// put in order.
func NewOrders(few int) *Orders {
	return &Orders{few: few, young: map[orderKey]*check.Order{}, old: map[orderKey]*check.Order{}}
}

func (x *Orders) of(k orderKey, h *check.Holding) *check.Order {
	x.mu.Lock()
	known := x.young[k]
	if known == nil {
		if known = x.old[k]; known != nil && known.Of(h) {
			x.keep(k, known)
		}
	}
	x.mu.Unlock()
	if known != nil && known.Of(h) {
		return known
	}
	made := h.Order(known)
	x.mu.Lock()
	x.keep(k, made)
	x.mu.Unlock()
	return made
}

// keep remembers an order. The caller holds the lock.
func (x *Orders) keep(k orderKey, o *check.Order) {
	if was := x.young[k]; was != nil {
		x.size -= was.Len()
	}
	delete(x.old, k)
	x.young[k] = o
	if x.size += o.Len(); x.size > mostOrdered {
		x.old, x.young, x.size = x.young, map[orderKey]*check.Order{}, 0
	}
}

// Ordered calls few for every grant of the sets that are small, and many with the order of
// those that are not: the user's own, each that reaches the user through a group, and what is
// public. The role of a public grant means nothing; what of few and many is public is told.
// It stops when few returns false.
func (x *Orders) Ordered(id ident.AccountID, s *Snapshot, user string, few func(h check.Held, public bool) bool, many func(o *check.Order, public bool)) {
	visit := func(h *check.Holding, k orderKey) bool {
		public := k.kind == openGrants
		if h.Len() <= x.few {
			return h.Each(func(g check.Held) bool { return few(g, public) })
		}
		k.account = id
		many(x.of(k, h), public)
		return true
	}
	if p := s.find(user); p != nil {
		if !visit(&p.held, orderKey{user: user, kind: ownGrants}) {
			return
		}
		for _, n := range p.links() {
			if !visit(s.shared.at(n), orderKey{shelf: n, kind: shelfGrants}) {
				return
			}
		}
	}
	visit(&s.public, orderKey{kind: openGrants})
}

// RoleAt returns the role with the number that grants refer to it by, or nil.
func (s *Snapshot) RoleAt(number uint32) *check.Role { return s.roles.At(number) }
