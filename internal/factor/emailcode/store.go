package emailcode

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Proofs are what is compared: a MAC of the code and a hash of the link's token.
type Proofs struct {
	Code []byte
	Link []byte
}

// Store keeps one code per login. Methods that look for one thing return a fault of kind
// NotFound when there is none.
type Store interface {
	// Put stores a code in place of the login's former one.
	Put(ctx context.Context, t tx.Tx, c Code, p Proofs) error
	// Get returns a login's code in whatever state it is.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, login ident.LoginID) (Code, error)
	// ByLink returns the code that a link belongs to, in whatever state it is.
	ByLink(ctx context.Context, t tx.Tx, account ident.AccountID, link []byte) (Code, error)
	// Count spends one attempt of a living code in that browser and returns it with its proofs.
	Count(ctx context.Context, t tx.Tx, account ident.AccountID, login ident.LoginID, browser []byte) (Code, Proofs, error)
	// Consume uses a code up; everything it is bound to must match. NotFound when it does not.
	Consume(ctx context.Context, t tx.Tx, c Code, p Proofs) error
	// Forget deletes a login's code.
	Forget(ctx context.Context, t tx.Tx, account ident.AccountID, login ident.LoginID) error
	// Purge deletes up to limit codes that expired long ago. It needs the system scope.
	Purge(ctx context.Context, t tx.Tx, limit int) (int64, error)
}
