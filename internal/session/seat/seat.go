// Package seat owns who sits at an application that allows one session of a person at a time
// (SINGLE_SESSION): the newest sign-in has the seat, and what the one before was given there is dead.
//
// Flow: a sign-in takes the seat in the unit of work that ends it, silent renewal asks for it, tokens of
// the authorization server take it when they are issued for a code.
//
// Entry points: Service.Take, Service.Renew.
//
// Never: an end of a session. It lives on for every other application.
package seat

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// EventTaken tells that another sign-in took the seat; the target is the first id of the chain of sessions
// that had it. Details "user", "application".
const EventTaken = "session.seat.taken"

// Seat says whose session sits where.
type Seat struct {
	Account     ident.AccountID
	User        ident.UserID
	Application ident.ApplicationID
	Root        ident.SessionID // of the chain of sessions that has it
	At          time.Time
}

// Store keeps seats.
type Store interface {
	// Get returns the seat of a person, or a fault of kind NotFound.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, app ident.ApplicationID) (Seat, error)
	// Claim writes a seat and returns the root that had it before, or "". Units of work that claim the
	// same one wait for one another.
	Claim(ctx context.Context, t tx.Tx, s Seat) (before ident.SessionID, err error)
	// Chain returns the ids of every session of a chain whose tokens can be alive.
	Chain(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID) ([]ident.SessionID, error)
	// ForgetUser deletes the seats of a person.
	ForgetUser(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) error
	// ForgetApplication deletes the seats at an application.
	ForgetApplication(ctx context.Context, t tx.Tx, account ident.AccountID, app ident.ApplicationID) error
}

// Ender makes tokens dead on every node. *session.Service does.
type Ender interface {
	EndClient(ctx context.Context, t tx.Tx, account ident.AccountID, client string) error
}

// Service holds the verbs.
type Service struct {
	store  Store
	ender  Ender
	single func(ident.AccountID, ident.ApplicationID) bool
}

// New makes the service. single tells whether an application allows one session of a person; it answers from memory.
func New(store Store, ender Ender, single func(ident.AccountID, ident.ApplicationID) bool) *Service {
	return &Service{store, ender, single}
}

// Single tells whether an application allows one session of a person at a time.
func (s *Service) Single(account ident.AccountID, app ident.ApplicationID) bool {
	return app != "" && s.single(account, app)
}

// Take gives the seat to a session that was just used to sign in to the application, in the caller's unit
// of work. The tokens that another chain of sessions has there are dead. Of other applications it does nothing.
func (s *Service) Take(ctx context.Context, t tx.Tx, by actor.Actor, found session.Session, app ident.ApplicationID) error {
	if !s.Single(found.Account, app) {
		return nil
	}
	before, err := s.store.Claim(ctx, t, Seat{found.Account, found.User, app, found.Root, t.Now()})
	if err != nil || before == "" || before == found.Root {
		return fault.Wrap("seat.Take", err)
	}
	ids, err := s.store.Chain(ctx, t, found.Account, before)
	if err != nil {
		return fault.Wrap("seat.Take", err)
	}
	for _, id := range ids {
		if err := s.ender.EndClient(ctx, t, found.Account, Tokens(app, id)); err != nil {
			return fault.Wrap("seat.Take", err)
		}
	}
	return t.Emit(ctx, event.New(by, EventTaken, string(before), "user", string(found.User), "application", string(app)))
}

// Renew tells whether a living session may be used at the application without signing in: nobody else has the seat.
func (s *Service) Renew(ctx context.Context, t tx.Tx, found session.Session, app ident.ApplicationID) (bool, error) {
	if !s.Single(found.Account, app) {
		return true, nil
	}
	there, err := s.store.Get(ctx, t, found.Account, found.User, app)
	if fault.Is(err, fault.NotFound) { // it was a MULTI_SESSION application when all of them signed in
		return true, nil
	}
	return err == nil && there.Root == found.Root, fault.Wrap("seat.Renew", err)
}

// Tokens names, for session.Service.EndClient and Revocations.ClientEnded, what one session was given for an application.
func Tokens(app ident.ApplicationID, id ident.SessionID) string {
	return string(app) + " " + string(id)
}

// ForgetUser deletes the seats of a person who is gone: for "user.deleted".
func (s *Service) ForgetUser(ctx context.Context, t tx.Tx, e event.Event) error {
	return s.store.ForgetUser(ctx, t, e.Account, ident.UserID(e.Target))
}

// ForgetApplication deletes the seats at an application that is gone: for "application.deleted".
func (s *Service) ForgetApplication(ctx context.Context, t tx.Tx, e event.Event) error {
	return s.store.ForgetApplication(ctx, t, e.Account, ident.ApplicationID(e.Target))
}
