package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/ident"
)

// DefaultBound is how old a Local's copy may be when it answers by itself.
const DefaultBound = time.Second

// LocalConfig says what a Local keeps. The zero value is a copy of the whole account.
type LocalConfig struct {
	// Resource limits the copy to what bears on this resource and on what is below it.
	// Questions about anything else go to the server. Empty for the whole account.
	Resource string
	// Bound is how old the copy may be when it answers. Beyond it the server is asked. It is
	// counted from before the server looked, so a slow network makes the copy look older than it
	// is, never younger. 0 means DefaultBound; less than half a second asks the server often, because
	// the server says four times a second that nothing has changed.
	Bound time.Duration
}

// Local answers permission checks in process. It keeps a copy of an account's permissions, which
// follows the server's change feed, and decides with the server's own engine. An answer is never
// older than the bound: when the copy is, because the server or the network is gone, Local
// asks the server, and when that fails too it returns an error. It never guesses.
//
// The client's credentials must be allowed to READ Authress:AccessRecords/*, Authress:Roles/*,
// Authress:Groups/* and Authress:ResourcePermissions/*, and to ask about any user. It is safe for concurrent use.
type Local struct {
	client *Client
	bound  time.Duration
	prefix check.Resource // when filtered
	query  string         // the filter as text
	stream *http.Client

	index *index.Index
	known atomic.Pointer[known]

	asked    atomic.Int64 // questions that went to the server
	streams  atomic.Int64
	copies   atomic.Int64
	lastErr  atomic.Pointer[error]
	first    chan struct{} // closed with the first copy
	stop     context.CancelFunc
	finished sync.WaitGroup
}

// known is what the server has said last about the copy as a whole. It never changes.
type known struct {
	rev     int64
	moment  time.Duration // on this process's clock: the copy was whole then, or later
	arrived time.Duration // when that was heard
	server  time.Time     // the server's clock at that moment
}

// here is the account of the index: a Local has only one.
const here ident.AccountID = "local"

var started = time.Now()

// monotonic never jumps, whatever happens to the machine's clock.
func monotonic() time.Duration { return time.Since(started) }

// Local starts to follow the server and returns at once. Until the first copy is there, checks go to the
// server; Ready waits for it. Close it when it is not needed any more.
func (c *Client) Local(cfg LocalConfig) (*Local, error) {
	l := &Local{client: c, bound: cfg.Bound, index: index.New(), first: make(chan struct{})}
	if l.bound == 0 {
		l.bound = DefaultBound
	}
	if l.bound < 0 {
		return nil, errors.New("client: the bound must not be negative")
	}
	if cfg.Resource != "" {
		prefix, err := access.ParseResource(cfg.Resource)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		l.prefix, l.query = prefix, prefix.String()
	}
	// The answer goes on for minutes. What bounds it is that lines must keep coming.
	own := *c.http
	own.Timeout = 0
	l.stream = &own
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.finished.Go(func() { l.follow(ctx) })
	return l, nil
}

// Check tells whether the user may do the action to the resource, as Client.AuthorizeUser does:
// the answer is (false, nil) only if the user may not.
func (l *Local) Check(ctx context.Context, userID, resource, action string) (bool, error) {
	if userID == "" || resource == "" || action == "" {
		return false, errEmpty
	}
	r, err := check.ParseResource(resource)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	a, err := check.ParseAction(action)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if l.query == "" || l.prefix.Covers(&r) {
		// What is known is read before the index, so the index is at least as new.
		if k := l.known.Load(); k != nil {
			if now := monotonic(); now-k.moment < l.bound {
				var q check.Question
				q.Ask(&r, &a, check.Allow)
				q.During = k.during(now)
				return l.index.At(here).Check(userID, &q), nil
			}
		}
	}
	l.asked.Add(1)
	return l.client.AuthorizeUser(ctx, userID, resource, action)
}

var errEmpty = errors.New("client: user, resource and permission must not be empty")

// during is now by the server's clock, as exactly as it can be known: a grant that begins or ends
// within the uncertainty does not count.
func (k *known) during(now time.Duration) check.Window {
	earliest, latest := k.server.Add(now-k.arrived), k.server.Add(now-k.moment)
	w := check.At(earliest)
	w.Until = check.At(latest).Until
	return w
}

// Fresh tells whether questions are answered in process now.
func (l *Local) Fresh() bool {
	k := l.known.Load()
	return k != nil && monotonic()-k.moment < l.bound
}

// Ready waits until there is a copy.
func (l *Local) Ready(ctx context.Context) error {
	select {
	case <-l.first:
		return nil
	case <-ctx.Done():
		if err := l.lastErr.Load(); err != nil {
			return fmt.Errorf("client: no copy of the permissions yet: %w (%w)", *err, ctx.Err())
		}
		return fmt.Errorf("client: no copy of the permissions yet: %w", ctx.Err())
	}
}

// LocalStats tells how a Local is doing.
type LocalStats struct {
	Fresh    bool          // questions are answered in process now
	Age      time.Duration // how old the copy may be; 0 without one
	Revision int64         // of the server's change feed that the copy has
	People   int           // users and groups in the copy that hold something
	Grants   int           // in the copy
	Asked    int64         // questions that went to the server
	Streams  int64         // how often it has connected
	Copies   int64         // how often it has started over with a whole copy
	Err      error         // what went wrong last; old when Fresh
}

// Stats tells how it is doing.
func (l *Local) Stats() LocalStats {
	s := LocalStats{Asked: l.asked.Load(), Streams: l.streams.Load(), Copies: l.copies.Load()}
	if k := l.known.Load(); k != nil {
		s.Age, s.Revision = monotonic()-k.moment, k.rev
		s.Fresh = s.Age < l.bound
	}
	if err := l.lastErr.Load(); err != nil {
		s.Err = *err
	}
	s.People, s.Grants = l.index.At(here).Size()
	return s
}

// Close stops following and returns when nothing runs any more, or with the context's error.
// A closed Local asks the server once its copy is older than the bound.
func (l *Local) Close(ctx context.Context) error {
	l.stop()
	done := make(chan struct{})
	go func() { l.finished.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
