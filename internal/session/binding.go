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
	// Bound tells whether a session is bound.
	Bound(ctx context.Context, t tx.Tx, s Session) (bool, error)
	// Continued hears of a session that goes on with a chain: what binds the chain lasts as long as it does.
	Continued(ctx context.Context, t tx.Tx, s Session) error
}

// BoundCookieName is the name of the cookie of a bound session, up to a hyphen and what tells one
// session of the browser from another.
func BoundCookieName(secure bool) string {
	if secure {
		return "__Host-admit-bound"
	}
	return "admit-bound"
}

// allows tells whether what a browser brought is enough for a session, which may be bound.
func (s *Service) allows(ctx context.Context, t tx.Tx, found Session, beside []secret.Text) (bool, error) {
	if s.d.Bindings == nil {
		return true, nil
	}
	return s.d.Bindings.Allows(ctx, t, found, beside)
}

// continued tells of a session that goes on with a chain.
func (s *Service) continued(ctx context.Context, t tx.Tx, next Session) error {
	if s.d.Bindings == nil {
		return nil
	}
	return s.d.Bindings.Continued(ctx, t, next)
}

// Chain returns the living session of a chain, whose cookie is good: the last one. ErrNone when there is none.
func (s *Service) Chain(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID) (Session, error) {
	found, err := s.d.Tokens.Chain(ctx, t, account, root)
	if fault.Is(err, fault.NotFound) {
		return Session{}, ErrNone
	}
	return found, err
}
