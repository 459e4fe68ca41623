package oauth

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Grant is a family of tokens: what one authorization of one person gave to one client, and the
// chain of refresh tokens that continues it. Ending it ends everything that was issued from it.
type Grant struct {
	Authorization
	Salt      []byte // stands in the refresh tokens, so that a row made anew takes none of the old
	Offline   bool   // has refresh tokens
	Rotates   bool   // every use of a refresh token gives the next one
	Version   int64  // of the living refresh token
	RotatedAt time.Time
	CreatedAt time.Time
	ExpiresAt time.Time // never moves
	IdleUntil time.Time // slides with use
	EndedAt   time.Time // zero while it lives
}

// Alive tells whether tokens may be issued from the grant.
func (g Grant) Alive(now time.Time) bool {
	return g.EndedAt.IsZero() && now.Before(g.ExpiresAt) && now.Before(g.IdleUntil)
}

// Use is the use of a refresh token: who uses it, which one, and what becomes of the grant.
type Use struct {
	Account   ident.AccountID
	Grant     string
	Client    string
	Version   int64  // of the token that is used; it must be the living one
	Salt      []byte // of the token that is used
	JKT, X5T  string // the keys that the caller holds; what the grant is bound to must be among them
	IdleUntil time.Time
}

// Grants keeps families of tokens.
type Grants interface {
	InsertGrant(ctx context.Context, t tx.Tx, g Grant) error
	// Grant returns a grant, dead or alive. A fault of kind NotFound when there is none.
	Grant(ctx context.Context, t tx.Tx, account ident.AccountID, id string) (Grant, error)
	// UseGrant notes the use of a refresh token in one statement that carries all bindings (I-4), and
	// returns the grant after it. A fault of kind NotFound when they do not all hold.
	UseGrant(ctx context.Context, t tx.Tx, u Use) (Grant, error)
	// EndGrants ends the living grants that a selection names and returns their ids, at most limit. A
	// selection with a client forgets the codes that would begin more of them, too.
	EndGrants(ctx context.Context, t tx.Tx, s Selection, limit int) ([]string, error)
}

// Selection names grants of an account. Members that are empty do not matter, but one must be given.
type Selection struct {
	Account ident.AccountID
	Grant   string
	Root    ident.SessionID
	User    ident.UserID
	Client  string
	// Online spares grants that outlive the session, those with refresh tokens.
	Online bool
	// All is every grant of the account.
	All bool
}

// OpaqueToken is an access token that says nothing by itself. Hash is what is kept of it.
type OpaqueToken struct {
	Hash []byte
	Authorization
	ID        string // jti
	Audience  []string
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Opaques keeps opaque access tokens.
type Opaques interface {
	InsertOpaque(ctx context.Context, t tx.Tx, o OpaqueToken) error
	// Opaque returns a token that has not expired. A fault of kind NotFound when there is none.
	Opaque(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte) (OpaqueToken, error)
}

// Janitor forgets what matters no more.
type Janitor interface {
	// Purge deletes up to limit codes, grants and tokens. It needs the system scope.
	Purge(ctx context.Context, t tx.Tx, before time.Time, limit int) (int64, error)
}
