package access

import (
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// This file holds invariant I-14: nobody gives more than they hold.
//
// To give a role on a resource, the giver holds, on that resource, grant for every action that
// the role allows, and delegate for every action that the role grants or delegates. What
// counts is the state that would result: a record before and after, person by person; for a
// group, everything that records give it; for a role, every resource on which somebody has it.

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
	snap   *index.Snapshot
	roles  map[ident.RoleID]*check.Role
	asked  map[need]struct{}
	whole  map[string]bool // resources on which the actor may give everything
	sum    int             // permissions that were looked at
}

type need struct {
	resource, action string
	flag             check.Flag
}

func (e *Engine) mayGive(a actor.Actor) *mayGive {
	return &mayGive{engine: e, actor: a, snap: e.index.At(a.Account),
		roles: map[ident.RoleID]*check.Role{}, asked: map[need]struct{}{}, whole: map[string]bool{}}
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

// grant judges the giving of a role, by its id, on a resource. A role that does not exist
// gives nothing now, and is judged when somebody makes it.
func (m *mayGive) grant(role ident.RoleID, resource *check.Resource) error {
	r := m.role(role)
	if r == nil {
		return nil
	}
	return m.permissions(r.Permissions, resource)
}

func (m *mayGive) permissions(permissions []check.Permission, resource *check.Resource) error {
	if m.unbounded() || len(permissions) == 0 || m.givesAll(resource) {
		return nil
	}
	for i := range permissions {
		p := &permissions[i]
		if p.Flags&check.Allow != 0 {
			if err := m.holds(resource, &p.Action, check.Grant); err != nil {
				return err
			}
		}
		if p.Flags&(check.Grant|check.Delegate) != 0 {
			if err := m.holds(resource, &p.Action, check.Delegate); err != nil {
				return err
			}
		}
	}
	return nil
}

var everyAction = check.MustAction("*")

// givesAll tells whether the actor holds grant and delegate for every action, as owners do.
func (m *mayGive) givesAll(resource *check.Resource) bool {
	all, known := m.whole[resource.String()]
	if !known {
		var q check.Question
		q.Ask(resource, &everyAction, check.Grant)
		all = m.snap.Check(m.actor.ID, &q)
		if all {
			q.Ask(resource, &everyAction, check.Delegate)
			all = m.snap.Check(m.actor.ID, &q)
		}
		m.whole[resource.String()] = all
	}
	return all
}

func (m *mayGive) holds(resource *check.Resource, action *check.Action, f check.Flag) error {
	if m.sum++; m.sum > maxQuestions {
		return errTooLong
	}
	n := need{resource.String(), action.String(), f}
	if _, done := m.asked[n]; done {
		return nil
	}
	var q check.Question
	q.Ask(resource, action, f)
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
	said, had := map[pair]bool{}, map[index.Principal]map[pair]bool{}
	if before != nil {
		for _, b := range before.Blocks() {
			for _, g := range b.Grants {
				said[pair{g.Role, g.Resource.String()}] = true
			}
			for _, who := range b.Principals {
				if had[who] == nil {
					had[who] = map[pair]bool{}
				}
				for _, g := range b.Grants {
					had[who][pair{g.Role, g.Resource.String()}] = true
				}
			}
		}
	}
	for _, b := range after.Blocks() {
		for i := range b.Grants {
			g := &b.Grants[i]
			p := pair{g.Role, g.Resource.String()}
			if said[p] && everyoneHad(b.Principals, had, p) {
				continue
			}
			if err := m.grant(g.Role, &g.Resource); err != nil {
				return err
			}
		}
	}
	return nil
}

func everyoneHad(principals []index.Principal, had map[index.Principal]map[pair]bool, p pair) bool {
	for _, who := range principals {
		if !had[who][p] {
			return false
		}
	}
	return true
}

// group judges that people join a group: they get all that records give it.
func (m *mayGive) group(id ident.GroupID) error {
	if m.unbounded() {
		return nil
	}
	var err error
	m.engine.index.GroupGrants(m.actor.Account, id, func(h check.Held, role ident.RoleID) bool {
		resource, parseErr := check.ParseResource(h.Text())
		if parseErr != nil {
			err = fault.Wrap("access.mayGive.group", parseErr)
			return false
		}
		err = m.grant(role, &resource)
		return err == nil
	})
	return err
}

// roleChange judges that a role gets other permissions: whoever has it gets them, on every
// resource on which they have it.
func (m *mayGive) roleChange(id ident.RoleID, added []check.Permission) error {
	if m.unbounded() || len(added) == 0 {
		return nil
	}
	for _, text := range m.engine.index.ResourcesOfRole(m.actor.Account, id) {
		resource, err := check.ParseResource(text)
		if err != nil {
			return fault.Wrap("access.mayGive.roleChange", err)
		}
		if err := m.permissions(added, &resource); err != nil {
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
