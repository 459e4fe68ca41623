package sessiondb_test

import (
	"context"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/session/sessiontest"
)

// SES-06: a session that goes on from one that is just being ended ends with it, however the two meet.
func TestNothingGoesOnFromWhatEnds(t *testing.T) {
	store := sessiondb.Store{}
	for name, end := range map[string]func(context.Context, tx.Tx) error{
		"chain": func(ctx context.Context, x tx.Tx) error { _, err := store.End(ctx, x, "a", "s1"); return err },
		"user":  func(ctx context.Context, x tx.Tx) error { _, err := store.EndUser(ctx, x, "a", "u1"); return err },
		"some":  func(ctx context.Context, x tx.Tx) error { _, err := store.EndSome(ctx, x, "a", 10); return err },
	} {
		t.Run(name, func(t *testing.T) {
			sqldbtest.Each(t, sessiondb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
				goesOn(t, db, clk, end)
			})
		})
	}
}

func goesOn(t *testing.T, db *sqldb.DB, clk *clock.Fake, end func(context.Context, tx.Tx) error) {
	store := sessiondb.Store{}
	write := func(fn func(ctx context.Context, x tx.Tx) error) error {
		return db.Write(context.Background(), tx.System(), fn)
	}
	next := func(id string) session.Session {
		s := sessiontest.Build(id, "u1", clk.Now())
		s.Root = "s1"
		return s
	}
	if err := write(func(ctx context.Context, x tx.Tx) error { return store.Insert(ctx, x, next("s1")) }); err != nil {
		t.Fatal(err)
	}
	begun, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		<-begun
		ended <- write(end)
	}()
	err := write(func(ctx context.Context, x tx.Tx) error {
		if err := store.Replace(ctx, x, "a", "s1"); err != nil {
			return err
		}
		if err := store.Insert(ctx, x, next("s2")); err != nil {
			return err
		}
		close(begun)
		return waited(ctx, t, sqldb.From(x))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	err = write(func(ctx context.Context, x tx.Tx) error {
		for _, id := range []string{"s1", "s2"} {
			if _, err := store.ByID(ctx, x, "a", next(id).ID); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s lives: %v", id, err)
			}
		}
		if err := store.Replace(ctx, x, "a", "s2"); !fault.Is(err, fault.NotFound) {
			t.Errorf("one more can go on: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// waited returns when another unit of work waits for this one. On SQLite every other one does.
func waited(ctx context.Context, t *testing.T, q *sqldb.Tx) error {
	if q.Dialect() != sqldb.Postgres {
		return nil
	}
	for range 6000 {
		n, err := sqldb.One(ctx, q, sqldb.Scalar[int64], `SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))`)
		if err != nil || n > 0 {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Error("nobody waits")
	return nil
}
