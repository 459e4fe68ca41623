package account

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store keeps accounts and their custom domains.
type Store interface {
	// Insert adds an account without hosts and tells whether its id was free.
	Insert(ctx context.Context, t tx.Tx, a Account) (bool, error)
	// Update replaces name, looks and settings, and tells whether the account is there.
	Update(ctx context.Context, t tx.Tx, a Account) (bool, error)
	// Get returns one account with its hosts, or a fault of kind NotFound.
	Get(ctx context.Context, t tx.Tx, id ident.AccountID) (Account, error)
	// All returns every account with its hosts. It needs the scope tx.System.
	All(ctx context.Context, t tx.Tx) ([]Account, error)
}

// HostStore keeps which custom domain leads to which account.
type HostStore interface {
	// AddHost gives a host to an account and tells whether no account had it.
	AddHost(ctx context.Context, t tx.Tx, id ident.AccountID, host string) (bool, error)
	// RemoveHost takes it away and tells whether the account had it.
	RemoveHost(ctx context.Context, t tx.Tx, id ident.AccountID, host string) (bool, error)
}
