package accesstest

import (
	"slices"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Accepted is the world as a service lets somebody write it: without names of roles and groups that
// do not exist, without what is refused to be public, and without records that are left with
// nothing. Every question has the same answer there. Records that are deleted are still
// there, with their status: write and then delete them.
func (w *World) Accepted() World {
	out := World{Roles: w.Roles, Groups: w.Groups}
	for _, resource := range w.Public {
		if r, err := access.ParseResource(resource); err == nil && !r.System() {
			out.Public = append(out.Public, resource)
		}
	}
	roles := func(id ident.RoleID) bool {
		return !access.Builtin(id) && !slices.ContainsFunc(w.Roles, func(r access.Role) bool { return r.ID == id })
	}
	groups := func(id ident.GroupID) bool {
		return !slices.ContainsFunc(w.Groups, func(g access.Group) bool { return g.ID == id })
	}
	for _, r := range w.Records {
		r.Groups = slices.DeleteFunc(slices.Clone(r.Groups), groups)
		var statements []access.Statement
		for _, s := range r.Statements {
			own := len(s.Users)+len(s.Groups) > 0
			s.Roles, s.Groups = slices.DeleteFunc(slices.Clone(s.Roles), roles), slices.DeleteFunc(slices.Clone(s.Groups), groups)
			if len(s.Roles) > 0 && (!own || len(s.Users)+len(s.Groups) > 0) {
				statements = append(statements, s)
			}
		}
		if r.Statements = statements; len(statements) > 0 {
			out.Records = append(out.Records, r)
		}
	}
	return out
}
