package changes

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/admit-id/admit/internal/access/follow"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

const (
	// beat is how often a line tells that the copy is whole. It also bounds how long a caller who
	// has lost the right is still served.
	beat = 250 * time.Millisecond
	// breath is the least time between two looks for changes, so that many writes make few reads.
	breath = 3 * time.Millisecond
	// life is how long one answer goes on. Then the follower comes back, with a token of that day,
	// perhaps to another node; and two clocks have had no time to drift apart.
	life = 10 * time.Minute
	// patience is how long a follower may not read while lines wait for it.
	patience = 5 * time.Second
)

// answer is one stream on its way to one follower.
type answer struct {
	*lines
	s       *Surface
	r       *http.Request
	actor   actor.Actor
	stream  *follow.Stream
	binding []string
	begun   time.Duration // clock.Monotonic
	looked  time.Duration
}

func (s *Surface) follow(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	goOn, err := flag(wire.Value(q, "follow"))
	if err != nil {
		return err
	}
	goOn = goOn && r.Method != http.MethodHead
	a := &answer{s: s, r: r, actor: web.ActorOf(r), begun: clock.Monotonic()}
	if a.stream, err = s.d.Feed.Open(a.actor, wire.Value(q, "resourceUri")); err != nil {
		if fault.Is(err, fault.Limited) {
			w.Header()["Retry-After"] = []string{"5"}
		}
		return err
	}
	defer a.stream.Close()
	a.stream.OnPage = a.look
	a.binding = []string{string(a.actor.Account), a.actor.String(), path, a.stream.Prefix()}

	from := wire.Value(q, "cursor")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		from = last // what a browser sends when it comes back on its own
	}
	position, err := s.d.API.Cursors.Open(from, a.binding...)
	if err != nil {
		return err
	}
	if position != "" {
		rev, err := strconv.ParseInt(position, 10, 64)
		if err != nil {
			return fault.Wrap("changes.follow", err)
		}
		if err := a.stream.Resume(r.Context(), rev); err != nil {
			return err
		}
	}
	a.lines = newLines(w, r)
	defer a.lines.close()
	if err := a.run(r.Context(), position == "", goOn); err != nil {
		a.end(err)
	}
	return nil
}

// run sends the lines until the answer is complete, or an error says why it ends.
func (a *answer) run(ctx context.Context, snapshot, goOn bool) error {
	if snapshot {
		if err := a.stream.Snapshot(ctx, a.item); err != nil {
			return err
		}
	}
	for {
		if err := a.changes(ctx); err != nil {
			return err
		}
		whole, err := a.ready()
		if err != nil || whole && !goOn {
			return err
		}
		if err := a.flush(); err != nil {
			return err
		}
		if err := a.wait(ctx); err != nil {
			return err
		}
		if clock.Monotonic()-a.begun > life || a.s.d.Draining() {
			return errRenew
		}
	}
}

// look is what happens now and then while much is sent: a caller who has lost the right sees no more of it, a
// node that stops does not wait, and an empty line says that this is not over.
func (a *answer) look() error {
	t := clock.Monotonic()
	if t-a.looked < beat {
		return nil
	}
	a.looked = t
	if err := a.judge(); err != nil {
		return err
	}
	if a.s.d.Draining() {
		return errRenew
	}
	a.blank()
	return a.flush()
}

// changes sends what is new until there is nothing more.
func (a *answer) changes(ctx context.Context) error {
	for {
		items, more, err := a.stream.Next(ctx)
		if err != nil {
			return err
		}
		if len(items) > 0 { // one of them may be what took the caller's right away
			if err := a.judge(); err != nil {
				return err
			}
		}
		for i := range items {
			if err := a.item(items[i]); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		if err := a.look(); err != nil {
			return err
		}
	}
}

// wait returns when there are changes. Meanwhile it says that there are none.
func (a *answer) wait(ctx context.Context) error {
	if err := a.pause(ctx); err != nil {
		return err
	}
	for {
		if err := a.stream.Wait(ctx, beat); err != nil {
			return err
		}
		if _, whole := a.stream.Whole(); !whole {
			return nil
		}
		if _, err := a.ready(); err != nil {
			return err
		}
		if err := a.flush(); err != nil {
			return err
		}
		if clock.Monotonic()-a.begun > life || a.s.d.Draining() {
			return nil
		}
	}
}

func (a *answer) pause(ctx context.Context) error {
	timer := time.NewTimer(breath)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// judge finds out whether the caller may still follow: the token, and what it allows.
func (a *answer) judge() error {
	again, err := a.s.d.Tokens.Verify(a.r.Context(), a.actor.Account, web.BearerOf(a.r))
	if err != nil {
		return err
	}
	if again.Kind != a.actor.Kind || again.ID != a.actor.ID {
		return errOther
	}
	return a.s.d.Feed.Allow(a.actor)
}

// ready says that what was sent is the state of a revision, unless there is something newer.
func (a *answer) ready() (sent bool, err error) {
	if err := a.judge(); err != nil {
		return false, err
	}
	whole, ok := a.stream.Whole()
	if !ok {
		return false, nil
	}
	now := a.s.d.Clock.Now() // before the age is taken, so that a pause between the two makes the line older and never fresher
	return true, a.send(line{
		Kind: "ready", Revision: whole.Rev, Cursor: a.cursor(whole.Rev),
		At:      now.Add(whole.At - clock.Monotonic()).UTC().Format("2006-01-02T15:04:05.000Z"),
		Elapsed: new((whole.At - a.begun).Milliseconds()),
	})
}

func (a *answer) cursor(rev int64) string {
	return a.s.d.API.Cursors.Seal(strconv.FormatInt(rev, 10), a.binding...)
}

func flag(text string) (bool, error) {
	switch text {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, fault.New(fault.Invalid, fault.CodeInvalidRequest, "follow is true or false.")
}
