package access

import (
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/tx"
)

// The kinds of changes in the feed.
const (
	ChangeRecord = "access.record"
	ChangeRole   = "access.role"
	ChangeGroup  = "access.group"
	// ChangeResource names a resource, in canonical form, whose ResourceConfig changed.
	ChangeResource = "access.resource"
)

// Deps is what the Service works with.
type Deps struct {
	Runner  tx.Runner
	Records RecordStore
	Roles   RoleStore
	Groups  GroupStore
	Facts   FactStore
	Engine  *Engine
	// Resources may be nil: then nothing is public.
	Resources ResourceStore
}

// Service changes records, roles and groups, judged for the caller.
type Service struct{ d Deps }

// New returns a Service.
func New(d Deps) *Service {
	s := &Service{d: d}
	d.Engine.memory.Find, d.Engine.memory.facts, d.Engine.memory.administers = s.find, d.Facts, s.administers
	return s
}

var (
	errNotFound = fault.New(fault.NotFound, fault.CodeNotFound, "There is no such thing, or you may not see it.")
	errRaced    = fault.New(fault.Conflict, fault.CodeConflict, "Somebody else changed it at the same moment. Repeat your change.")
)
