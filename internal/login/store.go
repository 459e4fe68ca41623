package login

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store keeps the requests. Methods that change one tell by false that it was not in the
// state they need; Get returns a fault of kind NotFound.
type Store interface {
	Insert(ctx context.Context, t tx.Tx, r Request) error
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.LoginID) (Request, error)
	// Bind gives an open request to a browser, if no other has it.
	Bind(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.LoginID, browser []byte) (bool, error)
	// Choose changes Connection, Tenant, Hint, Properties, Problem, Other and Picked of an open request
	// that has the same browser (or none) as r, and in which nobody has proved anything.
	Choose(ctx context.Context, t tx.Tx, r Request) (bool, error)
	// Prove freezes the subject of an open request and appends to its evidence, if that is p.Before and
	// the subject is the same or none.
	Prove(ctx context.Context, t tx.Tx, p Proof) (bool, error)
	// Revive opens an unfinished request again, for this browser, until expires, as if nobody had proved anything.
	Revive(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.LoginID, browser []byte, expires time.Time) (bool, error)
	// Finish ends an open request.
	Finish(ctx context.Context, t tx.Tx, f Finished) (bool, error)
	// TakeOutcome returns the sealed outcome of a setup and erases it.
	TakeOutcome(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.LoginID, browser []byte) ([]byte, error)
	// Purge deletes up to limit rows of each kind that expired before. It needs the system scope.
	Purge(ctx context.Context, t tx.Tx, before time.Time, limit int) (int64, error)
}

// Artifacts keeps what is used once. A Take that finds nothing to take, or something that is
// bound to another thing, returns a fault of kind NotFound.
type Artifacts interface {
	InsertCode(ctx context.Context, t tx.Tx, c Code) error
	// TakeCode uses a code up; all members but User, Session and ExpiresAt must match.
	TakeCode(ctx context.Context, t tx.Tx, c Code) (Code, error)
	// SpentCode returns a code that was used already, under the same match.
	SpentCode(ctx context.Context, t tx.Tx, c Code) (Code, error)
	InsertLeg(ctx context.Context, t tx.Tx, l Leg) error
	// TakeLeg uses a leg up by State and Browser.
	TakeLeg(ctx context.Context, t tx.Tx, account ident.AccountID, state, browser []byte) (Leg, error)
	// PeekLeg returns an unused leg, whatever its browser.
	PeekLeg(ctx context.Context, t tx.Tx, account ident.AccountID, state []byte) (Leg, error)
	// UseProof remembers a proof of work, or returns the login that was started with it before.
	UseProof(ctx context.Context, t tx.Tx, account ident.AccountID, proof []byte, login ident.LoginID, expires time.Time) (former ident.LoginID, err error)
}

// Grants keeps the setup link and the wishes of applications.
type Grants interface {
	// PutSetup stores the account's only setup link in place of the former one.
	PutSetup(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte, expires time.Time) error
	// SetupAlive tells whether the link can be used.
	SetupAlive(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte) (bool, error)
	// TakeSetup uses the link up. It tells whether it could.
	TakeSetup(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte) (bool, error)
	// PutWish stores what an application asked for in a chain of sessions, named by its root.
	PutWish(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID, app ident.ApplicationID, w Wish) error
	// Wish returns what PutWish stored, or the zero Wish.
	Wish(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID, app ident.ApplicationID) (Wish, error)
}
