package regain

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store keeps one recovery per person. Methods that look for one return a fault of kind NotFound when
// there is none that lives.
type Store interface {
	// Insert stores a recovery in place of one that expired; false when one lives.
	Insert(ctx context.Context, t tx.Tx, r Recovery) (bool, error)
	// Get returns the living one of a person.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (Recovery, error)
	// ByID returns a living one.
	ByID(ctx context.Context, t tx.Tx, account ident.AccountID, id string) (Recovery, error)
	// End deletes a living one.
	End(ctx context.Context, t tx.Tx, r Recovery) error
	// Finish deletes one that is ready, in one statement.
	Finish(ctx context.Context, t tx.Tx, r Recovery) error
	// Forget deletes what there is of a person.
	Forget(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) error
	// Purge deletes up to limit that expired. It needs the system scope.
	Purge(ctx context.Context, t tx.Tx, limit int) (int64, error)
}
