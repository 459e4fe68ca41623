package index

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPairs compares the table with a plain set, with few keys, so that runs are long.
func TestPairs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var table pairs
	set := map[[2]uint32]bool{}
	for range 20_000 {
		pair := [2]uint32{random.Uint32N(40), random.Uint32N(30)}
		if random.IntN(3) == 0 {
			table.remove(pair[0], pair[1])
			delete(set, pair)
		} else {
			table.add(pair[0], pair[1])
			set[pair] = true
		}
		key := random.Uint32N(40)
		got := table.of(key)
		slices.Sort(got)
		var want []uint32
		for n := range uint32(30) {
			if set[[2]uint32{key, n}] {
				want = append(want, n)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("key %d: %v; want %v", key, got, want)
		}
	}
}
