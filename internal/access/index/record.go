package index

import (
	"hash/maphash"
	"math/bits"

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

// recordTable gives each record a number and knows whom it names, so that a change of the
// record can be taken out again. It is the writer's. It takes 17 to 19 bytes a record, because it keeps
// the keyed hash of the id instead of the id. Two ids with the same hash would share a number: whoever
// is named by both would lose the rights of both with either. Nobody would keep a right too
// long, and among 10^8 records it happens once in some thousand deployments, if the two name the same person at all.
type recordTable struct {
	pages []*recordPage
	used  uint32 // numbers that were ever used
	free  []uint32
	slots []uint32 // open addressing: number + 1, or 0
	live  int
	lists []named
	holes []uint32 // places in lists that are free
}

// recordPage is what is known of some records, by number. Growing by pages leaves little room and copies nothing.
type recordPage struct {
	hash [recordPageSize]uint64
	whom [recordPageSize]uint32 // a principal, or a place in lists with manyBit, or nobody
}

const recordPageSize = 64

func (t *recordTable) hash(n uint32) uint64 { return t.pages[n/recordPageSize].hash[n%recordPageSize] }

func (t *recordTable) whom(n uint32) *uint32 {
	return &t.pages[n/recordPageSize].whom[n%recordPageSize]
}

// named is whom a record names that names several, or whose grants are kept once.
type named struct {
	who    []uint32 // principals
	shared []uint32 // numbers on the shelf
}

const (
	manyBit = 1 << 31
	nobody  = 1<<32 - 1
)

func hashOfRecord(id ident.RecordID) uint64 { return maphash.String(seed, string(id)) }

// home is where a hash would like to be: larger hashes not before smaller ones.
func (t *recordTable) home(hash uint64) int {
	hi, _ := bits.Mul64(hash, uint64(len(t.slots)))
	return int(hi)
}

func (t *recordTable) after(i int) int {
	if i++; i == len(t.slots) {
		return 0
	}
	return i
}

func (t *recordTable) find(hash uint64) (uint32, bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	for i := t.home(hash); t.slots[i] != 0; i = t.after(i) {
		if n := t.slots[i] - 1; t.hash(n) == hash {
			return n, true
		}
	}
	return 0, false
}

// add gives the record a number. It must not have one yet.
func (t *recordTable) add(hash uint64) uint32 {
	var n uint32
	if k := len(t.free); k > 0 {
		n = t.free[k-1]
		t.free = t.free[:k-1]
	} else {
		if n = t.used; int(n/recordPageSize) == len(t.pages) {
			t.pages = append(t.pages, &recordPage{})
		}
		t.used++
	}
	t.pages[n/recordPageSize].hash[n%recordPageSize] = hash
	*t.whom(n) = nobody
	t.live++
	if t.live*5 > len(t.slots)*4 {
		t.grow()
	}
	t.place(n)
	return n
}

func (t *recordTable) place(n uint32) {
	i := t.home(t.hash(n))
	for t.slots[i] != 0 {
		i = t.after(i)
	}
	t.slots[i] = n + 1
}

// grow makes the table larger.
func (t *recordTable) grow() {
	old := t.slots
	t.slots = make([]uint32, max(16, len(old)*5/4))
	for _, s := range old {
		if s != 0 {
			t.place(s - 1)
		}
	}
}

// remove forgets the record. Its number may be given to another one.
func (t *recordTable) remove(n uint32) {
	i := t.home(t.hash(n))
	for t.slots[i] != n+1 {
		i = t.after(i)
	}
	// Move later entries of the same run back, so that no search stops early.
	size := len(t.slots)
	for j := t.after(i); t.slots[j] != 0; j = t.after(j) {
		home := t.home(t.hash(t.slots[j] - 1))
		if (j-home+size)%size >= (j-i+size)%size {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = 0
	t.name(n, named{})
	t.free = append(t.free, n)
	t.live--
}

// named returns whom the record names.
func (t *recordTable) named(n uint32) named {
	switch w := *t.whom(n); {
	case w == nobody:
		return named{}
	case w&manyBit != 0:
		return t.lists[w&^manyBit]
	default:
		return named{who: []uint32{w}}
	}
}

// name says whom the record names from now on.
func (t *recordTable) name(n uint32, to named) {
	if w := *t.whom(n); w != nobody && w&manyBit != 0 {
		t.lists[w&^manyBit] = named{}
		t.holes = append(t.holes, w&^manyBit)
	}
	switch {
	case len(to.who) == 0:
		*t.whom(n) = nobody
	case len(to.who) == 1 && len(to.shared) == 0:
		*t.whom(n) = to.who[0]
	case len(t.holes) > 0:
		at := t.holes[len(t.holes)-1]
		t.holes = t.holes[:len(t.holes)-1]
		t.lists[at] = to
		*t.whom(n) = at | manyBit
	default:
		t.lists = append(t.lists, to)
		*t.whom(n) = uint32(len(t.lists)-1) | manyBit
	}
}

// principals numbers the principals that hold something.
type principals struct {
	hashes []uint64                 // by number: of a person's id
	groups map[uint32]ident.GroupID // of the numbers of groups
	free   []uint32
}

func (t *principals) add(hash uint64) uint32 {
	if k := len(t.free); k > 0 {
		n := t.free[k-1]
		t.free = t.free[:k-1]
		t.hashes[n] = hash
		return n
	}
	t.hashes = append(t.hashes, hash)
	return uint32(len(t.hashes) - 1)
}

func (t *principals) addGroup(id ident.GroupID) uint32 {
	n := t.add(0)
	if t.groups == nil {
		t.groups = map[uint32]ident.GroupID{}
	}
	t.groups[n] = id
	return n
}

func (t *principals) remove(n uint32) { t.free = append(t.free, n) }
