package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/outbox"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

type job struct {
	name     string
	attempts int
	next     time.Time
	over     bool
	problem  error
}

// table keeps jobs in memory; what a table is like is proved where there is one.
type table struct {
	mu   sync.Mutex
	jobs []*job
	fail error
}

func (q *table) Due(_ context.Context, t tx.Tx) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.ContainsFunc(q.jobs, func(j *job) bool { return !j.over && !j.next.After(t.Now()) }), q.fail
}

func (q *table) Claim(_ context.Context, t tx.Tx, until time.Time, limit int) (out []*job, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range q.jobs {
		if !j.over && !j.next.After(t.Now()) && len(out) < limit {
			j.next = until
			j.attempts++
			out = append(out, j)
		}
	}
	return out, nil
}

type world struct {
	*testing.T
	table
	clk *clock.Fake
	log strings.Builder
	*outbox.Worker[*job]
}

func start(t *testing.T, try func(ctx context.Context, j *job) error, names ...string) *world {
	w := &world{T: t}
	for _, n := range names {
		w.jobs = append(w.jobs, &job{name: n})
	}
	db, clk := sqldbtest.SQLite(t, nil, &tx.Bus{})
	w.clk = clk
	w.Worker = &outbox.Worker[*job]{
		DB: db, Log: slog.New(slog.NewTextHandler(&w.log, nil)), Batch: 4, Parallel: 2, Lease: time.Minute,
		Retry: outbox.Retry{First: 10 * time.Second, Most: 30 * time.Second, Attempts: 5},
		Due:   w.table.Due, Claim: w.table.Claim,
		Try: func(ctx context.Context, j *job, claimed time.Time) error {
			if !claimed.Equal(clk.Now().Truncate(time.Microsecond)) || !j.next.Equal(claimed.Add(time.Minute)) {
				t.Error("claimed at", claimed, "until", j.next)
			}
			return try(ctx, j)
		},
		Settle: func(ctx context.Context, j *job, o outbox.Outcome) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			j.over, j.problem, j.next = o.Over, o.Problem, clk.Now().Add(o.Wait)
			return ctx.Err()
		},
		About:  func(j *job) (int, []any) { return j.attempts, []any{"job", j.name} },
		Failed: "it was not done",
	}
	return w
}

func (w *world) once(want int) {
	w.Helper()
	if n, err := w.Once(w.Context()); err != nil || n != want {
		w.Fatalf("%d jobs, want %d: %v", n, want, err)
	}
}

func TestOutcomes(t *testing.T) {
	no := errors.New("no")
	w := start(t, func(_ context.Context, j *job) error {
		switch j.name {
		case "refused":
			return fmt.Errorf("well: %w", outbox.Final(no))
		case "good":
			return nil
		}
		return &url.Error{Op: "Post", URL: "https://secret.example/", Err: no}
	}, "good", "refused", "bad")
	w.once(3)
	good, refused, bad := w.jobs[0], w.jobs[1], w.jobs[2]
	if !good.over || good.problem != nil || !refused.over || refused.problem != no || bad.over || bad.problem == nil { //nolint:errorlint // it itself
		t.Errorf("%+v %+v %+v", good, refused, bad)
	}
	for i, wait := range []time.Duration{10, 20, 30, 30} { // seconds
		w.clk.Advance(wait*time.Second - 1)
		w.once(0)
		if bad.over {
			t.Fatal("given up after", i+1)
		}
		w.clk.Advance(1)
		w.once(1)
	}
	if !bad.over || bad.attempts != 5 || bad.problem == nil {
		t.Errorf("%+v", bad)
	}
	w.clk.Advance(24 * time.Hour)
	w.once(0)
	if said := w.log.String(); strings.Count(said, "it was not done") != 6 || !strings.Contains(said, "job=bad attempt=5 error=no") || strings.Contains(said, "secret") {
		t.Error(said)
	}
}

