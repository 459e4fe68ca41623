package index

import "math/bits"

// pairs finds numbers by a key: a multimap in 8 bytes an entry and the room that hashing needs.
// Keys are hashes already. The pair of key 0 and number 0 is kept apart.
type pairs struct {
	slots []uint64 // key << 32 | number, or 0
	live  int
	zero  bool
}

func (t *pairs) home(key uint32) int {
	hi, _ := bits.Mul64(uint64(key)*0x9E3779B97F4A7C15, uint64(len(t.slots)))
	return int(hi)
}

func (t *pairs) after(i int) int {
	if i++; i == len(t.slots) {
		return 0
	}
	return i
}

// add adds the pair, if it is not there.
func (t *pairs) add(key, number uint32) {
	pair := uint64(key)<<32 | uint64(number)
	if pair == 0 {
		t.zero = true
		return
	}
	if (t.live+1)*5 > len(t.slots)*4 {
		old := t.slots
		t.slots = make([]uint64, max(16, len(old)*3/2))
		for _, p := range old {
			if p != 0 {
				i := t.home(uint32(p >> 32))
				for t.slots[i] != 0 {
					i = t.after(i)
				}
				t.slots[i] = p
			}
		}
	}
	i := t.home(key)
	for ; t.slots[i] != 0; i = t.after(i) {
		if t.slots[i] == pair {
			return
		}
	}
	t.slots[i] = pair
	t.live++
}

// of returns the numbers of a key.
func (t *pairs) of(key uint32) (out []uint32) {
	if key == 0 && t.zero {
		out = append(out, 0)
	}
	if len(t.slots) == 0 {
		return out
	}
	for i := t.home(key); t.slots[i] != 0; i = t.after(i) {
		if uint32(t.slots[i]>>32) == key {
			out = append(out, uint32(t.slots[i]))
		}
	}
	return out
}

// remove takes the pair out, if it is there.
func (t *pairs) remove(key, number uint32) {
	pair := uint64(key)<<32 | uint64(number)
	if pair == 0 {
		t.zero = false
		return
	}
	if len(t.slots) == 0 {
		return
	}
	i := t.home(key)
	for t.slots[i] != pair {
		if t.slots[i] == 0 {
			return
		}
		i = t.after(i)
	}
	// Move later entries of the same run back, so that no search stops early.
	n := len(t.slots)
	for j := t.after(i); t.slots[j] != 0; j = t.after(j) {
		home := t.home(uint32(t.slots[j] >> 32))
		if (j-home+n)%n >= (j-i+n)%n {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = 0
	t.live--
}
