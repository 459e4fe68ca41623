// Package machine owns the routes of /v1 for what is no person: applications with their OAuth settings
// and secrets, extensions, service clients and their access keys.
//
// Never: a rule. Handlers read a request, call one verb of a feature and write its answer.
package machine

import (
	"slices"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Deps is what the routes call. Each noun declares the interface it needs in its own file.
type Deps struct {
	API          *wire.API
	Acting       wire.Acting
	Applications Applications
	Secrets      ClientSecrets
	Clients      Clients
	AccessKeys   AccessKeys
	Extensions   Extensions
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
		s.applicationRoutes(),
		s.clientRoutes(),
		s.extensionRoutes(),
	)
}