// Without a number of attempts a job is never given up, however many there were.
func TestForEver(t *testing.T) {
	w := start(t, func(context.Context, *job) error { return errors.New("no") }, "one")
	w.Retry.Attempts = 0
	for range 100 {
		w.once(1)
		w.clk.Advance(30 * time.Second)
	}
	if w.jobs[0].over {
		t.Error("given up")
	}
}

func TestDrain(t *testing.T) {
	w := start(t, func(context.Context, *job) error { return nil }, strings.Split(strings.Repeat("x", 11), "")...)
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, j := range w.jobs {
		if !j.over || j.attempts != 1 {
			t.Errorf("%+v", j)
		}
	}
	w.fail = errors.New("no table")
	if err := w.Drain(t.Context()); !errors.Is(err, w.fail) {
		t.Error(err)
	}
}

// memory runs units of work that only ask for the time.
type memory struct{ clk *clock.Fake }

type unit struct {
	tx.Tx
	now time.Time
}

func (u unit) Now() time.Time { return u.now }

func (m memory) Read(ctx context.Context, _ tx.Scope, fn func(context.Context, tx.Tx) error) error {
	return fn(ctx, unit{now: m.clk.Now().Truncate(time.Microsecond)})
}

func (m memory) Write(ctx context.Context, s tx.Scope, fn func(context.Context, tx.Tx) error) error {
	return m.Read(ctx, s, fn)
}

// Two are worked on at once, never a third, and one that hangs holds up nobody but itself.
func TestParallel(t *testing.T) {
	w := start(t, nil, "a", "b", "c", "d")
	w.DB = memory{w.clk}
	synctest.Test(t, func(t *testing.T) {
		begun, ends := make(chan string, 4), map[string]chan struct{}{}
		for _, j := range w.jobs {
			ends[j.name] = make(chan struct{})
		}
		w.Try = func(_ context.Context, j *job, _ time.Time) error {
			begun <- j.name
			<-ends[j.name]
			return nil
		}
		over := make(chan error)
		go func() { _, err := w.Once(context.Background()); over <- err }()
		running := func() (names []string) {
			synctest.Wait()
			for len(begun) > 0 {
				names = append(names, <-begun)
			}
			slices.Sort(names)
			return names
		}
		if got := running(); !slices.Equal(got, []string{"a", "b"}) {
			t.Error("at first:", got)
		}
		for _, step := range [][2]string{{"b", "c"}, {"c", "d"}} {
			close(ends[step[0]])
			if got := running(); !slices.Equal(got, step[1:]) {
				t.Error("after", step[0], "came", got)
			}
		}
		close(ends["d"])
		close(ends["a"])
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}

// A node that stops hands back what it has not finished, and what it had not begun.
func TestStop(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	w := start(t, func(ctx context.Context, _ *job) error {
		stop()
		<-ctx.Done()
		return outbox.Final(ctx.Err())
	}, "a", "b", "c", "d", "e")
	if err := w.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	for i, j := range w.jobs {
		if want := min(1, 4-i); j.over || j.problem != nil || j.attempts != want || j.next.After(w.clk.Now()) {
			t.Errorf("%+v", j)
		}
	}
	if w.log.Len() > 0 {
		t.Error(w.log.String())
	}
	w.Worker.Try = func(context.Context, *job, time.Time) error { return nil }
	w.once(4)
	w.once(1)
}

// What cannot be written down is tried again when the claim has run out.
func TestNotWrittenDown(t *testing.T) {
	w := start(t, func(context.Context, *job) error { return nil }, "a")
	settle := w.Settle
	w.Settle = func(context.Context, *job, outbox.Outcome) error { return errors.New("no database") }
	w.once(1)
	w.Settle = settle
	w.clk.Advance(time.Minute - 1)
	w.once(0)
	w.clk.Advance(1)
	w.once(1)
	if said := w.log.String(); !strings.Contains(said, "job=a") || !strings.Contains(said, "no database") {
		t.Error(said)
	}
}
