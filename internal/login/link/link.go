// Package link owns which identities are one person's: linking another one, dropping one, and signing in
// with another address than before.
//
// Flow: package login proves an identity for a request that links, and calls Link or Readdress in the unit
// of work that ends it; Unlink is what a page or an API asks; an address that was changed can be changed
// back for a while by who reads the old mailbox (Undo).
//
// Entry points: link.go, unlink.go, readdress.go.
//
// Never: a proof. An identity of one person never becomes another's (I-7).
package link

import (
	"context"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// Users changes which identities are a person's. *user.Service does.
type Users interface {
	Hold(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (user.User, error)
	Link(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, i user.Identity) (added bool, err error)
	Drop(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, i user.Identity) error
	Readdress(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, from, to user.Identity) error
}

// Sessions finds and ends a person's sessions. *session.Service does.
type Sessions interface {
	List(ctx context.Context, t tx.Tx, q session.ListQuery) ([]session.Session, error)
	EndIn(ctx context.Context, t tx.Tx, a actor.Actor, id ident.SessionID) error
	EndUser(ctx context.Context, t tx.Tx, a actor.Actor, user ident.UserID) error
	ByID(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID) (session.Session, error)
	Chain(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID) (session.Session, error)
}

// Evidence rewrites what a session is based on, after a proof has lost its worth. sessiondb.Evidence does.
type Evidence interface {
	SetEvidence(ctx context.Context, t tx.Tx, s session.Session) error
}

// Connections finds the connections that people can sign in with.
type Connections interface {
	Get(account ident.AccountID, id ident.ConnectionID) (connection.Connection, bool)
	Active(account ident.AccountID) []connection.Connection
}

// Outbox sends mails. *mail.Outbox does.
type Outbox interface {
	Put(ctx context.Context, t tx.Tx, account ident.AccountID, m mail.Message) (string, error)
}

// Deps is what the service needs.
type Deps struct {
	DB          tx.Runner
	Store       Store
	Users       Users
	Sessions    Sessions
	Evidence    Evidence
	Connections Connections
	Outbox      Outbox
	// Held tells what the person has registered besides identities.
	Held func(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (factor.Held, error)
	// Compose writes the notices of an address that was changed.
	Compose Compose
	// Issuer is an account's own address.
	Issuer func(ident.AccountID) string
}

// Service holds the verbs.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// Link gives a proved identity to a person, in the caller's unit of work. user.ErrTaken when it is another's.
func (s *Service) Link(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, i user.Identity) (added bool, err error) {
	return s.d.Users.Link(ctx, t, by, id, i)
}

// ErrNotLinkable says that a connection does not let its identities be linked.
var ErrNotLinkable = fault.New(fault.Invalid, "LinkIdentityNotSupported",
	"Identities of this connection cannot be linked. An administrator allows it with the connection's linkingConfiguration.type EXPLICIT.")

// Linkable are the connections through which a person can add a way to sign in.
func (s *Service) Linkable(account ident.AccountID) (list []connection.Connection) {
	for _, c := range s.d.Connections.Active(account) {
		if c.Linkable() {
			list = append(list, c)
		}
	}
	return list
}

// ErrNotRecent asks for a fresh proof of the person first (session.Recent).
var ErrNotRecent = fault.New(fault.Forbidden, "RecentSignInNeeded", "Sign in again first: changing how you sign in needs a proof that is at most ten minutes old.")

// recent returns what the person holds whose session the actor has, and refuses a session that has not
// proved lately who they are, as well as they can.
func (s *Service) recent(ctx context.Context, t tx.Tx, by actor.Actor) (held factor.Held, err error) {
	found, err := s.d.Sessions.ByID(ctx, t, by.Account, by.Session)
	if err == nil { // a token may name one that was continued since
		found, err = s.d.Sessions.Chain(ctx, t, by.Account, found.Root)
	}
	if err != nil {
		return held, err
	}
	if string(found.User) != by.ID {
		return held, ErrNotRecent
	}
	held, err = s.d.Held(ctx, t, found.Account, found.User)
	if err == nil && !session.Recent(found, held.Second(), t.Now()) {
		err = ErrNotRecent
	}
	return held, err
}

// forget takes the proofs of an identity from every session of its person. A session that has no other
// ends; of one that has, its tokens live on.
func (s *Service) forget(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, i user.Identity) error {
	const page = 100
	q := session.ListQuery{Account: by.Account, User: id, Limit: page}
	for {
		list, err := s.d.Sessions.List(ctx, t, q)
		if err != nil {
			return err
		}
		for _, one := range list {
			if err := s.forgetIn(ctx, t, by, one, i); err != nil {
				return err
			}
		}
		if len(list) < page {
			return nil
		}
		q.Before, q.After = list[len(list)-1].CreatedAt, list[len(list)-1].ID
	}
}

func (s *Service) forgetIn(ctx context.Context, t tx.Tx, by actor.Actor, one session.Session, i user.Identity) error {
	var kept []session.Evidence
	for _, e := range one.Evidence {
		if e.Connection != i.Connection || e.Issuer != i.Issuer || e.Subject != i.Subject {
			kept = append(kept, e)
		}
	}
	switch {
	case len(kept) == len(one.Evidence):
		return nil
	case !begins(kept): // what is left is a second step without a first
		return s.d.Sessions.EndIn(ctx, t, by, one.ID)
	}
	one.Evidence, one.Connection = kept, kept[len(kept)-1].Connection
	return s.d.Evidence.SetEvidence(ctx, t, one)
}

// begins tells whether evidence can stand for a sign-in by itself.
func begins(evidence []session.Evidence) bool {
	for _, e := range evidence {
		switch e.Method {
		case session.MethodTOTP, session.MethodRecovery:
		case session.MethodPasskey:
			if e.Verified {
				return true
			}
		default:
			return true
		}
	}
	return false
}
