package tx

import (
	"context"
	"sync/atomic"
)

type revisionKey struct{}

// Revision is the number of the last change that was written under a context.
type Revision struct{ last atomic.Int64 }

// Last returns the number, or 0 when nothing was written that the change feed tells of.
func (r *Revision) Last() int64 { return r.last.Load() }

// WatchRevision returns a context under which every Write notes the number of its last change.
func WatchRevision(ctx context.Context) (context.Context, *Revision) {
	r := &Revision{}
	return context.WithValue(ctx, revisionKey{}, r), r
}

// NoteRevision is for implementations of Runner: the commit of ctx's Write took this number.
func NoteRevision(ctx context.Context, rev int64) {
	r, ok := ctx.Value(revisionKey{}).(*Revision)
	for ok {
		have := r.last.Load()
		if rev <= have || r.last.CompareAndSwap(have, rev) {
			return
		}
	}
}
