package link

import (
	"context"
	"slices"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

var (
	// ErrLast refuses to drop the last way to sign in.
	ErrLast = fault.New(fault.Conflict, "LastIdentity", "This is the only way you can sign in. Add another one before you remove it.")
	// ErrSeveral asks which of several identities is meant.
	ErrSeveral = fault.New(fault.Conflict, "IdentityAmbiguous", "Several linked identities are called so. Name one by its user id at the provider.")
)

// Named tells whether a name that an SDK gives is an identity's: the connection's id or the subject there.
func Named(i user.Identity, name string) bool {
	return name != "" && (string(i.Connection) == name || i.Subject == name)
}

// Unlink drops the identity that a name stands for from the actor, a person with a session that is recent.
func (s *Service) Unlink(ctx context.Context, by actor.Actor, name string) error {
	return s.unlink(ctx, by, func(i user.Identity) bool { return Named(i, name) })
}

// UnlinkOne drops exactly this identity.
func (s *Service) UnlinkOne(ctx context.Context, by actor.Actor, one user.Identity) error {
	return s.unlink(ctx, by, one.Same)
}

func (s *Service) unlink(ctx context.Context, by actor.Actor, is func(user.Identity) bool) error {
	if by.Kind != actor.User || by.Session == "" {
		return ErrNotRecent
	}
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		u, err := s.d.Users.Hold(ctx, t, by.Account, ident.UserID(by.ID))
		if err != nil {
			return err
		}
		held, err := s.recent(ctx, t, by)
		if err != nil {
			return err
		}
		meant := slices.DeleteFunc(slices.Clone(u.Identities), func(i user.Identity) bool { return !is(i) })
		switch {
		case len(meant) == 0:
			return user.ErrNoIdentity
		case len(meant) > 1:
			return ErrSeveral
		case !s.otherWay(by.Account, u, meant[0], held):
			return ErrLast
		}
		if err := s.d.Users.Drop(ctx, t, by, u.ID, meant[0]); err != nil {
			return err
		}
		return s.forget(ctx, t, by, u.ID, meant[0])
	})
	return fault.Wrap("link.Unlink", err)
}

// otherWay tells whether the person can sign in without an identity: with another one of a connection that
// is on, or with a passkey. What is switched off may never come back.
func (s *Service) otherWay(account ident.AccountID, u user.User, without user.Identity, held factor.Held) bool {
	return held.Passkeys > 0 || slices.ContainsFunc(u.Identities, func(i user.Identity) bool {
		return !i.Same(without) && s.works(account, i.Connection)
	})
}

// Identified keeps a person and their identities as they are until the caller's unit of work ends, and tells
// whether they can sign in without a passkey: by an identity of a connection that is on, or because a service
// client chose their id, which may sign them in.
func (s *Service) Identified(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (bool, error) {
	u, err := s.d.Users.Hold(ctx, t, account, id)
	if err != nil {
		return false, err
	}
	return !user.Own(id) || s.otherWay(account, u, user.Identity{}, factor.Held{}), nil
}

func (s *Service) works(account ident.AccountID, id ident.ConnectionID) bool {
	c, ok := s.d.Connections.Get(account, id)
	return ok && c.Type != connection.Type("PASSWORD") // a password goes with the address, which is an identity of its own
}
