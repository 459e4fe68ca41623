package signaldb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/signal"
	"github.com/admit-id/admit/internal/signal/signaldb"
	"github.com/admit-id/admit/internal/signal/signaltest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, signaldb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		signaltest.RunStore(t, db, signaldb.Store{}, clk)
	})
}

// Of two that want the last place at once, one gets it, though neither sees what the other has not committed.
func TestTheLastPlace(t *testing.T) {
	sqldbtest.Each(t, signaldb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		insert := func(ctx context.Context, x tx.Tx, id string) (bool, error) {
			return signaldb.Store{}.Insert(ctx, x, signal.Stream{Account: "a", ID: id, Client: "sc_1", Method: signal.Poll, Version: 1}, 1, 9)
		}
		type outcome struct {
			ok  bool
			err error
		}
		second := make(chan outcome, 1)
		first := outcome{}
		first.err = db.Write(t.Context(), tx.In("a"), func(ctx context.Context, x tx.Tx) (err error) {
			first.ok, err = insert(ctx, x, "stm_1")
			go func() {
				var o outcome
				o.err = db.Write(context.Background(), tx.In("a"), func(ctx context.Context, x tx.Tx) (err error) {
					o.ok, err = insert(ctx, x, "stm_2")
					return err
				})
				second <- o
			}()
			return errors.Join(err, waited(ctx, sqldb.From(x), second))
		})
		other := <-second
		if first.err != nil || other.err != nil || !first.ok || other.ok {
			t.Errorf("%+v, %+v", first, other)
		}
	})
}

// waited returns when another unit of work waits for this one, as on SQLite every other one does, or is done.
func waited[T any](ctx context.Context, q *sqldb.Tx, done chan T) error {
	if q.Dialect() != sqldb.Postgres {
		return nil
	}
	for range 6000 {
		n, err := sqldb.One(ctx, q, sqldb.Scalar[int64], `SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))`)
		if err != nil || n > 0 || len(done) > 0 {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return errors.New("the other one neither waits nor ends")
}
