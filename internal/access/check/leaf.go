package check

import "strings"

// leaf is some entries of a Holding, in the order of their hashes, with their texts.
type leaf struct {
	filter  [4]uint64 // one bit per entry, by the low bits of its hash: most misses end here
	extra   *extra    // nil for almost all
	entries []entry
	text    string // the resources of the entries
}

// extra is what few leaves have.
type extra struct {
	rare []rare // of the entries with the flag bounded or wide, in their order

	leaves []leaf   // of a Holding that has several
	firsts []uint32 // the hash of the first entry of each of leaves
}

// rare is what the entry at this place in the leaf has no room for.
type rare struct {
	at   int32
	role uint32
	Window
}

// entry takes 16 bytes; the text of the resource comes on top. A part of the keyed hash is enough,
// because the texts are compared as well.
type entry struct {
	hash   uint32
	record uint32
	off    uint32
	role   uint16 // of an entry with the flag wide, it is in rare
	shape  uint16 // flags, and the size of the text
}

const (
	sizeMask = 1<<10 - 1

	below   = 1 << (9 + iota) // the resource ends in a star
	starred                   // the resource has a star before its end
	bounded                   // it is in force during a window only
	wide                      // the number of the role does not fit

	leafSize  = 256
	leafFill  = 192
	leafMerge = 32
)

// The text of every resource fits.
const _ uint = sizeMask - MaxResource

// shortHash is the part of the keyed hash that entries keep.
func shortHash(s string) uint32 { return uint32(hashOf(s) >> 32) }

func (l *leaf) first() uint32 { return l.entries[0].hash }

// mayHold tells whether an entry with the hash could be in the leaf.
func (l *leaf) mayHold(hash uint32) bool { return l.filter[hash&3]>>(hash>>2&63)&1 != 0 }

// fixed is the resource of the entry without a star at the end.
func (l *leaf) fixed(e *entry) string {
	return l.text[e.off : int(e.off)+int(e.shape&sizeMask)]
}

// rareAt returns what is rare about the entry at the place, which has one of the flags.
func (l *leaf) rareAt(at int) *rare {
	all := l.extra.rare
	lo, hi := 0, len(all)-1
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if int(all[mid].at) < at {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return &all[lo]
}

// window returns when the entry at the place is in force.
func (l *leaf) window(at int) Window {
	if l.entries[at].shape&bounded == 0 {
		return Window{}
	}
	return l.rareAt(at).Window
}

// inForce tells whether the entry at the place is in force during all of w.
func (l *leaf) inForce(at int, w Window) bool {
	return l.entries[at].shape&bounded == 0 || l.rareAt(at).Covers(w)
}

// role returns the number of the role of the entry at the place.
func (l *leaf) role(at int) uint32 {
	if e := &l.entries[at]; e.shape&wide == 0 {
		return uint32(e.role)
	}
	return l.rareAt(at).role
}

func (l *leaf) held(at int) Held {
	e := &l.entries[at]
	return Held{Fixed: l.fixed(e), Below: e.shape&below != 0, Role: l.role(at), Record: e.record, Window: l.window(at)}
}

// guess is a search that begins where the hash should be if hashes are even, which they are: most
// often it looks at one line of memory instead of three.
func (l *leaf) guess(hash uint32) int {
	const steps = 4
	n := len(l.entries)
	i := int(uint64(hash) * uint64(n) >> 32)
	if i < n && l.entries[i].hash < hash {
		for range steps {
			if i++; i == n || l.entries[i].hash >= hash {
				return i
			}
		}
		return l.between(hash, i+1, n)
	}
	for range steps {
		if i == 0 || l.entries[i-1].hash < hash {
			return i
		}
		i--
	}
	return l.between(hash, 0, i)
}

func (l *leaf) between(hash uint32, lo, hi int) int {
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if l.entries[mid].hash < hash {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

func (l *leaf) has(record uint32) bool {
	for i := range l.entries {
		if l.entries[i].record == record {
			return true
		}
	}
	return false
}

// merge returns the entries of the leaf, without those of the record, together with more.
func (l *leaf) merge(record uint32, drop bool, more []draft) []draft {
	out := make([]draft, 0, len(l.entries)+len(more))
	for i := range l.entries {
		e := &l.entries[i]
		if drop && e.record == record {
			continue
		}
		out = append(out, draft{hash: e.hash, role: l.role(i), record: e.record, flags: e.shape &^ (sizeMask | wide),
			fixed: l.fixed(e), window: l.window(i)})
	}
	if len(more) > 0 {
		out = append(out, more...)
		sortDrafts(out)
	}
	return out
}

// newLeaf makes a leaf of sorted drafts.
func newLeaf(ds []draft) leaf {
	l := leaf{entries: make([]entry, len(ds))}
	size := 0
	for i := range ds {
		if i == 0 || ds[i].fixed != ds[i-1].fixed {
			size += len(ds[i].fixed)
		}
	}
	var text strings.Builder
	text.Grow(size)
	var odd []rare
	for i := range ds {
		d := &ds[i]
		e := entry{hash: d.hash, record: d.record, role: uint16(d.role), shape: d.flags | uint16(len(d.fixed))}
		if uint32(e.role) != d.role {
			e.shape |= wide
		}
		if e.shape&(bounded|wide) != 0 {
			odd = append(odd, rare{int32(i), d.role, d.window})
		}
		if i > 0 && d.fixed == ds[i-1].fixed {
			e.off = l.entries[i-1].off
		} else {
			e.off = uint32(text.Len())
			text.WriteString(d.fixed)
		}
		l.entries[i] = e
		l.filter[e.hash&3] |= 1 << (e.hash >> 2 & 63)
	}
	l.text = text.String()
	if odd != nil {
		l.extra = &extra{rare: odd}
	}
	return l
}
