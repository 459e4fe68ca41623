package wire

import (
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// UserRef names a user or a service client.
type UserRef struct {
	UserID ident.UserID `json:"userId"`
}

// GroupRef names a group.
type GroupRef struct {
	GroupID ident.GroupID `json:"groupId"`
}

// RoleRef names a role.
type RoleRef struct {
	RoleID ident.RoleID `json:"roleId"`
}

// ResourceRef names a resource or a pattern.
type ResourceRef struct {
	ResourceURI string `json:"resourceUri"`
}

// Permission is one line of a role, or what somebody holds.
type Permission struct {
	Action   string `json:"action"`
	Allow    bool   `json:"allow"`
	Grant    bool   `json:"grant"`
	Delegate bool   `json:"delegate"`
}

// Users reads references to users.
func Users(refs []UserRef) []ident.UserID {
	out := make([]ident.UserID, len(refs))
	for i, u := range refs {
		out[i] = u.UserID
	}
	return out
}

// Groups reads references to groups.
func Groups(refs []GroupRef) []ident.GroupID {
	out := make([]ident.GroupID, len(refs))
	for i, g := range refs {
		out[i] = g.GroupID
	}
	return out
}

// UserRefs writes references to users.
func UserRefs(ids []ident.UserID) []UserRef {
	out := make([]UserRef, len(ids))
	for i, id := range ids {
		out[i].UserID = id
	}
	return out
}

// GroupRefs writes references to groups.
func GroupRefs(ids []ident.GroupID) []GroupRef {
	out := make([]GroupRef, len(ids))
	for i, id := range ids {
		out[i].GroupID = id
	}
	return out
}

// SameID returns the id of the path, unless the body names another.
func SameID[T ~string](path, body T) (T, error) {
	if body != "" && body != path {
		return "", fault.New(fault.Invalid, fault.CodeInvalidRequest, "The id in the body is not the one in the path.")
	}
	return path, nil
}

// NextAfter is the position after the last item when others follow.
func NextAfter[T ~string](items []T, more bool) string {
	if !more || len(items) == 0 {
		return ""
	}
	return string(items[len(items)-1])
}
