package index

import (
	"github.com/admit-id/admit/internal/kit/ident"
)

// Fact is what one record gives.
type Fact struct {
	ID     ident.RecordID
	Grants []Grant
}

// Found is what was read about one principal.
type Found struct {
	Own    []Fact
	Groups []FoundGroup
}

// FoundGroup is a group of the principal. Without Read, its facts were not read because Begin said
// that they are known.
type FoundGroup struct {
	ID    ident.GroupID
	Read  bool
	Facts []Fact
}

// Load is the reading of one principal that is under way.
type Load struct {
	Done    chan struct{}
	account ident.AccountID
	user    string
	changes []Touched
	snap    *Snapshot
	err     error
	clean   bool // nothing changed meanwhile, so that the answer is good for those who came later too
}

// Touched is a change that happened: of a record, with whom it names now, or of a group, with its members now.
type Touched struct {
	Record ident.RecordID
	Group  ident.GroupID
	Names  []string // keys of principals, or members
}

// Principals is for Touched.
func Principals(blocks []Block) []string {
	var out []string
	for _, b := range blocks {
		for _, p := range b.Principals {
			out = append(out, p.key())
		}
	}
	return out
}

// Begin begins to load, or returns the load that is under way already (mine is false).
func (x *Index) Begin(id ident.AccountID, user string) (l *Load, mine bool) {
	x.write.Lock()
	defer x.write.Unlock()
	a := x.account(id)
	if s := a.now.Load(); a.need == nil || s.find(user) != nil { // somebody was faster
		l := &Load{Done: make(chan struct{}), snap: s, clean: true}
		close(l.Done)
		return l, false
	}
	if l := a.need.loads[user]; l != nil {
		return l, false
	}
	l = &Load{Done: make(chan struct{}), account: id, user: user}
	a.need.loads[user] = l
	return l, true
}

// HasGroup tells whether what the group gives is in memory.
func (x *Index) HasGroup(id ident.AccountID, group ident.GroupID) bool {
	x.write.Lock()
	defer x.write.Unlock()
	a := (*x.accounts.Load())[id]
	return a != nil && a.need != nil && a.need.bundles[group] != nil
}

// Answer returns what was loaded. It is of use to one who came after the load began only when ok.
func (l *Load) Answer() (s *Snapshot, ok bool, err error) { return l.snap, l.clean, l.err }

// Finish ends the load. It is false when a group left memory that was not read; then the load
// must be done again.
func (x *Index) Finish(l *Load, f Found, err error) bool {
	x.write.Lock()
	defer x.write.Unlock()
	a := x.account(l.account)
	if a.need == nil { // everything was loaded anew meanwhile, and now whole
		l.snap, l.clean, l.err = a.now.Load(), err == nil, err
		close(l.Done)
		return true
	}
	if err == nil {
		for _, g := range f.Groups {
			if !g.Read && a.need.bundles[g.ID] == nil {
				return false
			}
		}
	}
	if a.need.loads[l.user] == l {
		delete(a.need.loads, l.user)
		l.clean = err == nil && !l.outdated(&f)
	}
	l.err = err
	if err == nil {
		e := x.editor(a)
		e.install(l.user, &f, l.clean)
		l.snap = &e.next
		if l.clean {
			a.now.Store(l.snap)
			x.evict()
		}
	}
	close(l.Done)
	return true
}

// outdated tells whether something changed that the reading rests on.
func (l *Load) outdated(f *Found) bool {
	keys := map[string]bool{l.user: true}
	records := map[ident.RecordID]bool{}
	for _, fact := range f.Own {
		records[fact.ID] = true
	}
	for _, g := range f.Groups {
		keys["\x00"+string(g.ID)] = true
		for _, fact := range g.Facts {
			records[fact.ID] = true
		}
	}
	for _, c := range l.changes {
		if c.Record != "" && records[c.Record] || c.Group != "" && keys["\x00"+string(c.Group)] {
			return true
		}
		for _, name := range c.Names {
			if keys[name] {
				return true
			}
		}
	}
	return false
}
