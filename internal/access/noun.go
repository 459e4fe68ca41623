package access

import (
	"github.com/admit-id/admit/internal/access/fact"
	"github.com/admit-id/admit/internal/kit/ident"
)

// The nouns stand in package fact; these are their names for everybody outside.
type (
	Record     = fact.Record
	Statement  = fact.Statement
	Status     = fact.Status
	Role       = fact.Role
	Permission = fact.Permission
	Group      = fact.Group
)

// The statuses of a record.
const (
	Active  = fact.Active
	Deleted = fact.Deleted
)

// The built-in roles.
const (
	Owner            = fact.Owner
	ReadResource     = fact.ReadResource
	AuthenticateUser = fact.AuthenticateUser
)

// AuthenticateAction is the action that lets a service client sign people in by password.
const AuthenticateAction = fact.AuthenticateAction

// MaxRecordBytes is the limit of a record's stored form.
const MaxRecordBytes = fact.MaxRecordBytes

// Builtin tells whether the role is one that cannot be changed.
func Builtin(id ident.RoleID) bool { return fact.Builtin(id) }

// Builtins returns the roles that exist in every account and cannot be changed.
func Builtins() []Role { return fact.Builtins() }

// ValidUser checks the form of a user id: 1 to 128 characters of the contract's alphabet.
func ValidUser(u ident.UserID) error { return fact.ValidUser(u) }

// Capacity is the share of MaxRecordBytes that the record uses.
func Capacity(r *Record) float64 { return fact.Share(r) }
