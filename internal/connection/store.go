package connection

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store keeps connections. Blanks of a Spec are kept blank. An id that was deleted stays
// taken for ever, so that a new connection never meets the people of an old one.
type Store interface {
	// Insert adds c. It returns false when the id is taken, also by a deleted connection.
	Insert(ctx context.Context, t tx.Tx, c Connection) (bool, error)
	// Update replaces all of c but its creation. It returns false when there is none.
	Update(ctx context.Context, t tx.Tx, c Connection) (bool, error)
	// Delete forgets all of a connection but its id. It returns false when there is none.
	Delete(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ConnectionID) (bool, error)
	// Get returns one connection, or a fault of kind NotFound.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ConnectionID) (Connection, error)
	// Lock is Get for a change: nobody else changes the connection before the unit of work ends.
	Lock(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ConnectionID) (Connection, error)
	// Page returns at most limit connections with an id greater than after, ordered by id.
	Page(ctx context.Context, t tx.Tx, account ident.AccountID, after ident.ConnectionID, limit int) ([]Connection, error)
	// All returns the connections of every account, for a unit of work in the system's scope.
	All(ctx context.Context, t tx.Tx) ([]Connection, error)
}
