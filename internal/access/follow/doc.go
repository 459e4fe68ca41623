// Package follow owns how an account's permissions are followed from outside: everything that is
// in force once, and from then on what changes, in the order of the commits.
//
// Flow: Service.Open judges the caller and counts the stream. Stream.Snapshot or Stream.Resume
// begins; then Stream.Next reads what changed from the database, and Stream.Whole says at which
// revision, and since when, everything that was handed out is one consistent state. Stream.Wait sleeps
// until there is something new. A Service subscribes to the node's change feed to wake its streams.
//
// What a change hands out is the thing as it is now, not as it was at that change; so things that
// change often are handed out less often than they change, and a unit of work is seen whole
// only where Whole says so.
//
// Never: the index. Records are read from the store, in one short unit of work for each batch, so
// that a slow reader holds no connection and no more memory than a batch.
package follow

import (
	"context"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store reads one account's part of the change feed.
type Store interface {
	// Since returns the changes of these kinds in the account after a revision, in order and at
	// most limit of them, and the window that the feed has.
	Since(ctx context.Context, t tx.Tx, q Query) ([]feed.Change, Window, error)
}

// Query says which changes to read.
type Query struct {
	Account ident.AccountID
	Kinds   []string
	After   int64
	Limit   int
}

// Window is what the feed has, of all accounts.
type Window struct {
	Last   int64 // revision of the last change; 0 when there never was one
	Oldest int64 // oldest revision that is kept; 0 when there is none
}

// Reaches tells whether the feed has everything after the revision.
func (w Window) Reaches(rev int64) bool {
	return rev <= w.Last && (w.Oldest == 0 && rev == w.Last || w.Oldest > 0 && rev >= w.Oldest-1)
}

// Item is one thing as it is now. When all of Record, Role, Group and Resource are nil it is gone,
// or gives nothing that the stream is about.
type Item struct {
	Kind string // access.ChangeRecord, ...
	Key  string
	Rev  int64 // of its last change; 0 when it is handed out for another reason

	Record   *access.Record
	Role     *access.Role
	Group    *access.Group
	Resource *access.ResourceConfig
}

// Gone tells whether followers should forget the thing.
func (i *Item) Gone() bool {
	return i.Record == nil && i.Role == nil && i.Group == nil && i.Resource == nil
}
