package index

import (
	"github.com/admit-id/admit/internal/access/check"
)

// publicGrants are the resources that an edit makes public or takes back, by canonical text.
type publicGrants map[string]publicGrant

type publicGrant struct {
	resource check.Resource
	on       bool
}

// SetPublic makes the resource, and all below it, open to everybody for every action, or
// takes that back. It allows only; it lets nobody grant or delegate. A resource of Admit
// itself, and a pattern that could name one, is never public: for such a resource, and for one that is
// public already, nothing changes.
func (e *Editor) SetPublic(resource check.Resource, on bool) {
	if resource.System() {
		return
	}
	if e.public == nil {
		e.public = publicGrants{}
	}
	e.public[resource.String()] = publicGrant{resource, on}
}

// finishPublic puts what SetPublic gathered into the snapshot: many resources at once cost little
// more than one.
func (e *Editor) finishPublic() {
	var open []check.Given
	for text, p := range e.public {
		number, is := e.a.public[text]
		switch {
		case p.on && !is:
			if e.a.public == nil {
				e.a.public = map[string]uint32{}
			}
			e.a.published++
			e.a.public[text] = e.a.published
			open = append(open, check.Given{Resource: p.resource, Record: e.a.published})
		case !p.on && is:
			delete(e.a.public, text)
			e.next.public = e.next.public.Replace(number, true, nil)
		}
	}
	if len(open) > 0 {
		e.next.public = e.next.public.Replace(0, false, open)
	}
	e.public = nil
}

// Public tells whether the question is answered by public resources alone, whoever asks. It
// is never so for a question about more than allow, and never for a resource of Admit itself.
func (s *Snapshot) Public(q *check.Question) bool {
	return q.Flag == check.Allow && s.public.Covers(q) && !q.Resource.System()
}

// PublicAt is Public for a question about a resource alone, prepared by AskAbout.
func (s *Snapshot) PublicAt(q *check.Question) bool {
	return s.public.Covers(q) && !q.Resource.System()
}

// EachPublic calls yield for every public resource until it returns false. Role and Record of what
// it is given mean nothing.
func (s *Snapshot) EachPublic(yield func(check.Held) bool) bool { return s.public.Each(yield) }
