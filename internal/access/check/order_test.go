package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestOrderFollows changes a Holding record by record. The order that grew from the order before is
// what sorting makes of all grants.
func TestOrderFollows(t *testing.T) {
	n := uint32(7)
	next := func(below uint32) uint32 { // a fixed sequence that looks random
		n = n*1664525 + 1013904223
		return (n >> 8) % below
	}
	var (
		h   Holding
		o   *Order
		has = map[uint32]bool{}
	)
	for step := range 400 {
		record := next(30)
		var given []Given
		for range next(5) * next(100) {
			text := fmt.Sprintf("a/%d", next(2000))
			switch next(12) {
			case 0:
				text = fmt.Sprintf("a-%d", next(10))
			case 1:
				text += "/*"
			case 2:
				text = fmt.Sprintf("a/*/%d", next(50))
			case 3:
				text += fmt.Sprintf("/b/%d", next(3))
			case 4:
				text = "*"
			}
			r, err := ParseResource(text)
			if err != nil {
				t.Fatal(err)
			}
			given = append(given, Given{Resource: r, Role: next(3), Record: record})
		}
		h = h.Replace(record, has[record], given)
		has[record] = len(given) > 0
		if o != nil && o.Of(&h) && o.Len() != h.Len() {
			t.Fatalf("step %d: the order of another state", step)
		}
		if next(3) == 0 {
			continue
		}
		o = h.Order(o)
		if !o.Of(&h) || o.Len() != h.Len() {
			t.Fatalf("step %d: %d of %d grants", step, o.Len(), h.Len())
		}
		var want, got, apart []string
		h.Each(func(g Held) bool {
			if text := g.Text(); strings.Contains(text, "/*/") {
				apart = append(apart, text)
			} else {
				want = append(want, text)
			}
			return true
		})
		slices.Sort(want)
		for c := o.From(""); ; c.Next() {
			g, ok := c.Held()
			if !ok {
				break
			}
			got = append(got, g.Text())
		}
		if !slices.Equal(got, want) {
			t.Fatalf("step %d: in order %q; want %q", step, got, want)
		}
		count := 0
		o.Starred(func(Held) bool { count++; return true })
		if count != len(apart) {
			t.Fatalf("step %d: %d apart; want %d", step, count, len(apart))
		}
		for range 5 {
			from := fmt.Sprintf("a/%d/", next(2000))
			at, _ := slices.BinarySearch(want, from)
			c := o.From(from)
			g, ok := c.Held()
			if ok != (at < len(want)) || ok && g.Text() != want[at] {
				t.Fatalf("step %d: from %s comes %s, %v", step, from, g.Text(), ok)
			}
		}
	}
}

func TestCompareTexts(t *testing.T) {
	type half struct {
		fixed string
		below bool
	}
	all := []half{{"", true}, {"a", false}, {"a", true}, {"a-", false}, {"a/!", false}, {"a/b", false}, {"a/b", true}, {"a/b/c", true}, {"a/~", true}, {"a0", false},
		{"+", false}, {"+", true}, {"a/*", true}, {"*:b", false}, {"*:b", true}, {"a/+", false}, {"a/-", true}, {"ab", false}}
	for _, x := range all {
		for _, y := range all {
			a, b := Held{Fixed: x.fixed, Below: x.below}, Held{Fixed: y.fixed, Below: y.below}
			if got, want := a.Compare(&b), strings.Compare(a.Text(), b.Text()); got != want {
				t.Errorf("%q against %q: %d; want %d", a.Text(), b.Text(), got, want)
			}
		}
	}
}
