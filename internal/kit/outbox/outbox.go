// Package outbox owns how jobs that wait in a table are done: a Worker claims what is due, makes an attempt at several
// jobs side by side, and says of each what is next: nothing more, or another attempt after a while.
//
// Any number of nodes may run a Worker on one table; a job is claimed by one at a time. A node that stops hands back
// what it has not finished. A node that dies between an attempt and writing it down leaves a job that is tried once
// more when its claim has run out, so what is sent must be recognised when it comes twice.
//
// Never: tables. Who has one brings the statements (Due, Claim, Settle) and the attempt (Try).
package outbox

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/tx"
)

// Every is how often a node looks for jobs that are due.
const Every = 500 * time.Millisecond

// Worker does the jobs of one table.
type Worker[J any] struct {
	DB  tx.Runner
	Log *slog.Logger

	Batch    int           // jobs that are claimed at once
	Parallel int           // attempts at once
	Lease    time.Duration // how long a claim holds: longer than a batch may take
	Retry    Retry

	// Due tells whether there is something to claim, without taking the writer. Claim takes up to limit jobs that
	// are due and keeps others away from them until then. Both get the system's scope.
	Due   func(ctx context.Context, t tx.Tx) (bool, error)
	Claim func(ctx context.Context, t tx.Tx, until time.Time, limit int) ([]J, error)
	// Try makes an attempt at a job that was claimed at a time.
	Try func(ctx context.Context, j J, claimed time.Time) error
	// Settle writes down what came of it. Its context does not end with the worker's.
	Settle func(ctx context.Context, j J, o Outcome) error
	// About counts the attempts, with the last one, and names the job for the log, where Failed is said of it.
	About  func(j J) (attempts int, names []any)
	Failed string
}

// Retry is when a job is tried again: after First, after twice that, and so on up to Most.
type Retry struct {
	First, Most time.Duration
	Attempts    int // after which it is given up; without one it never is
}

func (r Retry) wait(attempts int) time.Duration {
	return min(r.Most, r.First<<min(max(attempts, 1)-1, 10))
}

// Outcome is what came of an attempt.
type Outcome struct {
	Problem error         // nil after success, and of an attempt that was not finished because the node stops
	Over    bool          // it succeeded or is given up
	Wait    time.Duration // until the next attempt, unless it is over
}

type final struct{ error }

func (f final) Unwrap() error { return f.error }

// Final says of a problem that no other attempt can help.
func Final(problem error) error { return final{problem} }

// Plain is the problem of an HTTP request without its URL, which may be as good as a password.
func Plain(problem error) error {
	if e, ok := errors.AsType[*url.Error](problem); ok {
		return e.Err
	}
	return problem
}

// Drain works until nothing is due.
func (w *Worker[J]) Drain(ctx context.Context) error {
	for ctx.Err() == nil {
		if n, err := w.Once(ctx); err != nil || n == 0 {
			return err
		}
	}
	return nil
}

// Once claims jobs, makes an attempt at each and returns how many there were.
func (w *Worker[J]) Once(ctx context.Context) (int, error) {
	claimed, jobs, err := w.claim(ctx)
	if err != nil {
		return 0, err
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, w.Parallel)
	for _, j := range jobs {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			w.attempt(ctx, j, claimed)
		})
	}
	wg.Wait()
	return len(jobs), nil
}

func (w *Worker[J]) claim(ctx context.Context) (now time.Time, jobs []J, err error) {
	any := false
	err = w.DB.Read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		any, err = w.Due(ctx, t)
		return err
	})
	if err != nil || !any {
		return now, nil, err
	}
	err = w.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		now = t.Now()
		jobs, err = w.Claim(ctx, t, now.Add(w.Lease), w.Batch)
		return err
	})
	return now, jobs, err
}

func (w *Worker[J]) attempt(ctx context.Context, j J, claimed time.Time) {
	problem := w.Try(ctx, j, claimed)
	attempts, names := w.About(j)
	o := Outcome{Problem: problem}
	switch f, isFinal := errors.AsType[final](problem); {
	case problem == nil:
		o.Over = true
	case ctx.Err() != nil:
		o.Problem = nil // this node is stopping: another one goes on at once
	case isFinal:
		o.Problem, o.Over = f.error, true
	case w.Retry.Attempts > 0 && attempts >= w.Retry.Attempts:
		o.Over = true
	default:
		o.Wait = w.Retry.wait(attempts)
	}
	if o.Problem != nil {
		w.Log.WarnContext(ctx, w.Failed, append(names, "attempt", attempts, "error", Plain(o.Problem))...)
	}
	if err := w.Settle(context.WithoutCancel(ctx), j, o); err != nil {
		w.Log.WarnContext(ctx, "what came of an attempt cannot be written down", append(names, "error", err)...)
	}
}
