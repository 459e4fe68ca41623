package logout

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Whose says of whom to take what: of a chain of sessions, a person, or a client, or, with none of
// them, of the whole account.
type Whose struct {
	Account ident.AccountID
	Root    ident.SessionID
	User    ident.UserID
	Client  string
}

// Store keeps who takes part in sessions, and what is to be delivered.
type Store interface {
	// Join adds a party. One that is there is no error.
	Join(ctx context.Context, t tx.Tx, p Party) error
	// Parties returns who takes part, at most limit.
	Parties(ctx context.Context, t tx.Tx, w Whose, limit int) ([]Party, error)
	// Leave turns parties into deliveries that are due now, and tells how many.
	Leave(ctx context.Context, t tx.Tx, w Whose) (int64, error)
	// Forget drops parties and deliveries of a client, because it is gone.
	Forget(ctx context.Context, t tx.Tx, account ident.AccountID, client string) error
	// Due tells whether a delivery is due. It needs the system scope.
	Due(ctx context.Context, t tx.Tx) (bool, error)
	// Claim takes up to limit deliveries that are due, but few to one client, counts an attempt and keeps
	// others away from them until then. It needs the system scope.
	Claim(ctx context.Context, t tx.Tx, until time.Time, limit int) ([]Delivery, error)
	// Settle notes the outcome of an attempt: next is when to try again, or zero when it is over.
	Settle(ctx context.Context, t tx.Tx, d Delivery, next time.Time, problem string) error
	// Purge deletes up to limit finished deliveries and old parties. It needs the system scope.
	Purge(ctx context.Context, t tx.Tx, done, parties time.Time, limit int) (int64, error)
}
