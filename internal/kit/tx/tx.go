// Package tx owns the unit of work as features see it: reads and writes that commit
// together or not at all, the time they happen at, the events they emit and the
// changes that every node must hear of. It knows no SQL; kit/sqldb implements it.
package tx

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Scope says whose rows a unit of work may touch. On PostgreSQL row-level security
// enforces it as a second line behind the account id in every key (I-12).
type Scope struct {
	account ident.AccountID
	system  bool
	long    bool
	aside   bool
}

// In is the scope of one account.
func In(account ident.AccountID) Scope { return Scope{account: account} }

// System is the scope of work that spans accounts: start, migrations, purging, the feed.
func System() Scope { return Scope{system: true} }

// Long is the same scope for a unit of work that may take minutes, such as reading everything
// at the start. Others are cut off after seconds.
func (s Scope) Long() Scope {
	s.long = true
	return s
}

// Aside is the same scope for a short read that others wait for inside their own units of work: it
// has connections of its own, so that they cannot wait for each other.
func (s Scope) Aside() Scope {
	s.aside = true
	return s
}

// IsAside tells whether others wait for the read inside their own units of work.
func (s Scope) IsAside() bool { return s.aside }

// IsLong tells whether the unit of work may take minutes.
func (s Scope) IsLong() bool { return s.long }

// Account returns the account of the scope and false for System.
func (s Scope) Account() (ident.AccountID, bool) { return s.account, !s.system }

// Tx is one unit of work. Stores turn it into their own database handle.
type Tx interface {
	// Now is the time of the unit of work; it does not move while it runs.
	Now() time.Time
	// Emit writes the event to the audit trail and runs its subscribers, all in this
	// unit of work. An error from any of them must be returned, to undo it.
	Emit(ctx context.Context, e event.Event) error
	// Changed adds a numbered entry to the change feed when the unit of work commits.
	Changed(kind string, account ident.AccountID, key string)
}

// Runner runs units of work.
type Runner interface {
	// Write runs fn and commits. When it returns nil the work is durable, and every
	// follower of the change feed on this node has applied it. fn may run again after
	// a serialization failure, and must not wait for anything but the database.
	// The context given to fn must be used inside it.
	Write(ctx context.Context, scope Scope, fn func(context.Context, Tx) error) error
	// Read runs fn on the committed state. Statements see one consistent state.
	Read(ctx context.Context, scope Scope, fn func(context.Context, Tx) error) error
}

// Handler reacts to an event inside the unit of work that emitted it.
type Handler func(ctx context.Context, t Tx, e event.Event) error

// Bus is the table of who reacts to what. Fill it before the first Write.
type Bus struct {
	all    []Handler
	byType map[string][]Handler
}

// Subscribe adds a reaction. The type "*" means every event.
func (b *Bus) Subscribe(eventType string, h Handler) {
	if eventType == "*" {
		b.all = append(b.all, h)
		return
	}
	if b.byType == nil {
		b.byType = map[string][]Handler{}
	}
	b.byType[eventType] = append(b.byType[eventType], h)
}

// Dispatch runs the reactions in the order they were added, those to "*" first.
func (b *Bus) Dispatch(ctx context.Context, t Tx, e event.Event) error {
	for _, h := range b.all {
		if err := h(ctx, t, e); err != nil {
			return err
		}
	}
	for _, h := range b.byType[e.Type] {
		if err := h(ctx, t, e); err != nil {
			return err
		}
	}
	return nil
}

// Join returns a Runner whose units of work are part of t, so that the verbs of several
// features happen together or not at all. An error from one of them must undo t.
func Join(t Tx) Runner { return joined{t} }

type joined struct{ t Tx }

func (j joined) Write(ctx context.Context, _ Scope, fn func(context.Context, Tx) error) error {
	return fn(ctx, j.t)
}

func (j joined) Read(ctx context.Context, _ Scope, fn func(context.Context, Tx) error) error {
	return fn(ctx, j.t)
}
