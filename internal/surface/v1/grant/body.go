package grant

import (
	"net/http"

	"github.com/admit-id/admit/internal/access"
)

// RecordBody, RoleBody and GroupBody are things as these routes send them, for others that do.

// RecordBody is a record.
func (s *Surface) RecordBody(r *http.Request, record access.Record) any {
	record.Capacity = access.Capacity(&record)
	return s.recordWire(r, record)
}

// RoleBody is a role.
func (s *Surface) RoleBody(r *http.Request, role access.Role) any { return s.roleWire(r, role) }

// GroupBody is a group.
func (s *Surface) GroupBody(r *http.Request, group access.Group) any { return s.groupWire(r, group) }
