package consent

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store keeps consents.
type Store interface {
	// Get returns what a person has allowed a client, or a fault of kind NotFound.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, client string) (Consent, error)
	// Lock is Get for a unit of work that is about to Put: others wait for it.
	Lock(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, client string) (Consent, error)
	// Put keeps a consent in place of the one that was there.
	Put(ctx context.Context, t tx.Tx, c Consent) error
	// List returns what a person has allowed, the newest first, at most limit.
	List(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, limit int) ([]Consent, error)
	// Delete forgets a consent. It tells whether there was one.
	Delete(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, client string) (bool, error)
	// DeleteUser forgets everything that a person has allowed.
	DeleteUser(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) error
	// DeleteClient forgets everything that people have allowed a client.
	DeleteClient(ctx context.Context, t tx.Tx, account ident.AccountID, client string) error
}
