package keyring

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Sealed is a key with its private half as it is stored; Private is empty once destroyed.
type Sealed struct {
	Key
	Private []byte
}

// Ref names a key.
type Ref struct {
	Account ident.AccountID
	Use     Use
	KID     ident.KeyID
}

// Store keeps keys. Keys are never deleted, so that no kid is ever free again.
type Store interface {
	// Insert adds a key and tells whether its generation was free.
	Insert(ctx context.Context, t tx.Tx, k Sealed) (bool, error)
	// List returns the keys of an account and use, the newest generation first.
	List(ctx context.Context, t tx.Tx, account ident.AccountID, use Use) ([]Sealed, error)
	// Find returns the key of a kid, or all keys of an account when kid is empty, by use and generation.
	Find(ctx context.Context, t tx.Tx, account ident.AccountID, kid ident.KeyID) ([]Sealed, error)
	// Withdraw takes a key out of use now and wipes its private half. False when it was withdrawn before.
	Withdraw(ctx context.Context, t tx.Tx, k Key, now time.Time) (bool, error)
	// Schedule moves the limits of one generation's signing.
	Schedule(ctx context.Context, t tx.Tx, k Key) error
	// All returns the keys of every account that are published at a time. It needs tx.System.
	All(ctx context.Context, t tx.Tx, now time.Time) ([]Sealed, error)
}

// Withdrawals tells of the keys that operators took out of use.
type Withdrawals interface {
	// Withdrawn returns the withdrawn keys of an account and use; with an empty account, those of all
	// accounts, which needs tx.System.
	Withdrawn(ctx context.Context, t tx.Tx, account ident.AccountID, use Use) ([]Key, error)
}

// Janitor finds what the clock has made due. Its methods need the scope tx.System.
type Janitor interface {
	// Old returns, of every account and use but static ones, the newest key if it has signed since before.
	Old(ctx context.Context, t tx.Tx, before time.Time) ([]Ref, error)
	// Destroy wipes the private halves of keys whose signing ended before, and names them.
	Destroy(ctx context.Context, t tx.Tx, before time.Time) ([]Ref, error)
}
