package index

import (
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Builder fills an Index that nobody reads yet. It gathers what people are given, because
// making somebody's grants once is much less work than one after the other.
type Builder struct {
	index   *Index
	editors map[ident.AccountID]*Editor
}

// Build begins to fill the index. Nothing else may write to it until Done.
func (x *Index) Build() *Builder {
	return &Builder{index: x, editors: map[ident.AccountID]*Editor{}}
}

// Edit returns the editor of an account.
func (b *Builder) Edit(id ident.AccountID) *Editor {
	e := b.editors[id]
	if e == nil {
		e = b.index.editor(b.index.account(id))
		b.editors[id] = e
	}
	return e
}

// Done puts everything in place.
func (b *Builder) Done() {
	for _, e := range b.editors {
		e.settle()
		e.bulk = nil // the snapshot is a part of its editor
		e.finishPublic()
		before := e.a.size()
		e.a.now.Store(&e.next)
		b.index.whole += e.a.size() - before
	}
	b.editors = nil
}

// bulkSize is how many grants are gathered before they are put in place.
const bulkSize = 1 << 16

// bulk is what people are given and do not have yet.
type bulk struct {
	who   map[string]uint32
	keys  []string // by number in who
	given []check.Given
	of    []uint32 // for each given: the number in who
}

// AddRecord is SetRecord for a record that the account does not have. What it gives is in
// force after Done, or after the next SetRecord of the record.
func (e *Editor) AddRecord(id ident.RecordID, blocks []Block) {
	if len(blocks) != 1 || len(blocks[0].Principals) != 1 || blocks[0].Principals[0].Group != "" || len(blocks[0].Grants) == 0 {
		e.SetRecord(id, blocks)
		return
	}
	hash := hashOfRecord(id)
	if _, known := e.a.records.find(hash); known {
		e.settle()
		e.SetRecord(id, blocks)
		return
	}
	if e.bulk == nil {
		e.bulk = &bulk{who: map[string]uint32{}}
	}
	b, user := e.bulk, string(blocks[0].Principals[0].User)
	n, known := b.who[user]
	if !known {
		n = uint32(len(b.keys))
		b.keys = append(b.keys, user)
		b.who[user] = n
	}
	b.given = e.given(b.given, e.a.records.add(hash), blocks[0].Grants)
	for len(b.of) < len(b.given) {
		b.of = append(b.of, n)
	}
	if len(b.given) >= bulkSize {
		e.settle()
	}
}

// settle puts in place what was gathered.
func (e *Editor) settle() {
	b := e.bulk
	if b == nil || len(b.given) == 0 {
		return
	}
	ends := make([]uint32, len(b.keys)+1) // counting sort by person
	for _, n := range b.of {
		ends[n+1]++
	}
	for i := 1; i < len(ends); i++ {
		ends[i] += ends[i-1]
	}
	sorted := make([]check.Given, len(b.given))
	for i := range b.given {
		n := b.of[i]
		sorted[ends[n]] = b.given[i]
		ends[n]++
	}
	start := uint32(0)
	for n, key := range b.keys {
		mine := sorted[start:ends[n]]
		start = ends[n]
		var number uint32
		e.change(key, func(p *person) { p.held = p.held.Replace(0, false, mine) })
		number = e.next.find(key).number
		for i := range mine {
			*e.a.records.whom(mine[i].Record) = number
		}
	}
	clear(b.who)
	clear(b.keys)
	clear(b.given)
	b.keys, b.given, b.of = b.keys[:0], b.given[:0], b.of[:0]
}
