// Package give owns the core of invariant I-14: whether somebody may give permissions on a resource
// for a time, and what a change gives that was not given before. What changes consist of is
// package access's to know.
//
// Never: somebody gives more than they hold. A giver's own right must last as long as what is given.
package give

import (
	"slices"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// maxQuestions bounds the work of judging one change.
const maxQuestions = 200_000

// ErrTooMuch says that somebody would give more than they hold.
var ErrTooMuch = fault.New(fault.Forbidden, fault.CodeForbidden,
	"User does not have sufficient access to grant permissions to resources.")

var errTooLong = fault.New(fault.Unprocessable, fault.CodeInvalidRequest,
	"The change gives too many permissions at once to be judged. Split it into several.")

// Judge judges one change by one giver. It asks each thing once.
type Judge struct {
	Snap   *index.Snapshot // knows the giver, unless Failed says why not
	Failed error
	User   string
	Free   bool // may give everything without being asked
	Now    check.Window

	asked map[need]struct{}
	whole map[place]bool // where and when the giver may give everything
	sum   int            // permissions that were looked at
}

type need struct {
	place
	action string
	flag   check.Flag
}

// place is a resource, and the time for which something is given there.
type place struct {
	resource string
	during   check.Window
}

// Asked tells whether anything was given that had to be judged.
func (j *Judge) Asked() bool { return j.sum > 0 || len(j.whole) > 0 }

// Permissions judges the giving of a role's permissions on a resource for a time.
func (j *Judge) Permissions(permissions []check.Permission, resource *check.Resource, w check.Window) error {
	w = w.Rest(j.Now)
	if j.Free || len(permissions) == 0 || j.GivesAll(resource, w) {
		return nil
	}
	for i := range permissions {
		p := &permissions[i]
		if p.Flags&check.Allow != 0 {
			if err := j.Holds(resource, &p.Action, check.Grant, w); err != nil {
				return err
			}
		}
		if p.Flags&(check.Grant|check.Delegate) != 0 {
			if err := j.Holds(resource, &p.Action, check.Delegate, w); err != nil {
				return err
			}
		}
	}
	return nil
}

var everyAction = check.MustAction("*")

// GivesAll tells whether the giver holds grant and delegate for every action, as owners do,
// during all of w.
func (j *Judge) GivesAll(resource *check.Resource, w check.Window) bool {
	where := place{resource.String(), w}
	all, known := j.whole[where]
	if !known && j.Failed == nil {
		var q check.Question
		q.Ask(resource, &everyAction, check.Grant)
		q.During = w
		all = j.Snap.Check(j.User, &q)
		if all {
			q.Ask(resource, &everyAction, check.Delegate)
			all = j.Snap.Check(j.User, &q)
		}
		if j.whole == nil {
			j.whole = map[place]bool{}
		}
		j.whole[where] = all
	}
	return all
}

// Holds judges whether the giver has the flag for the action during all of w.
func (j *Judge) Holds(resource *check.Resource, action *check.Action, f check.Flag, w check.Window) error {
	if j.Failed != nil {
		return j.Failed
	}
	if j.sum++; j.sum > maxQuestions {
		return errTooLong
	}
	n := need{place{resource.String(), w}, action.String(), f}
	if _, done := j.asked[n]; done {
		return nil
	}
	var q check.Question
	q.Ask(resource, action, f)
	q.During = w
	if !j.Snap.Check(j.User, &q) {
		return ErrTooMuch
	}
	if j.asked == nil {
		j.asked = map[need]struct{}{}
	}
	j.asked[n] = struct{}{}
	return nil
}

// Before is what a record gave before a change: what it said, and what each principal had.
type Before struct {
	said terms
	had  map[index.Principal]terms
	now  check.Window
}

// terms are what was given, and when it is in force.
type terms map[pair][]check.Window

// pair is a role on a resource.
type pair struct {
	role     ident.RoleID
	resource string
}

// NewBefore takes the record's blocks before the change; none for a new record.
func NewBefore(blocks []index.Block, now check.Window) *Before {
	b := &Before{said: terms{}, had: map[index.Principal]terms{}, now: now}
	for _, block := range blocks {
		b.said.add(block.Grants)
		for _, who := range block.Principals {
			if b.had[who] == nil {
				b.had[who] = terms{}
			}
			b.had[who].add(block.Grants)
		}
	}
	return b
}

// Has tells whether the record said so before, and each of the principals had it from the record,
// as it is or for at least the time that is left.
func (b *Before) Has(principals []index.Principal, g *index.Grant) bool {
	if !b.said.cover(g, b.now) {
		return false
	}
	for _, who := range principals {
		if !b.had[who].cover(g, b.now) {
			return false
		}
	}
	return true
}

// Said tells whether the record gave anybody the role on that resource before, as it is or for at
// least the time that is left.
func (b *Before) Said(g *index.Grant) bool { return b.said.cover(g, b.now) }

func (t terms) add(grants []index.Grant) {
	for i := range grants {
		p := pair{grants[i].Role, grants[i].Resource.String()}
		if !slices.Contains(t[p], grants[i].Window) {
			t[p] = append(t[p], grants[i].Window)
		}
	}
}

func (t terms) cover(g *index.Grant, now check.Window) bool {
	rest := g.Window.Rest(now)
	for _, w := range t[pair{g.Role, g.Resource.String()}] {
		if w == g.Window || w.Covers(rest) {
			return true
		}
	}
	return false
}

// Added returns what a role gives after a change and did not give before; before may be nil.
func Added(before, after *check.Role) []check.Permission {
	var out []check.Permission
	for _, p := range after.Permissions {
		missing := p.Flags
		if before != nil {
			for i := range before.Permissions {
				if before.Permissions[i].Action.Covers(&p.Action) {
					missing &^= before.Permissions[i].Flags
				}
			}
		}
		if missing != 0 {
			out = append(out, check.Permission{Action: p.Action, Flags: missing})
		}
	}
	return out
}
