package access

import (
	"context"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/give"
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

// The judging itself is in package give; here is what changes consist of.

var errTooMuch = give.ErrTooMuch

// mayGive judges one change by one actor.
type mayGive struct {
	give.Judge
	engine *Engine
	actor  actor.Actor
	roles  map[ident.RoleID]*check.Role
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
	return &mayGive{engine: e, actor: a, roles: map[ident.RoleID]*check.Role{},
		Judge: give.Judge{Snap: snap, Failed: failed, User: a.ID, Now: e.now(), Free: a.Kind == actor.System || a.Kind == actor.Operator}}
}

// unbounded tells whether the actor may give everything without being asked.
func (m *mayGive) unbounded() bool { return m.Free }

func (m *mayGive) role(id ident.RoleID) *check.Role {
	r, ok := m.roles[id]
	if !ok {
		r = m.Snap.Role(string(id))
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
	return m.Permissions(r.Permissions, resource, w)
}

func noRole(id ident.RoleID) error {
	return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "There is no role %s. Create it first.", id)
}

// record judges a record that becomes after and was before. What each principal had from
// the record before may stay; so may what its statements said before.
func (m *mayGive) record(before, after *Record) error {
	if m.unbounded() {
		return nil
	}
	var was []index.Block
	if before != nil {
		was = before.Blocks()
	}
	stays := give.NewBefore(was, m.Now)
	for _, b := range after.Blocks() {
		for i := range b.Grants {
			g := &b.Grants[i]
			if stays.Has(b.Principals, g) {
				continue
			}
			if m.role(g.Role) == nil && !stays.Said(g) && !m.GivesAll(&g.Resource, g.Window.Rest(m.Now)) {
				// Whoever makes the role at this moment is judged for the places that it has without this one.
				return noRole(g.Role)
			}
			if err := m.grant(g.Role, &g.Resource, g.Window); err != nil {
				return err
			}
		}
	}
	return nil
}

// group judges that people join a group: they get all that records give it.
func (m *mayGive) group(ctx context.Context, t tx.Tx, id ident.GroupID) error {
	if m.unbounded() {
		return nil
	}
	if m.Snap.ByNeed() {
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
	if m.Snap.ByNeed() {
		return m.eachOfRole(ctx, t, id, func(r *check.Resource, w check.Window) error { return m.Permissions(added, r, w) })
	}
	for _, where := range m.engine.index.PlacesOfRole(m.actor.Account, id) {
		resource, err := check.ParseResource(where.Resource)
		if err != nil {
			return fault.Wrap("access.mayGive.roleChange", err)
		}
		if err := m.Permissions(added, &resource, where.Window); err != nil {
			return err
		}
	}
	return nil
}
