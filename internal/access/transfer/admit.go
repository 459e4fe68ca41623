package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/strictjson"
)

// Line is one line of an export: a JSON object whose kind says which of the others it has. The first line has
// the kind admit-export and the version 1.
type Line struct {
	Kind     string        `json:"kind"`
	Version  int           `json:"version,omitempty"`
	Role     *RoleLine     `json:"role,omitempty"`
	Group    *GroupLine    `json:"group,omitempty"`
	Record   *RecordLine   `json:"record,omitempty"`
	Resource *ResourceLine `json:"resource,omitempty"`
}

// The kinds of lines.
const (
	KindExport   = "admit-export"
	KindRole     = "role"
	KindGroup    = "group"
	KindRecord   = "record"
	KindResource = "resource"
	version      = 1
)

// RoleLine is a role, with the members of the API.
type RoleLine struct {
	ID          ident.RoleID     `json:"roleId"`
	Name        string           `json:"name"`
	Description string           `json:"description,omitempty"`
	Permissions []PermissionLine `json:"permissions"`
}

// PermissionLine is a line of a role.
type PermissionLine struct {
	Action   string `json:"action"`
	Allow    bool   `json:"allow"`
	Grant    bool   `json:"grant"`
	Delegate bool   `json:"delegate"`
}

// GroupLine is a group.
type GroupLine struct {
	ID     ident.GroupID     `json:"groupId"`
	Name   string            `json:"name"`
	Users  []ident.UserID    `json:"users"`
	Admins []ident.UserID    `json:"admins,omitempty"`
	Tags   map[string]string `json:"tags,omitempty"`
}

// RecordLine is an access record.
type RecordLine struct {
	ID          ident.RecordID    `json:"recordId"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Users       []ident.UserID    `json:"users,omitempty"`
	Groups      []ident.GroupID   `json:"groups,omitempty"`
	Admins      []ident.UserID    `json:"admins,omitempty"`
	Statements  []StatementLine   `json:"statements"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// StatementLine is a statement of a record.
type StatementLine struct {
	Roles     []ident.RoleID  `json:"roles"`
	Resources []string        `json:"resources"`
	Users     []ident.UserID  `json:"users,omitempty"`
	Groups    []ident.GroupID `json:"groups,omitempty"`
	StartsAt  *time.Time      `json:"startsAt,omitempty"`
	ExpiresAt *time.Time      `json:"expiresAt,omitempty"`
}

// ResourceLine is the configuration of a resource.
type ResourceLine struct {
	Resource    string       `json:"resourceUri"`
	Permissions []SwitchLine `json:"permissions"`
}

// SwitchLine switches PUBLIC or CLAIM.
type SwitchLine struct {
	Action string `json:"action"`
	Allow  bool   `json:"allow"`
}

// Header is the first line of an export.
func Header() Line { return Line{Kind: KindExport, Version: version} }

// OfRole is the line of a role.
func OfRole(r *access.Role) Line {
	out := &RoleLine{r.ID, r.Name, r.Description, []PermissionLine{}}
	for _, p := range r.Permissions {
		out.Permissions = append(out.Permissions, PermissionLine(p))
	}
	return Line{Kind: KindRole, Role: out}
}

// OfGroup is the line of a group.
func OfGroup(g *access.Group) Line {
	return Line{Kind: KindGroup, Group: &GroupLine{g.ID, g.Name, g.Users, g.Admins, g.Tags}}
}

// OfRecord is the line of a record.
func OfRecord(r *access.Record) Line {
	out := &RecordLine{r.ID, r.Name, r.Description, r.Users, r.Groups, r.Admins, nil, r.Tags}
	for _, s := range r.Statements {
		out.Statements = append(out.Statements, StatementLine{s.Roles, s.Resources, s.Users, s.Groups, bound(s.StartsAt), bound(s.ExpiresAt)})
	}
	return Line{Kind: KindRecord, Record: out}
}

func bound(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// OfResource is the line of a resource configuration.
func OfResource(c *claim.Config) Line {
	out := &ResourceLine{Resource: c.Resource}
	for _, p := range c.Permissions {
		out.Permissions = append(out.Permissions, SwitchLine(p))
	}
	return Line{Kind: KindResource, Resource: out}
}

// Admit reads an export.
func Admit(label string, in Source) (Plan, error) {
	p := Plan{Label: label}
	for i, text := range bytes.Split(in.Data, []byte("\n")) {
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		var l Line
		err := strictjson.Unmarshal(text, &l)
		if err == nil {
			err = p.add(i == 0, &l)
		}
		if err != nil {
			return Plan{}, fmt.Errorf("%s:%d: %w", in.Name, i+1, plain(err))
		}
	}
	return p, nil
}

func (p *Plan) add(first bool, l *Line) error {
	switch {
	case first:
		if l.Kind != KindExport || l.Version != version {
			return errors.New("it is no export that this version of Admit reads")
		}
	case l.Kind == KindRole && l.Role != nil:
		r := access.Role{ID: l.Role.ID, Name: l.Role.Name, Description: l.Role.Description}
		for _, x := range l.Role.Permissions {
			r.Permissions = append(r.Permissions, access.Permission(x))
		}
		p.Roles = append(p.Roles, r)
		return p.Roles[len(p.Roles)-1].Validate()
	case l.Kind == KindGroup && l.Group != nil:
		g := access.Group{ID: l.Group.ID, Name: l.Group.Name, Users: l.Group.Users, Admins: l.Group.Admins, Tags: l.Group.Tags}
		p.Groups = append(p.Groups, g)
		return g.Validate()
	case l.Kind == KindRecord && l.Record != nil:
		x := l.Record
		r := access.Record{ID: x.ID, Name: x.Name, Description: x.Description, Users: x.Users, Groups: x.Groups, Admins: x.Admins, Tags: x.Tags}
		for _, s := range x.Statements {
			st := access.Statement{Roles: s.Roles, Resources: s.Resources, Users: s.Users, Groups: s.Groups}
			if s.StartsAt != nil {
				st.StartsAt = *s.StartsAt
			}
			if s.ExpiresAt != nil {
				st.ExpiresAt = *s.ExpiresAt
			}
			st.StartsAt, st.ExpiresAt = st.Window().Bounds()
			r.Statements = append(r.Statements, st)
		}
		p.Records = append(p.Records, r)
		return r.Validate()
	case l.Kind == KindResource && l.Resource != nil:
		c := claim.Config{Resource: l.Resource.Resource}
		for _, x := range l.Resource.Permissions {
			c.Permissions = append(c.Permissions, claim.Permission(x))
		}
		p.Resources = append(p.Resources, c)
	default:
		return fmt.Errorf("the kind %q is not known", l.Kind)
	}
	return nil
}
