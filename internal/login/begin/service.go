// Package begin owns how a login request comes to be and what may still be changed of it: an
// application's wish, a page of a customer's own, an errand of one of our pages.
//
// Flow: Start and StartErrand write the row, Update aims it elsewhere while nobody has proved
// anything; package login does the rest.
//
// Entry points: start.go, update.go, errand.go.
//
// Never: a browser, a proof, SQL, HTTP.
package begin

import (
	"github.com/admit-id/admit/internal/factor/handover"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
)

// Deps is what the service needs.
type Deps struct {
	DB           tx.Runner
	Store        login.Store
	Artifacts    login.Artifacts
	Accounts     login.Accounts
	Applications login.Applications
	Connections  login.Connections
	Tenants      login.Tenants
	Invites      login.Invites
	Handovers    *handover.Service
}

// Service holds the verbs.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

func (s *Service) doors() login.Doors {
	return login.Doors{Tenants: s.d.Tenants, Connections: s.d.Connections}
}
