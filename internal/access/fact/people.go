package fact

import (
	"slices"

	"github.com/admit-id/admit/internal/access/form"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
)

// References returns the roles and groups that the record names, each once, in order.
func (r *Record) References() (roles []ident.RoleID, groups []ident.GroupID) {
	if r == nil {
		return nil, nil
	}
	groups = append(groups, r.Groups...)
	for i := range r.Statements {
		groups = append(groups, r.Statements[i].Groups...)
		roles = append(roles, r.Statements[i].Roles...)
	}
	return form.Unique(roles), form.Unique(groups)
}

// HasAdmin tells whether the actor is one of the record's admins.
func (r *Record) HasAdmin(a actor.Actor) bool {
	return a.ID != "" && slices.Contains(r.Admins, ident.UserID(a.ID))
}

// Without returns the record without the user. A statement that loses its last principal
// goes too: otherwise it would turn into one for the record's own users.
func (r Record) Without(user ident.UserID) Record {
	r.Users, r.Admins = Remove(r.Users, user), Remove(r.Admins, user)
	statements := make([]Statement, 0, len(r.Statements))
	for _, s := range r.Statements {
		own := len(s.Users)+len(s.Groups) > 0
		s.Users = Remove(s.Users, user)
		if own && len(s.Users)+len(s.Groups) == 0 {
			continue
		}
		statements = append(statements, s)
	}
	r.Statements = statements
	return r
}

// Remove returns the users without one of them.
func Remove(users []ident.UserID, user ident.UserID) []ident.UserID {
	return slices.DeleteFunc(slices.Clone(users), func(u ident.UserID) bool { return u == user })
}
