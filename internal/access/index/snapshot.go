package index

import (
	"hash/maphash"

	"github.com/admit-id/admit/internal/access/check"
)

// Snapshot is the state of one account at one moment. It never changes.
type Snapshot struct {
	people *crowd
	shared shelf
	roles  check.Roles
	grants int           // of people, and on the shelf
	byNeed bool          // people has only those who were asked about
	public check.Holding // what everybody may do everything to
}

var seed = maphash.MakeSeed()

func hashOf(s string) uint64 { return maphash.String(seed, s) }

func (s *Snapshot) find(principal string) *person {
	return s.people.find(hashOf(principal), principal)
}

// Check answers a question about a user or service client. What is public is looked at last.
func (s *Snapshot) Check(user string, q *check.Question) bool {
	p := s.find(user)
	if p == nil {
		return s.Public(q)
	}
	if p.held.Held(q, s.roles) {
		return true
	}
	for _, n := range p.links() {
		if s.shared.at(n).Held(q, s.roles) {
			return true
		}
	}
	return s.Public(q)
}

// Covering calls yield for every grant of the user, own or through a group, that covers
// the resource of the question, with its role. Grants of roles that do not exist are left out.
func (s *Snapshot) Covering(user string, q *check.Question, yield func(check.Held, *check.Role) bool) {
	visit := func(h check.Held) bool {
		role := s.roles.At(h.Role)
		return role == nil || yield(h, role)
	}
	p := s.find(user)
	if p == nil || !p.held.Covering(q, visit) {
		return
	}
	for _, n := range p.links() {
		if !s.shared.at(n).Covering(q, visit) {
			return
		}
	}
}

// Each calls yield for every grant of the user, own or through a group, with its role.
// Grants of roles that do not exist are left out, and so is what is public; grants that are not
// in force now are not. It tells whether it
// came to the end.
func (s *Snapshot) Each(user string, yield func(check.Held, *check.Role) bool) bool {
	visit := func(h check.Held) bool {
		role := s.roles.At(h.Role)
		return role == nil || yield(h, role)
	}
	p := s.find(user)
	if p == nil {
		return true
	}
	if !p.held.Each(visit) {
		return false
	}
	for _, n := range p.links() {
		if !s.shared.at(n).Each(visit) {
			return false
		}
	}
	return true
}

// Role returns the role, or nil.
func (s *Snapshot) Role(id string) *check.Role {
	for _, r := range s.roles {
		if r != nil && r.ID == id {
			return r
		}
	}
	return nil
}

// Size counts the people and the grants as written out, for metrics.
func (s *Snapshot) Size() (people, grants int) {
	s.people.each(func(p *person) bool {
		people++
		grants += p.held.Len()
		return true
	})
	for _, pg := range s.shared.pages {
		for i := range pg.items {
			grants += pg.items[i].Len()
		}
	}
	return people, grants
}

// Grants counts the grants as written out.
func (s *Snapshot) Grants() int { return s.grants }
