package v1

import (
	"slices"

	"github.com/admit-id/admit/internal/kit/cursor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
)

// Deps is what the surface calls. Each noun declares the interface it needs in its own file.
type Deps struct {
	Issuers Issuers
	Cursors *cursor.Sealer

	Permissions Permissions
	Records     Records
	Roles       Roles
	Groups      Groups

	Guard        Guard // for what follows
	Acting       Acting
	Accounts     Accounts
	Applications Applications
	Clients      Clients
	AccessKeys   AccessKeys
	Users        Users
	Connections  Connections
}

// Issuers knows an account's absolute base URL, without a slash at its end.
type Issuers interface {
	Issuer(ident.AccountID) string
}

// Surface is the API.
type Surface struct{ d Deps }

// New returns the API.
func New(d Deps) *Surface { return &Surface{d: d} }

// Routes declares every route of /v1, noun by noun.
func (s *Surface) Routes() []web.Route {
	return slices.Concat(
		s.permissionRoutes(),
		s.recordRoutes(),
		s.roleRoutes(),
		s.groupRoutes(),
		s.userRoutes(),
		s.connectionRoutes(),
		s.accountRoutes(),
		s.applicationRoutes(),
		s.clientRoutes(),
	)
}
