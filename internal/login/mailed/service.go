// Package mailed owns the steps of a login that a code or link by mail makes.
//
// Flow: SendCode sends both; EnterCode takes the code, and FollowLink the link, in the browser that asked.
//
// Entry points: mailed.go.
//
// Never: the decision what comes next, pages, the texts of mails.
package mailed

import (
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
)

// Deps is what the service needs.
type Deps struct {
	DB           tx.Runner
	Box          *login.Service
	Store        login.Store
	Accounts     login.Accounts
	Applications login.Applications
	Codes        *emailcode.Service
}

// Service holds the verbs.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }
