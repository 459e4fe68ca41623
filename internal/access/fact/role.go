package fact

import (
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/form"
	"github.com/admit-id/admit/internal/kit/ident"
)

const maxPermissions = 100

// The built-in roles. They exist in every account and cannot be changed.
const (
	Owner            ident.RoleID = "Authress:Owner"            // everything: allow, grant and delegate
	ReadResource     ident.RoleID = "Authress:ReadResource"     // allow READ
	AuthenticateUser ident.RoleID = "Authress:AuthenticateUser" // allow what the password grant needs
)

// AuthenticateAction is the action that lets a service client sign people in by password.
const AuthenticateAction = "authress:authenticate-user"

const systemRolePrefix = "authress:"

// Role is a named bag of permissions. It knows no resources.
type Role struct {
	ID          ident.RoleID
	Name        string
	Description string
	Permissions []Permission
	CreatedAt   time.Time
	LastUpdated time.Time
}

// Permission is one line of a role. Allow: may do it. Grant: may give others roles that
// allow it. Delegate: may give others roles that hold grant or delegate.
type Permission struct {
	Action                 string // lower case once it is stored
	Allow, Grant, Delegate bool
}

// Builtin tells whether the role is one that cannot be changed.
func Builtin(id ident.RoleID) bool {
	_, ok := BuiltinRole(id)
	return ok
}

// BuiltinRole returns a built-in role.
func BuiltinRole(id ident.RoleID) (Role, bool) {
	for _, r := range builtins {
		if r.ID == id {
			return r, true
		}
	}
	return Role{}, false
}

var builtins = []Role{
	{ID: Owner, Name: "Owner", Description: "May do everything to the resource and give others any role on it.",
		Permissions: []Permission{{Action: "*", Allow: true, Grant: true, Delegate: true}}},
	{ID: ReadResource, Name: "Read resource", Description: "May read the resource.",
		Permissions: []Permission{{Action: "read", Allow: true}}},
	{ID: AuthenticateUser, Name: "Authenticate user", Description: "A service client may sign people in by password.",
		Permissions: []Permission{{Action: AuthenticateAction, Allow: true}}},
}

// Validate checks the role against the limits of the contract and folds its actions to
// lower case.
func (r *Role) Validate() error {
	if !form.ID(string(r.ID), 64, form.RoleBytes) {
		return invalid("roleId has 1 to 64 characters of a-z A-Z 0-9 - . _ : @.")
	}
	if strings.HasPrefix(strings.ToLower(string(r.ID)), systemRolePrefix) {
		return invalid("Role ids that begin with Authress: are reserved.")
	}
	if err := form.Text("name", r.Name, 1, maxName); err != nil {
		return err
	}
	if err := form.Text("description", r.Description, 0, maxDescription); err != nil {
		return err
	}
	if err := form.Within(form.AtMost("permissions", len(r.Permissions), maxPermissions)); err != nil {
		return err
	}
	for i := range r.Permissions {
		p := &r.Permissions[i]
		action, err := check.ParseAction(p.Action)
		if err != nil {
			return err
		}
		p.Action = action.String()
	}
	return nil
}

// Compiled is the role in the form of the engine. Lines that cannot be read give nothing.
func (r *Role) Compiled() *check.Role {
	out := make([]check.Permission, 0, len(r.Permissions))
	for _, p := range r.Permissions {
		action, err := check.ParseAction(p.Action)
		if err != nil {
			continue
		}
		out = append(out, check.Permission{Action: action, Flags: p.flags()})
	}
	return check.NewRole(string(r.ID), out)
}

func (p Permission) flags() (f check.Flag) {
	if p.Allow {
		f |= check.Allow
	}
	if p.Grant {
		f |= check.Grant
	}
	if p.Delegate {
		f |= check.Delegate
	}
	return f
}

// Builtins returns the roles that exist in every account and cannot be changed.
func Builtins() []Role {
	out := slices.Clone(builtins)
	for i := range out {
		out[i].Permissions = slices.Clone(out[i].Permissions)
	}
	return out
}

// Searchable is every text of the role in lower case, for filters.
func (r *Role) Searchable() string {
	parts := []string{string(r.ID), r.Name, r.Description}
	for _, p := range r.Permissions {
		parts = append(parts, p.Action)
	}
	return searchable(parts, nil)
}
