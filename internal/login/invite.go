package login

import (
	"context"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

// Invitation is what an invite asks of the login that it leads to.
type Invitation struct {
	Key    string // names the invite and is no secret
	Tenant ident.TenantID
}

// Invites knows invites. Accepting one is the application's to do, as the person, afterwards.
type Invites interface {
	// Look returns what an invite asks, or a fault of kind NotFound when it cannot be accepted any more.
	Look(ctx context.Context, t tx.Tx, account ident.AccountID, id secret.Text) (Invitation, error)
	// Preset returns the id that the invite has for a new person, or "".
	Preset(ctx context.Context, t tx.Tx, account ident.AccountID, key string) (ident.UserID, error)
	// Reserve gives the invite to the person who got that id, and tells whether nobody else has it.
	Reserve(ctx context.Context, t tx.Tx, account ident.AccountID, key string, user ident.UserID) (bool, error)
}

// invited finds the person, or makes one with the id that the invite has for them. A person who
// is there already stays who they are.
func (s *Service) invited(ctx context.Context, t tx.Tx, a actor.Actor, r Request, p proved) (user.User, error) {
	preset, err := s.d.Invites.Preset(ctx, t, a.Account, r.Invite)
	if err != nil {
		return user.User{}, err
	}
	if preset == "" {
		u, _, err := s.d.Users.SignIn(ctx, t, a, p.identity, p.profile)
		return u, err
	}
	u, created, err := s.d.Users.SignUpAs(ctx, t, a, preset, p.identity, p.profile)
	if err != nil || !created {
		return u, err
	}
	ok, err := s.d.Invites.Reserve(ctx, t, a.Account, r.Invite, u.ID)
	if err == nil && !ok {
		err = ErrMoved
	}
	return u, err
}
