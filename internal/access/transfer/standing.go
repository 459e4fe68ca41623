package transfer

import (
	"slices"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Standing is what there is while an export is written: roles and groups that records may name.
type Standing struct {
	Roles  map[ident.RoleID]bool
	Groups map[ident.GroupID]bool
}

// Of returns the record without the roles and groups that are gone. They give nothing, nobody could import the record with
// them, and where somebody made them anew the record would give again what it had lost. False: no statement is left.
func (s Standing) Of(r access.Record) (access.Record, bool) {
	r.Groups = s.groups(r.Groups)
	var kept []access.Statement
	for _, st := range r.Statements {
		own := len(st.Users)+len(st.Groups) > 0
		st.Groups = s.groups(st.Groups)
		st.Roles = slices.DeleteFunc(slices.Clone(st.Roles), func(id ident.RoleID) bool { return !s.Roles[id] && !access.Builtin(id) })
		if len(st.Roles) == 0 || own && len(st.Users)+len(st.Groups) == 0 {
			continue
		}
		kept = append(kept, st)
	}
	r.Statements = kept
	return r, len(kept) > 0
}

func (s Standing) groups(all []ident.GroupID) []ident.GroupID {
	return slices.DeleteFunc(slices.Clone(all), func(id ident.GroupID) bool { return !s.Groups[id] })
}
