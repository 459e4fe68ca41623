package signal

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Streams keeps streams. What looks for one thing returns a fault of kind NotFound when there is none.
type Streams interface {
	// Insert adds a stream, and tells whether its client and its account had room for it.
	Insert(ctx context.Context, t tx.Tx, s Stream, perClient, perAccount int) (bool, error)
	// Get returns a stream of a client.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, client ident.ServiceClientID, id string) (Stream, error)
	// Of returns the streams of a client in the order in which they were made.
	Of(ctx context.Context, t tx.Tx, account ident.AccountID, client ident.ServiceClientID) ([]Stream, error)
	// Update writes what a receiver says and the status, and makes the stream due. It tells false when the
	// version is not s.Version any more, or the stream is gone.
	Update(ctx context.Context, t tx.Tx, s Stream) (bool, error)
	// Remove deletes a stream of a client, or all of them when id is empty, with what waits for them. It
	// tells how many.
	Remove(ctx context.Context, t tx.Tx, account ident.AccountID, client ident.ServiceClientID, id string) (int64, error)
	// Verified notes a verification, unless there was one after last, and tells whether it did.
	Verified(ctx context.Context, t tx.Tx, s Stream, last time.Time) (bool, error)
	// Wanting returns the streams of an account that keep events of a kind.
	Wanting(ctx context.Context, t tx.Tx, account ident.AccountID, k Kind) ([]Stream, error)
}

// Queue keeps what waits for receivers.
type Queue interface {
	// Put adds an event.
	Put(ctx context.Context, t tx.Tx, e Event) error
	// Pending returns what a stream may be told now, the oldest first: nothing while it is paused, and only
	// that it is disabled when it is.
	Pending(ctx context.Context, t tx.Tx, s Stream, limit int) ([]Event, error)
	// Forget deletes events of a stream by their ids, and tells how many there were.
	Forget(ctx context.Context, t tx.Tx, s Stream, ids []string) (int64, error)
	// Clear deletes everything that waits for a stream.
	Clear(ctx context.Context, t tx.Tx, s Stream) error
	// Due tells whether something is to be pushed now. It needs the system scope.
	Due(ctx context.Context, t tx.Tx) (bool, error)
	// Claim takes up to limit streams that are due, MaxClaimed of an account at most, and keeps others away from them
	// until then. It needs the system scope.
	Claim(ctx context.Context, t tx.Tx, until time.Time, limit int) ([]Stream, error)
	// Settle notes how the delivery of a claimed stream went: s.Failures, s.Failing, and when to try again.
	// It does nothing when s.Leased is over and somebody else has claimed it.
	Settle(ctx context.Context, t tx.Tx, s Stream, next time.Time) error
	// Overflowing returns streams for which more than most events wait. It needs the system scope.
	Overflowing(ctx context.Context, t tx.Tx, most int) ([]Stream, error)
	// Purge deletes up to limit events from before a time, and such whose stream is gone or keeps none. It
	// needs the system scope.
	Purge(ctx context.Context, t tx.Tx, before time.Time, limit int) (int64, error)
}
