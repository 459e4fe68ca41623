package check

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
)

// TestSearch compares the guess with looking at everything, also where hashes are uneven.
func TestSearch(t *testing.T) {
	n := uint64(1)
	next := func() uint32 { // a fixed sequence that looks random
		n = n*6364136223846793005 + 1442695040888963407
		return uint32(n >> 29)
	}
	for round := range 500 {
		l := leaf{entries: make([]entry, round%70)}
		for i := range l.entries {
			l.entries[i].hash = next()
			switch round % 4 {
			case 1:
				l.entries[i].hash %= 5
			case 2:
				l.entries[i].hash |= 0xffff << 16
			case 3:
				l.entries[i].hash &= 3 << 30
			}
		}
		slices.SortFunc(l.entries, func(a, b entry) int { return cmp.Compare(a.hash, b.hash) })
		asked := []uint32{0, 1, ^uint32(0), next(), next() % 5}
		for _, e := range l.entries {
			asked = append(asked, e.hash, e.hash+1, e.hash-1)
		}
		for _, hash := range asked {
			want := 0
			for want < len(l.entries) && l.entries[want].hash < hash {
				want++
			}
			if got := l.guess(hash); got != want {
				t.Fatalf("round %d: %d of %d; want %d", round, got, len(l.entries), want)
			}
		}
	}
}

// TestLargeHoldings changes a Holding of thousands of grants record by record, and compares it
// with a plain map after every few changes. Many grants share a resource, so that runs of one
// hash are long.
func TestLargeHoldings(t *testing.T) {
	type key struct {
		text   string
		role   uint32
		record uint32
	}
	n := uint32(1)
	next := func(below uint32) uint32 { // a fixed sequence that looks random
		n = n*1664525 + 1013904223
		return (n >> 8) % below
	}
	var h Holding
	model := map[uint32]map[key]bool{}
	for step := range 300 {
		record := next(40)
		var given []Given
		set := map[key]bool{}
		if next(4) > 0 {
			for range next(400) {
				text := fmt.Sprintf("a/%d", next(3000))
				switch next(20) {
				case 0:
					text = "same/resource"
				case 1:
					text = fmt.Sprintf("a/*/%d", next(50))
				case 2:
					text += "/*"
				}
				r, err := ParseResource(text)
				if err != nil {
					t.Fatal(err)
				}
				role := next(200) * 999 // some do not fit into the entry
				given = append(given, Given{Resource: r, Role: role, Record: record})
				set[key{text, role, record}] = true
			}
		}
		before := h
		count := before.Len()
		h = h.Replace(record, model[record] != nil, given)
		model[record] = set
		if before.Len() != count {
			t.Fatal("the holding before has changed")
		}
		if step%50 != 0 {
			continue
		}
		want := 0
		for _, set := range model {
			want += len(set)
		}
		got := map[key]bool{}
		h.Each(func(g Held) bool {
			k := key{g.Text(), g.Role, g.Record}
			if got[k] || !model[g.Record][k] {
				t.Fatalf("step %d: %v is there", step, k)
			}
			got[k] = true
			return true
		})
		if len(got) != want || h.Len() != want {
			t.Fatalf("step %d: %d grants, Len %d; want %d", step, len(got), h.Len(), want)
		}
		for k := range got {
			r, _ := ParseResource(k.text)
			var q Question
			q.AskAbout(&r)
			found := false
			h.Covering(&q, func(g Held) bool {
				found = found || key{g.Text(), g.Role, g.Record} == k
				return !found
			})
			if !found {
				t.Fatalf("step %d: %v is not found", step, k)
			}
		}
		many := h.many()
		for i := 1; i < len(many); i++ {
			if len(many[i].entries) == 0 || many[i].first() <= many[i-1].entries[len(many[i-1].entries)-1].hash {
				t.Fatalf("step %d: leaf %d is out of order", step, i)
			}
		}
	}
	for record := range model {
		h = h.Replace(record, true, nil)
	}
	if h.Len() != 0 || h.many() != nil {
		t.Fatalf("%d grants are left", h.Len())
	}
}
