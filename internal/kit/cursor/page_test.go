package cursor

import (
	"slices"
	"strings"
	"testing"
)

func TestFit(t *testing.T) {
	b := Bounds{Default: 20, Max: 50, Filter: 4}
	for limit, want := range map[int]int{-1: 20, 0: 20, 1: 1, 50: 50, 51: 20} {
		if got, _, err := b.Fit(limit, ""); err != nil || got != want {
			t.Errorf("%d: %d, %v", limit, got, err)
		}
	}
	if _, got, err := b.Fit(1, "ÄBcd"); err != nil || got != "äbcd" {
		t.Errorf("%q, %v", got, err)
	}
	for _, filter := range []string{"abcde", "a\x00", "a\xff", strings.Repeat("x", 1000)} {
		if _, _, err := b.Fit(1, filter); err == nil {
			t.Errorf("%q was accepted", filter)
		}
	}
}

func TestCut(t *testing.T) {
	type id string
	self := func(s string) id { return id(s) }
	if page, next := Cut([]string{"a", "b", "c"}, 2, self); !slices.Equal(page, []string{"a", "b"}) || next != "b" {
		t.Errorf("%v, %q", page, next)
	}
	if page, next := Cut([]string{"a", "b"}, 2, self); len(page) != 2 || next != "" {
		t.Errorf("%v, %q", page, next)
	}
}
