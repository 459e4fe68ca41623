package accesstest

import (
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Allowed answers a question by looking at every record, with regard to nothing but being
// plainly right. It shares no code with the engine.
func (w *World) Allowed(a Ask) bool {
	for i := range w.Records {
		r := &w.Records[i]
		if r.Status == access.Deleted {
			continue
		}
		for k := range r.Statements {
			s := &r.Statements[k]
			us, gs := s.Users, s.Groups
			if len(us)+len(gs) == 0 {
				us, gs = r.Users, r.Groups
			}
			if !s.StartsAt.IsZero() && a.At.Before(s.StartsAt) || !s.ExpiresAt.IsZero() && !a.At.Before(s.ExpiresAt) {
				continue
			}
			if !w.names(us, gs, a.User) || !w.allows(s.Roles, a.Action) {
				continue
			}
			for _, held := range s.Resources {
				if PathCovers(strings.Trim(held, "/"), strings.Trim(a.Resource, "/"), "/") {
					return true
				}
			}
		}
	}
	for _, open := range w.Public {
		open = strings.Trim(open, "/")
		if !ofAdmit(open) && PathCovers(open, strings.Trim(a.Resource, "/"), "/") {
			return true
		}
	}
	return false
}

// ofAdmit tells whether the resource is Admit's own or a pattern that could name such a one.
func ofAdmit(resource string) bool {
	parts := strings.Split(strings.Split(resource, "/")[0], ":")
	if parts[0] == "Authress" {
		return len(parts) > 1
	}
	return parts[0] == "*"
}

func (w *World) names(users []ident.UserID, groups []ident.GroupID, user ident.UserID) bool {
	if slices.Contains(users, user) {
		return true
	}
	for i := range w.Groups {
		if slices.Contains(groups, w.Groups[i].ID) && slices.Contains(w.Groups[i].Users, user) {
			return true
		}
	}
	return false
}

func (w *World) allows(roles []ident.RoleID, action string) bool {
	for _, id := range roles {
		for _, p := range w.permissions(id) {
			if p.Allow && PathCovers(strings.ToLower(p.Action), strings.ToLower(action), ":") {
				return true
			}
		}
	}
	return false
}

func (w *World) permissions(id ident.RoleID) []access.Permission {
	switch id {
	case access.Owner:
		return []access.Permission{{Action: "*", Allow: true, Grant: true, Delegate: true}}
	case access.ReadResource:
		return []access.Permission{{Action: "READ", Allow: true}}
	}
	for i := range w.Roles {
		if w.Roles[i].ID == id {
			return w.Roles[i].Permissions
		}
	}
	return nil
}

// PathCovers tells whether held covers asked: segment by segment, where a star at the end is one
// or more segments, and what is below a covered thing is covered.
func PathCovers(held, asked, separator string) bool {
	return covers(strings.Split(held, separator), strings.Split(asked, separator))
}

func covers(held, asked []string) bool {
	if len(held) == 0 {
		return true // all that is below
	}
	if len(asked) == 0 {
		return false
	}
	if len(held) == 1 && held[0] == "*" {
		return true // at least one segment is there, whatever it is
	}
	if len(asked) == 1 && asked[0] == "*" {
		return false // asked goes on without end in ways that held does not name
	}
	return one(held[0], asked[0]) && covers(held[1:], asked[1:])
}

func one(held, asked string) bool {
	if held == "*" {
		return true
	}
	h, a := strings.Split(held, ":"), strings.Split(asked, ":")
	if len(h) != len(a) {
		return false
	}
	for i := range h {
		if h[i] != a[i] && (h[i] != "*" || a[i] == "") {
			return false
		}
	}
	return true
}
