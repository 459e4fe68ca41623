// Package feed owns the numbered change feed: which things changed, in the order of
// their commits. Every node follows it to keep what it holds in memory true. A change
// names a thing; followers read the thing itself again, so that a lost or repeated
// change can never leave a wrong value behind.
package feed

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Change says that one thing has another state since revision Rev.
type Change struct {
	Rev     int64
	Account ident.AccountID
	Kind    string // "access.record", "application", "session", ...
	Key     string // identifier of the thing
	At      time.Time
}

// Subscriber keeps something in memory that follows the database.
type Subscriber interface {
	// Load fills the memory from the database. It runs at the start, before the node is
	// ready, and again when the feed has a gap.
	Load(ctx context.Context, t tx.Tx) error
	// Apply reads again what the changes name. The state may be newer than a change.
	Apply(ctx context.Context, t tx.Tx, changes []Change) error
}

// Source is where the feed is kept.
type Source interface {
	// Head returns the revision of the last committed change and the oldest one still kept.
	Head(ctx context.Context) (last, oldest int64, err error)
	// Since returns the changes after rev in order, at most limit of them.
	Since(ctx context.Context, rev int64, limit int) ([]Change, error)
	// Doorbell sends whenever there may be something new. It may miss and may ring for nothing.
	Doorbell() <-chan struct{}
}
