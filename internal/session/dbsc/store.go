package dbsc

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store keeps bindings. Methods that look for one thing return a fault of kind NotFound when there is none.
type Store interface {
	// Insert adds the binding of a chain. A fault of kind Conflict says that the chain has one.
	Insert(ctx context.Context, t tx.Tx, b Binding) error
	// ByID and ByRoot return a binding that has not expired.
	ByID(ctx context.Context, t tx.Tx, account ident.AccountID, id string) (Binding, error)
	ByRoot(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID) (Binding, error)
	// Refresh keeps the cookies of b and counts the refresh, in one statement: account, id, root, key and
	// Uses of b must be those that are kept. NotFound when they are not.
	Refresh(ctx context.Context, t tx.Tx, b Binding) error
	// Extend moves the end of a chain's living binding to a later time. That there is none is no error.
	Extend(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID, expires time.Time) error
	// Refused notes that a proof for a binding was refused, and tells whether none was within RefusalEvery.
	Refused(ctx context.Context, t tx.Tx, account ident.AccountID, id string) (first bool, err error)
	// Purge deletes up to limit bindings that have expired. It needs the system scope.
	Purge(ctx context.Context, t tx.Tx, limit int) (int64, error)
}
