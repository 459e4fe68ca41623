package passkey

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store keeps passkeys. Methods that look for one thing return a fault of kind NotFound when there is none.
type Store interface {
	// Handle returns the person's user handle, which is fresh when they had none, and makes other
	// registrations of the person wait until the unit of work ends.
	Handle(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, fresh []byte) ([]byte, error)
	// Insert adds a passkey and tells false when its credential id is registered in the account.
	Insert(ctx context.Context, t tx.Tx, p Passkey) (bool, error)
	// ByCredential returns the passkey of a credential id.
	ByCredential(ctx context.Context, t tx.Tx, account ident.AccountID, credential []byte) (Passkey, error)
	// List returns a person's passkeys, the oldest first.
	List(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]Passkey, error)
	// Use notes a use: p.SignCount, p.BackedUp, p.UsedAt, and that it is pending no more. NotFound when
	// the passkey is gone or its counter has reached p.SignCount meanwhile, unless both are zero.
	Use(ctx context.Context, t tx.Tx, p Passkey) error
	// Rename names a person's passkey.
	Rename(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, id, name string) error
	// Remove deletes a person's passkey.
	Remove(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, id string) error
	// Forget deletes everything of a person.
	Forget(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) error
}

// Challenge is a challenge that was given out, without the challenge.
type Challenge struct {
	Account ident.AccountID
	Hash    []byte
	Purpose string
	Binding string // the login or session
	Browser []byte
	User    ident.UserID // empty for none
	Party   string       // the RP id
	Passkey string       // the only one that may answer; empty: any
	Verify  bool         // the authenticator must verify the person
	// ExpiresAt ends it.
	CreatedAt, ExpiresAt time.Time
}

// Challenges keeps challenges.
type Challenges interface {
	// Put keeps a challenge, and no more than keep of the same purpose and binding.
	Put(ctx context.Context, t tx.Tx, c Challenge, keep int) error
	// Take uses a living challenge up. All that it is bound to must match: Account, Hash, Purpose,
	// Binding, Browser, User, Party. NotFound when it does not. It returns what was kept.
	Take(ctx context.Context, t tx.Tx, c Challenge) (Challenge, error)
	// Purge deletes up to limit challenges that expired. It needs the system scope.
	Purge(ctx context.Context, t tx.Tx, limit int) (int64, error)
}
