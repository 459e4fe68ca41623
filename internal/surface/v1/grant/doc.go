// Package grant owns the routes of /v1 that give and take permissions: access records, roles,
// groups, and what leads to them: access requests, claims, the configuration of resources.
//
// Never: a rule. Handlers read a request, call one verb of a feature and write its answer.
package grant

import (
	"slices"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Deps is what the routes call. Each noun declares the interface it needs in its own file.
type Deps struct {
	API     *wire.API
	Records Records
	Roles   Roles
	Groups  Groups

	Requests      Requests
	Resources     Resources
	ResourceUsers ResourceUsers

	Invites  Invites
	Accounts Accounts
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
		s.recordRoutes(),
		s.roleRoutes(),
		s.groupRoutes(),
		s.requestRoutes(),
		s.resourceRoutes(),
		s.inviteRoutes(),
	)
}
