package user

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Query asks for a part of an account's users, in the order of their ids.
type Query struct {
	After  ident.UserID // exclusive; empty from the start
	Limit  int
	Filter string // lower-case substring of SearchText; empty for all
}

// Store keeps people. Every method sees and changes users that are not deleted only.
type Store interface {
	// Insert adds a user without identities and tells whether nobody has or had that id. When
	// another unit of work is doing the same, it waits for that one.
	Insert(ctx context.Context, t tx.Tx, u User) (bool, error)
	// Update replaces the profile, or returns a fault of kind NotFound. Until the unit of work
	// ends nobody removes the user.
	Update(ctx context.Context, t tx.Tx, u User) error
	// Remove deletes a user for good: the identities and the profile go, the id stays taken.
	// It tells whether the user was there.
	Remove(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (bool, error)
	// SetClaims replaces what the tokens of a user carry, and tells whether the user is there.
	SetClaims(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID, c Claims) (bool, error)
	// Get returns a user with identities, or a fault of kind NotFound.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (User, error)
	// List returns at most q.Limit users with identities.
	List(ctx context.Context, t tx.Tx, account ident.AccountID, q Query) ([]User, error)
	// Among returns those of the ids, of which there are at most MaxLimit, that fit the filter,
	// in their order and with identities.
	Among(ctx context.Context, t tx.Tx, account ident.AccountID, ids []ident.UserID, filter string) ([]User, error)
}

// IdentityStore keeps which outside identity is whose. Comparisons are byte for byte.
type IdentityStore interface {
	// Owner returns the user of an identity, or a fault of kind NotFound, and notes the login.
	Owner(ctx context.Context, t tx.Tx, account ident.AccountID, i Identity) (ident.UserID, error)
	// Whose returns the user of an identity, or a fault of kind NotFound. It changes nothing.
	Whose(ctx context.Context, t tx.Tx, account ident.AccountID, i Identity) (ident.UserID, error)
	// Link gives an identity to a user and tells whether nobody had it. When another unit of
	// work is doing the same, it waits for that one.
	Link(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID, i Identity) (bool, error)
	// Discard takes away a user that was inserted in this unit of work and has no identity.
	Discard(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) error
	// Hold keeps a user and the identities as they are until the unit of work ends, or returns a fault of kind NotFound.
	Hold(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) error
	// Drop deletes one identity of a user and tells whether it was there.
	Drop(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID, i Identity) (bool, error)
	// Unlink deletes every identity of a connection and tells how many there were.
	Unlink(ctx context.Context, t tx.Tx, account ident.AccountID, connection ident.ConnectionID) (int64, error)
}
