package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	// PollEvery is how often the feed is read without being rung for. It is the truth;
	// the doorbell only makes it faster.
	PollEvery = 250 * time.Millisecond
	// DefaultBound is how long a node may answer from memory without having heard from
	// the database.
	DefaultBound = time.Second

	batch = 1000
)

// ErrStale says that this node has not heard from the database for too long.
var ErrStale = errors.New("feed: no word from the database within the bound")

type subscription struct {
	subscriber Subscriber
	kinds      map[string]bool
}

// Follower reads the feed and brings every subscriber up to date, in order, in one goroutine.
type Follower struct {
	source Source
	db     tx.Runner
	bound  time.Duration
	subs   []subscription

	applied atomic.Int64
	heard   atomic.Int64 // clock.Monotonic at the start of the last look that left nothing to do
	wake    chan struct{}

	mu      sync.Mutex
	advance chan struct{} // closed when applied moves
}

// NewFollower follows source; db gives subscribers their reads. A bound of 0 means DefaultBound.
func NewFollower(source Source, db tx.Runner, bound time.Duration) *Follower {
	if bound <= 0 {
		bound = DefaultBound
	}
	return &Follower{source: source, db: db, bound: bound, wake: make(chan struct{}, 1), advance: make(chan struct{})}
}

// Subscribe adds a subscriber for some kinds of changes. Call it before Start.
func (f *Follower) Subscribe(s Subscriber, kinds ...string) {
	set := make(map[string]bool, len(kinds))
	for _, k := range kinds {
		set[k] = true
	}
	f.subs = append(f.subs, subscription{s, set})
}

// Start loads every subscriber and remembers the revision that they have at least.
func (f *Follower) Start(ctx context.Context) error {
	asked := clock.Monotonic()
	last, _, err := f.source.Head(ctx)
	if err != nil {
		return fmt.Errorf("feed: read the head: %w", err)
	}
	if err := f.load(ctx); err != nil {
		return err
	}
	f.moveTo(last)
	f.heard.Store(int64(asked))
	return nil
}

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	tick := time.NewTicker(PollEvery)
	defer tick.Stop()
	var silence silence
	for {
		for {
			more, err := f.step(ctx)
			if ctx.Err() == nil {
				silence.tell(ctx, err)
			}
			if !more || err != nil {
				break
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		case <-f.source.Doorbell():
		case <-tick.C:
		}
	}
}

// Rev is the revision up to which this node has applied everything.
func (f *Follower) Rev() int64 { return f.applied.Load() }

// Heard returns a revision and a moment, as clock.Monotonic counts: everything that was committed
// before the moment is in the feed up to the revision, and was applied.
func (f *Follower) Heard() (rev int64, at time.Duration) {
	at = time.Duration(f.heard.Load()) // first: what is applied only grows
	return f.applied.Load(), at
}

// Fresh tells whether what is in memory was the truth within the bound: it counts from the
// question to the database, because between its answer and now a node may have been stopped,
// or busy applying. When it is not, decisions from memory must not be given.
func (f *Follower) Fresh() bool {
	return clock.Monotonic()-time.Duration(f.heard.Load()) < f.bound
}

// WaitFor returns when this node has applied rev, or with ErrStale when the bound is over.
func (f *Follower) WaitFor(ctx context.Context, rev int64) error {
	if f.applied.Load() >= rev {
		return nil
	}
	timeout := time.NewTimer(f.bound)
	defer timeout.Stop()
	for {
		f.mu.Lock()
		moved := f.advance
		f.mu.Unlock()
		if f.applied.Load() >= rev {
			return nil
		}
		select {
		case f.wake <- struct{}{}:
		default:
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout.C:
			return ErrStale
		}
	}
}

func (f *Follower) step(ctx context.Context) (more bool, err error) {
	from, asked := f.applied.Load(), clock.Monotonic()
	changes, err := f.source.Since(ctx, from, batch)
	if err != nil {
		return false, fmt.Errorf("read the feed: %w", err)
	}
	if len(changes) == 0 {
		f.heard.Store(int64(asked))
		return false, nil
	}
	last := changes[len(changes)-1].Rev
	if changes[0].Rev != from+1 {
		slog.WarnContext(ctx, "the change feed has a gap; loading everything again", "applied", from, "next", changes[0].Rev)
		if err := f.load(ctx); err != nil {
			return false, err
		}
	} else if err := f.apply(ctx, changes); err != nil {
		return false, err
	}
	f.moveTo(last)
	if len(changes) == batch {
		return true, nil // there is more, which memory does not know yet
	}
	f.heard.Store(int64(asked))
	return false, nil
}

func (f *Follower) apply(ctx context.Context, changes []Change) error {
	return f.db.Read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		for _, s := range f.subs {
			mine := latest(changes, s.kinds)
			if len(mine) == 0 {
				continue
			}
			if err := s.subscriber.Apply(ctx, t, mine); err != nil {
				return fmt.Errorf("apply %d changes to %T: %w", len(mine), s.subscriber, err)
			}
		}
		return nil
	})
}

func (f *Follower) load(ctx context.Context) error {
	return f.db.Read(ctx, tx.System().Long(), func(ctx context.Context, t tx.Tx) error {
		for _, s := range f.subs {
			if err := s.subscriber.Load(ctx, t); err != nil {
				return fmt.Errorf("load %T: %w", s.subscriber, err)
			}
		}
		return nil
	})
}

func (f *Follower) moveTo(rev int64) {
	f.applied.Store(rev)
	f.mu.Lock()
	close(f.advance)
	f.advance = make(chan struct{})
	f.mu.Unlock()
}

// latest keeps, of the changes of the given kinds, the last one of every thing, in order.
func latest(changes []Change, kinds map[string]bool) []Change {
	type thing struct{ account, kind, key string }
	seen := make(map[thing]bool)
	var out []Change
	for i := len(changes) - 1; i >= 0; i-- {
		c := changes[i]
		at := thing{string(c.Account), c.Kind, c.Key}
		if !kinds[c.Kind] || seen[at] {
			continue
		}
		seen[at] = true
		out = append(out, c)
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}
