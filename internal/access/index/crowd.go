package index

import "slices"

// crowd is a persistent hash table of people. To find somebody takes three steps that can miss the
// processor's caches (room, seat, person), however many there are. Crowds of older snapshots
// never change; an editor changes only the wings and rooms that carry its own mark. A nil crowd is empty.
type crowd struct {
	wings []*wing // their number is a power of two
	n     int
	edit  *editMark
}

// wing is a group of rooms that are copied together.
type wing struct {
	rooms [wingRooms]room
	edit  *editMark
}

// room is a small table with open addressing: a person sits where the low bits of the hash say, or
// after, where no seat before is free. Room and wing follow from the high bits.
type room struct {
	seats []seat // at least one is free
	n     int
	edit  *editMark
}

type seat struct {
	hash   uint64
	person *person // nil: free
}

const (
	wingBits  = 5
	wingRooms = 1 << wingBits
	fullRoom  = 32 // people a room, on average, when the crowd gets more wings
	moreWings = 4  // times as many
)

// room returns the wing and the number of the room of a hash.
func (c *crowd) room(hash uint64) (w, r uint64) {
	return hash >> 32 & uint64(len(c.wings)-1), hash >> (64 - wingBits)
}

func (c *crowd) find(hash uint64, id string) *person {
	if c == nil {
		return nil
	}
	w, r := c.room(hash)
	seats := c.wings[w].rooms[r].seats
	if len(seats) == 0 {
		return nil
	}
	for i := home(hash, len(seats)); seats[i].person != nil; {
		if seats[i].hash == hash && seats[i].person.id == id {
			return seats[i].person
		}
		if i++; i == len(seats) {
			i = 0
		}
	}
	return nil
}

// numbered finds a person by the hash of the id and the number.
func (c *crowd) numbered(hash uint64, number uint32) *person {
	if c == nil {
		return nil
	}
	w, r := c.room(hash)
	for _, s := range c.wings[w].rooms[r].seats {
		if s.hash == hash && s.person != nil && s.person.number == number {
			return s.person
		}
	}
	return nil
}

// home is the first seat of so many that a person with the hash may have.
func home(hash uint64, seats int) int { return int(hash & (1<<32 - 1) * uint64(seats) >> 32) }

// put returns the crowd with p in the place of whoever has its id, of which this is the hash. Nobody else may have p yet.
func (c *crowd) put(hash uint64, p *person, mark *editMark) *crowd {
	if c == nil {
		c = &crowd{wings: []*wing{{edit: mark}}, edit: mark}
	}
	c = c.own(mark)
	c.place(seat{hash, p}, mark)
	if c.n > len(c.wings)*wingRooms*fullRoom {
		c.build(mark)
	}
	return c
}

// place seats somebody in a crowd that the edit may change.
func (c *crowd) place(s seat, mark *editMark) {
	r := c.enter(s.hash, mark)
	if len(r.seats) == 0 {
		r.seats = make([]seat, 2)
	}
	i, found := r.seat(s.hash, s.person.id)
	if !found {
		if (r.n+1)*4 > len(r.seats)*3 {
			r.widen()
			i, _ = r.seat(s.hash, s.person.id)
		}
		r.n++
		c.n++
	}
	r.seats[i] = s
}

// remove returns the crowd without the person.
func (c *crowd) remove(hash uint64, id string, mark *editMark) *crowd {
	if c.find(hash, id) == nil {
		return c
	}
	if c.n == 1 {
		return nil
	}
	c = c.own(mark)
	r := c.enter(hash, mark)
	i, _ := r.seat(hash, id)
	n := len(r.seats)
	// Move later people of the same run back, so that no search stops early.
	for k := (i + 1) % n; r.seats[k].person != nil; k = (k + 1) % n {
		if (k-home(r.seats[k].hash, n)+n)%n >= (k-i+n)%n {
			r.seats[i] = r.seats[k]
			i = k
		}
	}
	r.seats[i] = seat{}
	r.n--
	c.n--
	if r.n == 0 {
		r.seats = nil
	}
	return c
}

// own returns a crowd that the edit may change.
func (c *crowd) own(mark *editMark) *crowd {
	if c.edit == mark {
		return c
	}
	return &crowd{wings: slices.Clone(c.wings), n: c.n, edit: mark}
}

// enter returns the room of a hash for the edit to change.
func (c *crowd) enter(hash uint64, mark *editMark) *room {
	at, number := c.room(hash)
	w := c.wings[at]
	if w.edit != mark {
		w = &wing{rooms: w.rooms, edit: mark}
		c.wings[at] = w
	}
	r := &w.rooms[number]
	if r.edit != mark {
		r.seats, r.edit = slices.Clone(r.seats), mark
	}
	return r
}

// seat returns where the person sits, or the free seat for them.
func (r *room) seat(hash uint64, id string) (int, bool) {
	n := len(r.seats)
	i := home(hash, n)
	for ; r.seats[i].person != nil; i = (i + 1) % n {
		if r.seats[i].hash == hash && r.seats[i].person.id == id {
			return i, true
		}
	}
	return i, false
}

func (r *room) widen() {
	old := r.seats
	r.seats = make([]seat, len(old)+len(old)/2)
	for _, s := range old {
		if s.person != nil {
			i, _ := r.seat(s.hash, s.person.id)
			r.seats[i] = s
		}
	}
}

// build gives the crowd more wings.
func (c *crowd) build(mark *editMark) {
	old := c.wings
	c.wings = make([]*wing, moreWings*len(old))
	for i := range c.wings {
		c.wings[i] = &wing{edit: mark}
	}
	c.n = 0
	for _, w := range old {
		for i := range w.rooms {
			for _, s := range w.rooms[i].seats {
				if s.person != nil {
					c.place(s, mark)
				}
			}
		}
	}
}

// each calls yield for every person until it returns false.
func (c *crowd) each(yield func(*person) bool) bool {
	if c == nil {
		return true
	}
	for _, w := range c.wings {
		if !w.each(yield) {
			return false
		}
	}
	return true
}

func (w *wing) each(yield func(*person) bool) bool {
	for i := range w.rooms {
		for _, s := range w.rooms[i].seats {
			if s.person != nil && !yield(s.person) {
				return false
			}
		}
	}
	return true
}
