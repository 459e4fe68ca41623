package index

import (
	"fmt"
	"maps"
	"testing"
)

// TestCrowd compares a crowd, and crowds of the past, with plain maps. Hashes are poor, so that
// people share seats, rooms and whole hashes.
func TestCrowd(t *testing.T) {
	n := uint64(3)
	next := func(below uint64) uint64 { // a fixed sequence that looks random
		n = n*6364136223846793005 + 1442695040888963407
		return (n >> 33) % below
	}
	type past struct {
		c    *crowd
		want map[string]*person
	}
	var (
		c     *crowd
		pasts []past
		now   = map[string]*person{}
	)
	hash := func(i uint64) uint64 { return (i%5000)<<59 | (i % 7 << 32) | i%300 }
	for step := range 1200 {
		mark := &editMark{}
		for range next(40) + 1 {
			i := next(8000)
			id := fmt.Sprint("u", i)
			if next(3) == 0 {
				c = c.remove(hash(i), id, mark)
				delete(now, id)
				continue
			}
			p := &person{id: id, number: uint32(i)}
			c = c.put(hash(i), p, mark)
			now[id] = p
		}
		if step%100 == 0 {
			pasts = append(pasts, past{c, maps.Clone(now)})
		}
	}
	pasts = append(pasts, past{c, now})
	for k, p := range pasts {
		for i := range uint64(8000) {
			id := fmt.Sprint("u", i)
			if got := p.c.find(hash(i), id); got != p.want[id] {
				t.Fatalf("crowd %d: %s is %v; want %v", k, id, got, p.want[id])
			}
		}
		count := 0
		p.c.each(func(*person) bool { count++; return true })
		if count != len(p.want) || p.c.n != count {
			t.Fatalf("crowd %d: %d people, n %d; want %d", k, count, p.c.n, len(p.want))
		}
	}
	mark := &editMark{}
	for id, p := range now {
		c = c.remove(hash(uint64(p.number)), id, mark)
	}
	if c != nil {
		t.Error("somebody is left")
	}
}
