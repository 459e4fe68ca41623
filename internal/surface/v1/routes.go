package v1

import (
	"slices"

	"github.com/admit-id/admit/internal/kit/consistency"
	"github.com/admit-id/admit/internal/kit/cursor"
	"github.com/admit-id/admit/internal/kit/place"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/changes"
	"github.com/admit-id/admit/internal/surface/v1/decide"
	"github.com/admit-id/admit/internal/surface/v1/grant"
	"github.com/admit-id/admit/internal/surface/v1/machine"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Deps is what the surface calls. Each noun declares the interface it needs in its own file.
type Deps struct {
	Issuers wire.Issuers
	Cursors *cursor.Sealer
	Guard   wire.Guard

	Consistency *consistency.Keeper // optional: without it, writes answer no tokens

	Decide  decide.Deps  // its API is filled in
	Grant   grant.Deps   // its API is filled in
	Machine machine.Deps // its API and Acting are filled in

	Changes changes.Deps // its API and Bodies are filled in

	Acting             wire.Acting
	Accounts           Accounts
	Tenants            Tenants
	RegistrationTokens RegistrationTokens
	Users              Users
	Tokens             Tokens
	Sessions           Sessions
	Places             *place.Book // or nil
	Connections        Connections
	Consents           Consents
	Logouts            Logouts

	LinkedIssuers LinkedIssuers
	TenantMembers TenantMembers
	Policies      Policies
	Recoveries    Recoveries
}

// Surface is the API.
type Surface struct {
	d       Deps
	api     *wire.API
	decide  *decide.Surface
	grant   *grant.Surface
	machine *machine.Surface

	changes *changes.Surface
}

// New returns the API.
func New(d Deps) *Surface {
	api := &wire.API{Issuers: d.Issuers, Cursors: d.Cursors, Guard: d.Guard}
	d.Decide.API, d.Grant.API = api, api
	d.Machine.API, d.Machine.Acting = api, d.Acting
	s := &Surface{d: d, api: api, decide: decide.New(d.Decide), grant: grant.New(d.Grant), machine: machine.New(d.Machine)}
	d.Changes.API, d.Changes.Bodies = api, s.grant
	s.changes = changes.New(d.Changes)
	return s
}

// Routes declares every route of /v1, noun by noun.
func (s *Surface) Routes() []web.Route {
	questions, nouns := s.decide.Routes(), slices.Concat(
		s.grant.Routes(),
		s.machine.Routes(),
		s.userRoutes(),
		s.consentRoutes(),
		s.sessionRoutes(),
		s.recoveryRoutes(),
		s.identityRoutes(),
		s.connectionRoutes(),
		s.accountRoutes(),
		s.registrationRoutes(),
		s.tenantRoutes(),
		s.policyRoutes(),
	)
	if k := s.d.Consistency; k != nil {
		questions, nouns = k.Questions(questions), k.Writes(nouns)
	}
	return slices.Concat(wire.Exact(questions), wire.Exact(wire.NowOnly(slices.Concat(nouns, s.changes.Routes()))))
}
