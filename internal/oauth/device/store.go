package device

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Codes are the hashes that an authorization is found by.
type Codes struct {
	Device []byte
	User   []byte // a MAC: a user code alone is too short to be kept as a hash
}

// Bindings are what a poll brings. All of them are in the WHERE of Take.
type Bindings struct {
	Account   ident.AccountID
	Client    string
	Device    []byte // hash
	JKT       string
	X5T       string
	Challenge string
}

// Store keeps device authorizations. Methods that look for one return a fault of kind NotFound when
// there is none.
type Store interface {
	// Insert adds one, unless its user code waits already or most of the client's do: then it
	// tells false.
	Insert(ctx context.Context, t tx.Tx, a Authorization, c Codes, most int) (bool, error)
	// ByUserCode returns the one that waits under a user code.
	ByUserCode(ctx context.Context, t tx.Tx, account ident.AccountID, user []byte) (Authorization, error)
	// Get returns one by its id while it lives, in whatever state.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, id string) (Authorization, error)
	// Decide moves one that waits to Approved, with what was allowed, or to Denied.
	Decide(ctx context.Context, t tx.Tx, a Authorization) error
	// Poll notes a poll of one that waits and returns it; early tells that it came too soon, and its
	// interval has grown by more.
	Poll(ctx context.Context, t tx.Tx, b Bindings, more time.Duration) (a Authorization, early bool, err error)
	// Take uses an approved one up, in one statement that carries all bindings and the expiry (I-4).
	Take(ctx context.Context, t tx.Tx, b Bindings) (Authorization, error)
	// DeleteUser forgets those that a person has approved, DeleteClient all of a client, or of the
	// account when client is empty.
	DeleteUser(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) error
	DeleteClient(ctx context.Context, t tx.Tx, account ident.AccountID, client string) error
	// Purge deletes up to limit that expired before. It needs the system scope.
	Purge(ctx context.Context, t tx.Tx, before time.Time, limit int) (int64, error)
}
