package recovery

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store keeps the codes as MACs.
type Store interface {
	// Put stores a set in place of the one before, whatever was used of it.
	Put(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, macs [][]byte) error
	// Use uses a code up in one statement; NotFound when there is none such, or it was used.
	Use(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, mac []byte) error
	// Left counts the codes that were not used.
	Left(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (int, error)
	// Made is when the codes of a person were made, zero when there are none.
	Made(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (time.Time, error)
	// Forget deletes all codes of a person, and tells how many could still be used.
	Forget(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (int, error)
}
