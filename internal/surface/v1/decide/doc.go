// Package decide owns the routes of /v1 that answer what somebody may do: permission checks
// and everything that explains, lists or follows decisions.
//
// Never: a rule. Handlers read a request, ask the engine and write its answer.
package decide

import (
	"slices"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Deps is what the routes call.
type Deps struct {
	API         *wire.API
	Permissions Permissions
	History     History
}

// Surface is these routes.
type Surface struct {
	d   Deps
	api *wire.API
}

// New returns the routes.
func New(d Deps) *Surface { return &Surface{d: d, api: d.API} }

// Routes declares them, noun by noun.
func (s *Surface) Routes() []web.Route {
	return slices.Concat(
		s.permissionRoutes(),
		s.batchRoutes(),
		s.explanationRoutes(),
	)
}
