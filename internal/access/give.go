package access

import (
	"context"
	"slices"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// This file holds invariant I-14: nobody gives more than they hold.
//
// To give a role on a resource, the giver holds, on that resource, grant for every action that
// the role allows, and delegate for every action that the role grants or delegates. What
// counts is the state that would result: a record before and after, person by person; for a
// group, everything that records give it; for a role, every resource on which somebody has it.
//
// Time counts too: the giver's own right must last as long as what is given, from now on. Who
// holds a right until Friday gives nothing that outlives Friday, and making a grant last longer
// is giving.

// maxQuestions bounds the work of judging one change.
const maxQuestions = 200_000

var (
	errTooMuch = fault.New(fault.Forbidden, fault.CodeForbidden,
		"User does not have sufficient access to grant permissions to resources.")
	errTooLong = fault.New(fault.Unprocessable, fault.CodeInvalidRequest,
		"The change gives too many permissions at once to be judged. Split it into several.")
)

// mayGive judges one change by one actor. It collects what is given, and asks each thing once.
type mayGive struct {
	engine *Engine
	actor  actor.Actor
	snap   *index.Snapshot // knows the actor, unless failed says why not
	failed error
	roles  map[ident.RoleID]*check.Role
	asked  map[need]struct{}
	whole  map[place]bool // where and when the actor may give everything
	sum    int            // permissions that were looked at
	now    check.Window
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

func (e *Engine) mayGive(a actor.Actor) *mayGive {
	snap := e.index.At(a.Account)
	var failed error
	if a.Kind == actor.User || a.Kind == actor.ServiceClient {
		var known *index.Snapshot
		if known, failed = e.at(a.Account, ident.UserID(a.ID)); failed == nil {
			snap = known
		}
	}
	return &mayGive{engine: e, actor: a, snap: snap, failed: failed,
		roles: map[ident.RoleID]*check.Role{}, asked: map[need]struct{}{}, whole: map[place]bool{}, now: e.now()}
}

// unbounded tells whether the actor may give everything without being asked.
func (m *mayGive) unbounded() bool {
	return m.actor.Kind == actor.System || m.actor.Kind == actor.Operator
}

func (m *mayGive) role(id ident.RoleID) *check.Role {
	r, ok := m.roles[id]
	if !ok {
		r = m.snap.Role(string(id))
		m.roles[id] = r
	}
	return r
}

// grant judges the giving of a role, by its id, on a resource, for a time. A role that does not
// exist gives nothing now, and is judged when somebody makes it.
func (m *mayGive) grant(role ident.RoleID, resource *check.Resource, w check.Window) error {
	r := m.role(role)
	if r == nil {
		return nil
	}
	return m.permissions(r.Permissions, resource, w)
}

func (m *mayGive) permissions(permissions []check.Permission, resource *check.Resource, w check.Window) error {
	w = w.Rest(m.now)
	if m.unbounded() || len(permissions) == 0 || m.givesAll(resource, w) {
		return nil
	}
	for i := range permissions {
		p := &permissions[i]
		if p.Flags&check.Allow != 0 {
			if err := m.holds(resource, &p.Action, check.Grant, w); err != nil {
				return err
			}
		}
		if p.Flags&(check.Grant|check.Delegate) != 0 {
			if err := m.holds(resource, &p.Action, check.Delegate, w); err != nil {
				return err
			}
		}
	}
	return nil
}

var everyAction = check.MustAction("*")

// givesAll tells whether the actor holds grant and delegate for every action, as owners do,
// during all of w.
func (m *mayGive) givesAll(resource *check.Resource, w check.Window) bool {
	where := place{resource.String(), w}
	all, known := m.whole[where]
	if !known && m.failed == nil {
		var q check.Question
		q.Ask(resource, &everyAction, check.Grant)
		q.During = w
		all = m.snap.Check(m.actor.ID, &q)
		if all {
			q.Ask(resource, &everyAction, check.Delegate)
			all = m.snap.Check(m.actor.ID, &q)
		}
		m.whole[where] = all
	}
	return all
}

func (m *mayGive) holds(resource *check.Resource, action *check.Action, f check.Flag, w check.Window) error {
	if m.failed != nil {
		return m.failed
	}
	if m.sum++; m.sum > maxQuestions {
		return errTooLong
	}
	n := need{place{resource.String(), w}, action.String(), f}
	if _, done := m.asked[n]; done {
		return nil
	}
	var q check.Question
	q.Ask(resource, action, f)
	q.During = w
	if !m.snap.Check(m.actor.ID, &q) {
		return errTooMuch
	}
	m.asked[n] = struct{}{}
	return nil
}

// pair is a role on a resource, for comparing two states of a record.
type pair struct {
	role     ident.RoleID
	resource string
}

// record judges a record that becomes after and was before. What each principal had from
// the record before may stay; so may what its statements said before.
func (m *mayGive) record(before, after *Record) error {
	if m.unbounded() {
		return nil
	}
	said, had := terms{}, map[index.Principal]terms{}
	if before != nil {
		for _, b := range before.Blocks() {
			said.add(b.Grants)
			for _, who := range b.Principals {
				if had[who] == nil {
					had[who] = terms{}
				}
				had[who].add(b.Grants)
			}
		}
	}
	for _, b := range after.Blocks() {
		for i := range b.Grants {
			g := &b.Grants[i]
			if said.cover(g, m.now) && everyoneHad(b.Principals, had, g, m.now) {
				continue
			}
			if err := m.grant(g.Role, &g.Resource, g.Window); err != nil {
				return err
			}
		}
	}
	return nil
}

// terms are what was given, and when it is in force.
type terms map[pair][]check.Window

func (t terms) add(grants []index.Grant) {
	for i := range grants {
		p := pair{grants[i].Role, grants[i].Resource.String()}
		if !slices.Contains(t[p], grants[i].Window) {
			t[p] = append(t[p], grants[i].Window)
		}
	}
}

// cover tells whether the grant was given before, as it is or for at least the time that is left.
func (t terms) cover(g *index.Grant, now check.Window) bool {
	rest := g.Window.Rest(now)
	for _, w := range t[pair{g.Role, g.Resource.String()}] {
		if w == g.Window || w.Covers(rest) {
			return true
		}
	}
	return false
}

func everyoneHad(principals []index.Principal, had map[index.Principal]terms, g *index.Grant, now check.Window) bool {
	for _, who := range principals {
		if !had[who].cover(g, now) {
			return false
		}
	}
	return true
}

// group judges that people join a group: they get all that records give it.
func (m *mayGive) group(ctx context.Context, t tx.Tx, id ident.GroupID) error {
	if m.unbounded() {
		return nil
	}
	if m.snap.ByNeed() {
		return m.eachOfGroup(ctx, t, id, m.grant)
	}
	var err error
	m.engine.index.GroupGrants(m.actor.Account, id, func(h check.Held, role ident.RoleID) bool {
		resource, parseErr := check.ParseResource(h.Text())
		if parseErr != nil {
			err = fault.Wrap("access.mayGive.group", parseErr)
			return false
		}
		err = m.grant(role, &resource, h.Window)
		return err == nil
	})
	return err
}

// roleChange judges that a role gets other permissions: whoever has it gets them, on every
// resource on which they have it.
func (m *mayGive) roleChange(ctx context.Context, t tx.Tx, id ident.RoleID, added []check.Permission) error {
	if m.unbounded() || len(added) == 0 {
		return nil
	}
	if m.snap.ByNeed() {
		return m.eachOfRole(ctx, t, id, func(r *check.Resource, w check.Window) error { return m.permissions(added, r, w) })
	}
	for _, where := range m.engine.index.PlacesOfRole(m.actor.Account, id) {
		resource, err := check.ParseResource(where.Resource)
		if err != nil {
			return fault.Wrap("access.mayGive.roleChange", err)
		}
		if err := m.permissions(added, &resource, where.Window); err != nil {
			return err
		}
	}
	return nil
}

// newPermissions returns what after gives and before does not.
func newPermissions(before, after *check.Role) []check.Permission {
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
