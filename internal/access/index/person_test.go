package index

import (
	"reflect"
	"slices"
	"testing"

	"github.com/admit-id/admit/internal/access/check"
)

// TestSizes holds the sizes that docs/designs/access-memory.md counts with.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		what reflect.Type
		want uintptr
	}{
		{reflect.TypeFor[person](), 128},
		{reflect.TypeFor[check.Holding](), 80},
		{reflect.TypeFor[seat](), 16},
		{reflect.TypeFor[recordPage](), 12 * recordPageSize},
	} {
		if got := c.what.Size(); got != c.want {
			t.Errorf("%v takes %d bytes; want %d", c.what, got, c.want)
		}
	}
}

// TestLinks adds and removes links beyond those that stand in the person, and looks at a copy of before.
func TestLinks(t *testing.T) {
	var p person
	var want []uint32
	change := func(n uint32, in bool) {
		before, was := p, slices.Clone(want)
		at, found := slices.BinarySearch(want, n)
		switch {
		case in:
			p.link(n)
			if !found {
				want = slices.Insert(want, at, n)
			}
		default:
			p.unlink(n)
			if found {
				want = slices.Delete(want, at, at+1)
			}
		}
		if !slices.Equal(p.links(), want) || p.empty() != (len(want) == 0) {
			t.Fatalf("links %v; want %v", p.links(), want)
		}
		if !slices.Equal(before.links(), was) {
			t.Fatalf("the person before has %v; want %v", before.links(), was)
		}
	}
	for _, n := range []uint32{5, 3, 9, 3, 1, 8, 2, 7} {
		change(n, true)
	}
	for _, n := range []uint32{4, 9, 1, 8, 1, 2, 7, 5, 3, 3} {
		change(n, false)
	}
	for n := uint32(6); n > 0; n-- {
		change(n, true)
	}
}
