package invite

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store keeps invites by the hash of their ids.
type Store interface {
	// Insert writes an invite and tells whether its inviter had fewer than most open ones, however many
	// are made at once. A most of 0 is no limit.
	Insert(ctx context.Context, t tx.Tx, i Invite, most int) (bool, error)
	// Get returns an invite in any state, or a fault of kind NotFound.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte) (Invite, error)
	// ByKey is Get for who knows only the key.
	ByKey(ctx context.Context, t tx.Tx, account ident.AccountID, key string) (Invite, error)
	// Accept gives an open invite, which nobody else has reserved, to the user, and returns it; a fault
	// of kind NotFound when it could not.
	Accept(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte, user ident.UserID) (Invite, error)
	// Reserve gives an open invite with that linked user to them, and tells whether it could.
	Reserve(ctx context.Context, t tx.Tx, account ident.AccountID, key string, user ident.UserID) (bool, error)
	// Delete takes an open invite away and tells whether it was there.
	Delete(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte) (bool, error)
	// Forget takes away what somebody made and nobody accepted, and what they have accepted or
	// reserved. It returns how many there were.
	Forget(ctx context.Context, t tx.Tx, account ident.AccountID, who actor.Actor) (int64, error)
	// Purge deletes up to limit invites that expired before. It needs the system scope.
	Purge(ctx context.Context, t tx.Tx, before time.Time, limit int) (int64, error)
}
