package claim

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Claimed says who claimed a resource last.
type Claimed struct {
	Resource string // in canonical form
	Record   ident.RecordID
	By       ident.UserID
}

// Store keeps configurations and claims.
type Store interface {
	// Config returns the configuration of a resource, or a fault of kind NotFound.
	Config(ctx context.Context, t tx.Tx, account ident.AccountID, resource string) (Config, error)
	// Lock is Config, and keeps it as it is until the unit of work ends.
	Lock(ctx context.Context, t tx.Tx, account ident.AccountID, resource string) (Config, error)
	// Put writes a configuration and keeps its version.
	Put(ctx context.Context, t tx.Tx, account ident.AccountID, c Config) error
	// List returns configurations after a resource, in the order of the resources' texts.
	List(ctx context.Context, t tx.Tx, account ident.AccountID, after string, limit int) ([]Config, error)
	// Claim writes who claims a resource. Until the unit of work ends, others who claim it wait.
	Claim(ctx context.Context, t tx.Tx, account ident.AccountID, c Claimed) error
	// Named tells whether a record in force gives something on the resource itself or on anything
	// below it, or whether one of them is configured. Grants above it, and patterns that only begin above it, do not count.
	Named(ctx context.Context, t tx.Tx, account ident.AccountID, resource string) (bool, error)
	// Count returns how many resources a user claimed whose record is still in force, at most as many as most.
	Count(ctx context.Context, t tx.Tx, account ident.AccountID, by ident.UserID, most int) (int, error)
	// Forget removes the user from their claims.
	Forget(ctx context.Context, t tx.Tx, account ident.AccountID, by ident.UserID) error
}
