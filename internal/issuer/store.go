package issuer

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store keeps trusted issuers.
type Store interface {
	// Insert adds a trust and tells whether it did. It does not when the account has one for the
	// same issuer and audience, or limit trusts.
	Insert(ctx context.Context, t tx.Tx, i Issuer, limit int) (bool, error)
	// Remove takes a trust away, and tells whether it was there.
	Remove(ctx context.Context, t tx.Tx, account ident.AccountID, id ID) (bool, error)
	// List returns an account's trusts in the order in which they were made.
	List(ctx context.Context, t tx.Tx, account ident.AccountID) ([]Issuer, error)
	// All returns those of every account. It needs the scope tx.System.
	All(ctx context.Context, t tx.Tx) ([]Issuer, error)
}
