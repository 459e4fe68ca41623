package index

import (
	"math/bits"
	"slices"

	"github.com/admit-id/admit/internal/access/check"
)

// person is what a snapshot knows of one user, service client or group.
type person struct {
	id     string
	hash   uint64
	number uint32 // for the writer
	used   uint32 // somebody asked; set by readers (Snapshot.Knows)
	held   check.Holding
	links  []uint32 // groups, and records kept once; numbers into Snapshot.shared
	next   *person  // another person with the same hash; practically never
}

func (p *person) empty() bool { return p.held.Len() == 0 && len(p.links) == 0 }

// node is a part of a persistent trie over 64-bit hashes, six bits a level. Nodes of older
// snapshots never change; an editor changes only the nodes that carry its own mark.
type node struct {
	bitmap uint64
	slots  []slot
	edit   *editMark
}

// slot holds a deeper node or a person.
type slot struct {
	deeper *node
	person *person
}

// editMark tells nodes made by one edit from all others. It must not have size zero: two
// such values may share an address.
type editMark struct{ _ byte }

const levelBits = 6

func (n *node) find(hash uint64, id string) *person {
	for shift := 0; n != nil; shift += levelBits {
		bit := uint64(1) << (hash >> shift & (1<<levelBits - 1))
		if n.bitmap&bit == 0 {
			return nil
		}
		s := &n.slots[bits.OnesCount64(n.bitmap&(bit-1))]
		if s.deeper != nil {
			n = s.deeper
			continue
		}
		for p := s.person; p != nil; p = p.next {
			if p.id == id {
				return p
			}
		}
		return nil
	}
	return nil
}

// put returns the trie with p in the place of whoever has its id.
func (n *node) put(p *person, shift int, mark *editMark) *node {
	if n == nil {
		n = &node{edit: mark}
	}
	bit := uint64(1) << (p.hash >> shift & (1<<levelBits - 1))
	at := bits.OnesCount64(n.bitmap & (bit - 1))
	n = n.own(mark)
	if n.bitmap&bit == 0 {
		n.bitmap |= bit
		n.slots = slices.Insert(n.slots, at, slot{person: p})
		return n
	}
	s := &n.slots[at]
	switch {
	case s.deeper != nil:
		s.deeper = s.deeper.put(p, shift+levelBits, mark)
	case s.person.hash == p.hash:
		p.next = s.person.without(p.id)
		s.person = p
	default:
		var deeper *node
		deeper = deeper.put(s.person, shift+levelBits, mark)
		*s = slot{deeper: deeper.put(p, shift+levelBits, mark)}
	}
	return n
}

// remove returns the trie without the person.
func (n *node) remove(hash uint64, id string, shift int, mark *editMark) *node {
	if n == nil {
		return nil
	}
	bit := uint64(1) << (hash >> shift & (1<<levelBits - 1))
	if n.bitmap&bit == 0 {
		return n
	}
	at := bits.OnesCount64(n.bitmap & (bit - 1))
	n = n.own(mark)
	s := &n.slots[at]
	if s.deeper != nil {
		s.deeper = s.deeper.remove(hash, id, shift+levelBits, mark)
	} else {
		s.person = s.person.without(id)
	}
	if s.deeper == nil && s.person == nil {
		n.bitmap &^= bit
		n.slots = slices.Delete(n.slots, at, at+1)
	}
	if n.bitmap == 0 {
		return nil
	}
	return n
}

// without returns the chain of persons with one left out; those before it are copied.
func (p *person) without(id string) *person {
	if p == nil {
		return nil
	}
	if p.id == id {
		return p.next
	}
	rest := p.next.without(id)
	if rest == p.next {
		return p
	}
	c := *p
	c.next = rest
	return &c
}

// own returns a node that the edit may change.
func (n *node) own(mark *editMark) *node {
	if n.edit == mark {
		return n
	}
	return &node{bitmap: n.bitmap, slots: slices.Clone(n.slots), edit: mark}
}

// each calls yield for every person until it returns false.
func (n *node) each(yield func(*person) bool) bool {
	if n == nil {
		return true
	}
	for i := range n.slots {
		if d := n.slots[i].deeper; d != nil {
			if !d.each(yield) {
				return false
			}
			continue
		}
		for p := n.slots[i].person; p != nil; p = p.next {
			if !yield(p) {
				return false
			}
		}
	}
	return true
}

// shelf is a persistent array of holdings by number: groups, and records kept once.
type shelf struct{ pages []*page }

const pageSize = 16

type page struct {
	items [pageSize]check.Holding
	edit  *editMark
}

var nothing check.Holding

func (s shelf) at(n uint32) *check.Holding {
	if int(n/pageSize) >= len(s.pages) {
		return &nothing
	}
	return &s.pages[n/pageSize].items[n%pageSize]
}

func (s shelf) put(n uint32, h check.Holding, mark *editMark) shelf {
	pages := slices.Clone(s.pages)
	for int(n/pageSize) >= len(pages) {
		pages = append(pages, &page{edit: mark})
	}
	pg := pages[n/pageSize]
	if pg.edit != mark {
		c := *pg
		c.edit = mark
		pg = &c
		pages[n/pageSize] = pg
	}
	pg.items[n%pageSize] = h
	return shelf{pages}
}
