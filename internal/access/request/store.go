package request

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Query says which requests to list, in order of their ids.
type Query struct {
	Status Status       // "" for all that are not deleted; Every for all
	By     ident.UserID // only those that this one made; "" for all
	NotBy  ident.UserID // without those that this one made
	Person ident.UserID // only those that this one made or is named in; "" for all
	After  ID
	Limit  int
}

// Every is the Status of a Query that wants deleted requests too.
const Every Status = "*"

// PerDay is how many requests somebody may make in a day for each that may be open: withdrawing makes
// room for another, and what was withdrawn is kept.
const PerDay = 10

// Store keeps requests.
type Store interface {
	// Get returns a request, deleted ones too, or a fault of kind NotFound.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ID) (Request, error)
	// Create writes an open request, unless its maker has as many open ones as most, or has made
	// PerDay times as many on the day (in UTC) of its CreatedAt, open or not; then it returns false. Requests
	// that are made at the same time are counted too.
	Create(ctx context.Context, t tx.Tx, account ident.AccountID, r Request, most int) (bool, error)
	// Replace writes a request that was before, and tells whether it still was.
	Replace(ctx context.Context, t tx.Tx, account ident.AccountID, r, before Request) (bool, error)
	// List returns requests.
	List(ctx context.Context, t tx.Tx, account ident.AccountID, q Query) ([]Request, error)
}
