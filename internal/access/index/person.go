package index

import (
	"slices"

	"github.com/admit-id/admit/internal/access/check"
)

// person is what a snapshot knows of one user, service client or group. It fills two lines of the
// processor's cache (128 bytes), in the order in which a check reads them; most refusals read one.
type person struct {
	id     string
	few    [fewLinks]uint32 // the first links; the rest is 0
	held   check.Holding
	more   *[]uint32 // all links, when there are more than few
	number uint32    // for the writer
	used   uint32    // somebody asked; set by readers (Snapshot.Knows)
}

const fewLinks = 4

// links returns the groups, and records kept once: numbers into Snapshot.shared, in order.
func (p *person) links() []uint32 {
	if p.few[fewLinks-1] != 0 && p.more != nil {
		return *p.more
	}
	n := 0
	for n < fewLinks && p.few[n] != 0 {
		n++
	}
	return p.few[:n]
}

// setLinks makes the person have these links. The slice may be kept.
func (p *person) setLinks(links []uint32) {
	var few [fewLinks]uint32
	copy(few[:], links)
	p.few, p.more = few, nil
	if len(links) > fewLinks {
		p.more = &links
	}
}

func (p *person) link(n uint32)   { p.setLinks(with(p.links(), n)) }
func (p *person) unlink(n uint32) { p.setLinks(without(p.links(), n)) }

func (p *person) empty() bool { return p.held.Len() == 0 && p.few[0] == 0 }

// editMark tells what one edit made from all else. It must not have size zero: two
// such values may share an address.
type editMark struct{ _ byte }

// shelf is a persistent array of holdings by number: groups, and records kept once. Nothing has number 0.
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
