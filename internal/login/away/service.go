// Package away owns the steps of a login that leave it to somebody else to say who a person is: a connection's
// provider, or a service client of the account.
//
// Flow: Forward sends the browser to a provider and keeps a leg, which FinishUpstream uses up with the
// provider's answer; what a service client says comes to the same address and waits for ConfirmHandover.
//
// Entry points: upstream.go, handover.go.
//
// Never: the decision what comes next, sessions, pages.
package away

import (
	"log/slog"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor/handover"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
)

// Deps is what the service needs.
type Deps struct {
	DB          tx.Runner
	Box         *login.Service
	Store       login.Store
	Artifacts   login.Artifacts
	Keys        *crypt.Keys
	Accounts    login.Accounts
	Connections login.Connections
	Upstream    connection.Upstream
	Users       login.Users
	Handovers   *handover.Service
	Log         *slog.Logger
}

// Service holds the verbs.
type Service struct{ d Deps }

// New makes the service, to which the box sends who goes away.
func New(d Deps) *Service {
	s := &Service{d}
	d.Box.SendBy(s.Forward)
	return s
}
