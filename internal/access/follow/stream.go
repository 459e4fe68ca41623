package follow

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// batch is how many things are in memory at once for one stream.
const batch = 100

// Stream is one follower's place in the changes of an account. It is for one goroutine.
type Stream struct {
	s       *Service
	account ident.AccountID
	filter  filter
	bell    chan struct{}

	// OnPage is optional. It is called after each page of a long reading, also when nothing in the page is
	// in the filter; its error ends the reading.
	OnPage func() error

	unread bool // the names in the filter are still to be gathered

	pos   int64 // all changes up to this revision were handed out
	whole bool  // and nothing else
	at    time.Duration
}

// Whole is a moment at which everything that was handed out before is one consistent state.
type Whole struct {
	Rev int64
	At  time.Duration // as clock.Monotonic counts: nothing that was committed before is missing
}

// Close ends the stream.
func (st *Stream) Close() { st.s.close(st) }

// Prefix is the canonical text of the filter, or "".
func (st *Stream) Prefix() string {
	if !st.filter.on {
		return ""
	}
	return st.filter.resource.String()
}

// Rev is the revision that the stream goes on after.
func (st *Stream) Rev() int64 { return st.pos }

var errForgotten = fault.New(fault.Gone, fault.CodeCursorExpired,
	"The changes since this cursor are not kept any more. Start over without a cursor.")

// Resume goes on after a revision. Errors: Gone when the feed does not reach back to it.
func (st *Stream) Resume(ctx context.Context, rev int64) error {
	err := st.read(ctx, func(ctx context.Context, t tx.Tx) error {
		_, w, err := st.s.d.Store.Since(ctx, t, Query{Account: st.account, After: rev})
		if err == nil && !w.Reaches(rev) {
			err = errForgotten
		}
		return err
	})
	if err != nil {
		return err
	}
	st.pos, st.unread = rev, st.filter.on
	return nil
}

// Snapshot hands out everything that is in force. It is read in many short units of work; what
// changes meanwhile comes with the first Next, and only after that it is one consistent state.
func (st *Stream) Snapshot(ctx context.Context, yield func(Item) error) error {
	err := st.read(ctx, func(ctx context.Context, t tx.Tx) (err error) {
		st.pos, err = st.s.d.Records.Revision(ctx, t)
		return err
	})
	if err != nil {
		return err
	}
	if !st.filter.on {
		if err := st.rolesAndGroups(ctx, yield); err != nil {
			return err
		}
	}
	if err := st.resources(ctx, yield); err != nil {
		return err
	}
	err = st.records(ctx, func(r access.Record) error {
		return yield(Item{Kind: access.ChangeRecord, Key: string(r.ID), Record: &r})
	})
	if err != nil || !st.filter.on {
		return err
	}
	return st.namedOnes(ctx, yield)
}

// Next reads the next changes, as they are now. It is empty when there are none; when more is
// false, everything up to now was read.
func (st *Stream) Next(ctx context.Context) (items []Item, more bool, err error) {
	if st.unread {
		if err := st.records(ctx, func(access.Record) error { return nil }); err != nil {
			return nil, false, err
		}
		st.unread = false
	}
	asked := now()
	q := Query{Account: st.account, Kinds: Kinds(), After: st.pos, Limit: batch}
	var pos int64
	err = st.read(ctx, func(ctx context.Context, t tx.Tx) error {
		items = nil
		changes, w, err := st.s.d.Store.Since(ctx, t, q)
		if err != nil {
			return err
		}
		if !w.Reaches(st.pos) {
			return errForgotten
		}
		if more = len(changes) == batch; more {
			pos = changes[len(changes)-1].Rev
		} else {
			pos = w.Last
		}
		items, err = st.items(ctx, t, changes)
		return err
	})
	if err != nil {
		st.whole = false
		return nil, false, err
	}
	st.pos, st.whole, st.at = pos, !more, asked
	return items, more, nil
}

