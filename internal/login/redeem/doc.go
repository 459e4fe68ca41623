// Package redeem owns what follows a login: an application turns its authorization code into
// tokens, once, and gets fresh ones from the living session.
//
// Entry points: Service.Exchange and Service.Renew.
//
// Never: a token for a session, a person or an application that is gone.
package redeem

import (
	"context"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// Deps is what the service needs.
type Deps struct {
	DB           tx.Runner
	Codes        login.Artifacts
	Wishes       login.Grants
	Applications login.Applications
	Users        login.Users
	People       People // or nil
	Sessions     *session.Service
	Tenants      login.Tenants
	Issuer       login.Issuer
	Policies     login.Policies
	Seats        Seats
	// Held tells what a person has registered. That it fails refuses the renewal.
	Held func(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (factor.Held, error)
}

// People remembers people as they are now, following the change feed. *introspection.People does.
type People interface {
	// Recall returns a person who is remembered, or nil. They are shared and must not be changed.
	Recall(account ident.AccountID, id ident.UserID) *user.User
	// Mark goes before a unit of work that reads people, and Remember after its commit.
	Mark() uint64
	Remember(account ident.AccountID, u user.User, mark uint64)
}

// Seats knows who sits at an application that allows one session of a person. *seat.Service does.
type Seats interface {
	// Renew tells whether the session may be used at the application without signing in.
	Renew(ctx context.Context, t tx.Tx, found session.Session, app ident.ApplicationID) (bool, error)
}

// Service holds the verbs.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// returns tells whether the application still takes people back at that address (I-11).
func (s *Service) returns(account ident.AccountID, id ident.ApplicationID, url string) bool {
	app, ok := s.d.Applications.Get(account, id)
	return ok && app.AllowsRedirect(url)
}

// grant says what a living session gives to an application. fault.NotFound when the person is gone.
func (s *Service) grant(ctx context.Context, t tx.Tx, found session.Session, app ident.ApplicationID) (g login.Grant, err error) {
	g = login.Grant{At: t.Now(), Session: found, Application: app}
	mine, err := s.d.Seats.Renew(ctx, t, found, app)
	if err == nil && !mine {
		err = session.ErrNone
	}
	if err != nil {
		return g, err
	}
	if g.User, err = s.person(ctx, t, found); err != nil {
		return g, err
	}
	if g.Wish, err = s.d.Wishes.Wish(ctx, t, found.Account, found.Root, app); err != nil {
		return g, err
	}
	g.Tenant, err = login.TenantOf(ctx, t, s.d.Tenants, found)
	return g, err
}

// person finds whose session it is, which was read in the same unit of work: it ends with them.
func (s *Service) person(ctx context.Context, t tx.Tx, found session.Session) (user.User, error) {
	if s.d.People != nil {
		if known := s.d.People.Recall(found.Account, found.User); known != nil {
			return *known, nil
		}
	}
	return s.d.Users.Find(ctx, t, found.Account, found.User)
}
