package session

import (
	"context"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Bindings knows which sessions live in one browser only, because its cookie is worth nothing without
// another that the browser gets for a few minutes, against proof of a key (package dbsc).
type Bindings interface {
	// Allows tells whether who brought a session's cookie, and beside it those, may use the session.
	Allows(ctx context.Context, t tx.Tx, s Session, beside []secret.Text) (bool, error)
}

// BoundCookieName is the name of the cookie of a bound session, up to a hyphen and what tells one
// session of the browser from another.
func BoundCookieName(secure bool) string {
	if secure {
		return "__Host-admit-bound"
	}
	return "admit-bound"
}

// byCookie finds the living session behind a cookie, which was joined with those beside it
// (secret.Join). NotFound when there is none, or when it is bound to a browser that did not bring it.
func (s *Service) byCookie(ctx context.Context, t tx.Tx, account ident.AccountID, cookie secret.Text) (Session, error) {
	own, beside := secret.Split(cookie)
	found, err := s.d.Store.ByCookie(ctx, t, account, hash(own))
	if err != nil || s.d.Bindings == nil {
		return found, err
	}
	switch ok, err := s.d.Bindings.Allows(ctx, t, found, beside); {
	case err != nil:
		return Session{}, err
	case !ok:
		return Session{}, fault.New(fault.NotFound, fault.CodeNotFound, "The session is bound to another browser.")
	}
	return found, nil
}

// Chain returns the living session of a chain, whose cookie is good: the last one. ErrNone when there is none.
func (s *Service) Chain(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID) (Session, error) {
	found, err := s.d.Tokens.Chain(ctx, t, account, root)
	if fault.Is(err, fault.NotFound) {
		return Session{}, ErrNone
	}
	return found, err
}
