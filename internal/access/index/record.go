package index

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/kit/ident"
)

// Principal is who a record gives rights to: a user or service client, or a group.
type Principal struct {
	User  ident.UserID
	Group ident.GroupID
}

// key is the principal in one name space. No user id begins with a zero byte.
func (p Principal) key() string {
	if p.Group != "" {
		return "\x00" + string(p.Group)
	}
	return string(p.User)
}

// recordTable finds records by id and gives each a number. It is the writer's; it keeps
// whom each record names, so that a change of the record can be taken out again.
type recordTable struct {
	rows  []recordRow
	free  []uint32
	slots []uint32 // open addressing: row number + 1, or 0
	live  int
}

type recordRow struct {
	id     string
	names  []string // keys of principals, sorted
	shared []uint32 // numbers on the shelf
}

func (t *recordTable) find(id string) (uint32, bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	mask := uint64(len(t.slots) - 1)
	for i := maphash.String(seed, id) & mask; t.slots[i] != 0; i = (i + 1) & mask {
		if n := t.slots[i] - 1; t.rows[n].id == id {
			return n, true
		}
	}
	return 0, false
}

// add gives the id a number. It must not have one yet.
func (t *recordTable) add(id string) uint32 {
	var n uint32
	if k := len(t.free); k > 0 {
		n = t.free[k-1]
		t.free = t.free[:k-1]
		t.rows[n] = recordRow{id: id}
	} else {
		n = uint32(len(t.rows))
		t.rows = append(t.rows, recordRow{id: id})
	}
	t.live++
	if t.live*4 > len(t.slots)*3 {
		t.grow()
	} else {
		t.place(n)
	}
	return n
}

func (t *recordTable) place(n uint32) {
	mask := uint64(len(t.slots) - 1)
	i := maphash.String(seed, t.rows[n].id) & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = n + 1
}

func (t *recordTable) grow() {
	size := max(16, len(t.slots)*2)
	t.slots = make([]uint32, size)
	for n := range t.rows {
		if t.rows[n].id != "" {
			t.place(uint32(n))
		}
	}
}

// remove forgets the record. Its number may be given to another one.
func (t *recordTable) remove(n uint32) {
	mask := uint64(len(t.slots) - 1)
	i := maphash.String(seed, t.rows[n].id) & mask
	for t.slots[i] != n+1 {
		i = (i + 1) & mask
	}
	// Move later entries of the same run back, so that no search stops early.
	for j := (i + 1) & mask; t.slots[j] != 0; j = (j + 1) & mask {
		home := maphash.String(seed, t.rows[t.slots[j]-1].id) & mask
		if (j-home)&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = 0
	t.rows[n] = recordRow{}
	t.free = append(t.free, n)
	t.live--
}

func (t *recordTable) naming(key string) []ident.RecordID {
	var out []ident.RecordID
	for i := range t.rows {
		if t.rows[i].id == "" {
			continue
		}
		if _, found := slices.BinarySearchFunc(t.rows[i].names, key, strings.Compare); found {
			out = append(out, ident.RecordID(t.rows[i].id))
		}
	}
	return out
}