// Whole tells whether all that was handed out is one consistent state, and since when. It looks only
// at what this node has heard; when it is false, Next is due.
func (st *Stream) Whole() (Whole, bool) {
	if !st.whole {
		return Whole{}, false
	}
	last, rev, at := st.s.heard(st.account)
	if last > st.pos {
		return Whole{}, false
	}
	st.pos, st.at = max(st.pos, rev), max(st.at, at)
	return Whole{Rev: st.pos, At: st.at}, true
}

// Wait returns when something may have changed, after d, or with the context's error.
func (st *Stream) Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-st.bell:
	case <-timer.C:
	}
	return nil
}

func (st *Stream) read(ctx context.Context, fn func(context.Context, tx.Tx) error) error {
	return fault.Wrap("follow", st.s.d.Runner.Read(ctx, tx.In(st.account), fn))
}

// items reads what the changes name, each once, with the names that a record brings along.
func (st *Stream) items(ctx context.Context, t tx.Tx, changes []feed.Change) ([]Item, error) {
	var out []Item
	for _, c := range latest(changes) {
		item, err := st.item(ctx, t, name{c.Kind, c.Key})
		if err != nil {
			return nil, err
		}
		item.Rev = c.Rev
		switch {
		case c.Kind == access.ChangeRecord && item.Record != nil:
			brought, err := st.bring(ctx, t, item.Record)
			if err != nil {
				return nil, err
			}
			out = append(out, brought...)
		case st.filter.on && (c.Kind == access.ChangeRole || c.Kind == access.ChangeGroup):
			n := name{c.Kind, c.Key}
			if !st.filter.named[n] {
				continue
			}
			st.filter.sent[n] = true
		}
		out = append(out, item)
	}
	return out, nil
}

// latest keeps the last change of every thing, in order.
func latest(changes []feed.Change) []feed.Change {
	last := make(map[name]int64, len(changes))
	for _, c := range changes {
		last[name{c.Kind, c.Key}] = c.Rev
	}
	out := changes[:0:0]
	for _, c := range changes {
		if last[name{c.Kind, c.Key}] == c.Rev {
			out = append(out, c)
		}
	}
	return out
}

// bring reads the roles and groups that a record in the filter names and that were not handed out.
func (st *Stream) bring(ctx context.Context, t tx.Tx, r *access.Record) ([]Item, error) {
	if !st.filter.on {
		return nil, nil
	}
	var missing []name
	st.filter.names(r, func(n name) {
		st.filter.named[n] = true
		if !st.filter.sent[n] {
			st.filter.sent[n] = true
			missing = append(missing, n)
		}
	})
	out := make([]Item, 0, len(missing))
	for _, n := range missing {
		item, err := st.item(ctx, t, n)
		if err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	return out, nil
}

// item reads one thing as it is. What is gone, or outside the filter, is an Item that is Gone.
func (st *Stream) item(ctx context.Context, t tx.Tx, n name) (Item, error) {
	out, d := Item{Kind: n.kind, Key: n.id}, &st.s.d
	var err error
	switch n.kind {
	case access.ChangeRecord:
		var r access.Record
		if r, err = d.Records.Get(ctx, t, st.account, ident.RecordID(n.id)); err == nil && r.Status != access.Deleted && st.filter.bearsRecord(&r) {
			out.Record = &r
		}
	case access.ChangeRole:
		for _, r := range access.Builtins() {
			if string(r.ID) == n.id {
				out.Role = &r
				return out, nil
			}
		}
		var r access.Role
		if r, err = d.Roles.Get(ctx, t, st.account, ident.RoleID(n.id)); err == nil {
			out.Role = &r
		}
	case access.ChangeGroup:
		var g access.Group
		if g, err = d.Groups.Get(ctx, t, st.account, ident.GroupID(n.id)); err == nil {
			out.Group = &g
		}
	case access.ChangeResource:
		if d.Resources == nil {
			return out, nil
		}
		var c access.ResourceConfig
		if c, err = d.Resources.Get(ctx, t, st.account, n.id); err == nil && (c.Public || c.Claim) && st.filter.bears(n.id) {
			out.Resource = &c
		}
	}
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return out, err
}
