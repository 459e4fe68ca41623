package application

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Query asks for a part of an account's applications, in the order of their ids.
type Query struct {
	After  ident.ApplicationID // exclusive; empty from the start
	Limit  int
	Filter string // lower-case substring of SearchText; empty for all
}

// Store keeps applications. Every method sees and changes active applications only.
type Store interface {
	// Insert adds a and tells whether its id was free. An id that was ever used is not free.
	Insert(ctx context.Context, t tx.Tx, a Application) (bool, error)
	// Update replaces a, and tells whether it is there.
	Update(ctx context.Context, t tx.Tx, a Application) (bool, error)
	// Remove deletes an application for good, and tells whether it was there.
	Remove(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ApplicationID) (bool, error)
	// Get returns one application, or a fault of kind NotFound.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ApplicationID) (Application, error)
	// Lock is Get for a change: nobody else changes the application before the unit of work ends.
	Lock(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ApplicationID) (Application, error)
	// List returns at most q.Limit applications of one account.
	List(ctx context.Context, t tx.Tx, account ident.AccountID, q Query) ([]Application, error)
}

// Source is what Directory reads when it starts.
type Source interface {
	Store
	// All returns the active applications of every account.
	All(ctx context.Context, t tx.Tx) ([]Application, error)
}
