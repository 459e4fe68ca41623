package fact

import (
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access/form"
	"github.com/admit-id/admit/internal/kit/ident"
)

const (
	maxGroupUsers  = 100
	maxGroupAdmins = 100
)

// GroupPrefix begins the id of every group.
const GroupPrefix = "grp_"

// Group is a set of users that records can name as one.
type Group struct {
	ID          ident.GroupID
	Name        string
	Users       []ident.UserID
	Admins      []ident.UserID // may change the group, within what they may give
	Tags        map[string]string
	CreatedAt   time.Time
	LastUpdated time.Time // as in Record
}

// Validate checks the group against the limits of the contract.
func (g *Group) Validate() error {
	if !form.ID(string(g.ID), 64, form.GroupBytes) || !strings.HasPrefix(string(g.ID), GroupPrefix) {
		return invalid("groupId begins with grp_ and has at most 64 characters of a-z A-Z 0-9 - _.")
	}
	if err := form.Text("name", g.Name, 1, maxName); err != nil {
		return err
	}
	if err := form.Within(form.AtMost("users", len(g.Users), maxGroupUsers), form.AtMost("admins", len(g.Admins), maxGroupAdmins)); err != nil {
		return err
	}
	if err := form.Principals(g.Users, nil); err != nil {
		return err
	}
	if err := form.Principals(g.Admins, nil); err != nil {
		return err
	}
	return form.Tags(g.Tags)
}

// Members is who is in the group, in the form of the index.
func (g *Group) Members() []string {
	out := make([]string, len(g.Users))
	for i, u := range g.Users {
		out[i] = string(u)
	}
	return out
}

// Searchable is every text of the group in lower case, for filters.
func (g *Group) Searchable() string {
	parts := []string{string(g.ID), g.Name}
	for _, u := range slices.Concat(g.Users, g.Admins) {
		parts = append(parts, string(u))
	}
	return searchable(parts, g.Tags)
}
