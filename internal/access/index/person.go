package index

import (
	"slices"

	"github.com/admit-id/admit/internal/access/check"
)

// person is what a snapshot knows of one user, service client or group. It fills three lines of the
// processor's cache (192 bytes), in the order in which a check reads them; a refusal reads two.
type person struct {
	id     string
	links  []uint32 // groups, and records kept once; numbers into Snapshot.shared
	few    [4]uint32
	number uint32 // for the writer
	used   uint32 // somebody asked; set by readers (Snapshot.Knows)
	held   check.Holding
	hash   uint64
}

// settle puts a short list of links into the person's own memory, beside what else a check reads.
func (p *person) settle() {
	if n := copy(p.few[:], p.links); n > 0 && n == len(p.links) {
		p.links = p.few[:n:n]
	}
}

func (p *person) empty() bool { return p.held.Len() == 0 && len(p.links) == 0 }

// editMark tells what one edit made from all else. It must not have size zero: two
// such values may share an address.
type editMark struct{ _ byte }

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
