package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

var thing = []sqldb.Migration{{
	ID: "thing/0001",
	SQL: `CREATE TABLE thing (account_id TEXT NOT NULL, id TEXT NOT NULL, flag BOOLEAN NOT NULL, body BYTEA, at BIGINT NOT NULL,
		PRIMARY KEY (account_id, id))`,
	Tenanted: []string{"thing"},
}}

var ctx = context.Background()

func insert(ctx context.Context, t tx.Tx, account, id string) error {
	_, err := sqldb.From(t).Exec(ctx, `INSERT INTO thing (account_id, id, flag, body, at) VALUES ($1, $2, $3, $4, $5)`,
		account, id, true, []byte{1, 2}, sqldb.Micros(t.Now()))
	return err
}

func count(t *testing.T, db *sqldb.DB, scope tx.Scope) (n int) {
	t.Helper()
	err := db.Read(ctx, scope, func(ctx context.Context, t tx.Tx) (err error) {
		n, err = sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[int], `SELECT COUNT(*) FROM thing`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// One text serves both databases only because both bind parameters by number.
func TestParametersBindByNumber(t *testing.T) {
	sqldbtest.Each(t, nil, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		err := db.Read(ctx, tx.System(), func(ctx context.Context, u tx.Tx) error {
			got, err := sqldb.One(ctx, sqldb.From(u), func(r sqldb.Row) (s [3]string, err error) {
				err = r.Scan(&s[0], &s[1], &s[2])
				return s, err
			}, `SELECT CAST($2 AS TEXT), CAST($1 AS TEXT), CAST($2 AS TEXT)`, "one", "two")
			if got != [3]string{"two", "one", "two"} {
				t.Errorf("got %v", got)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAFailedUnitUndoesOnlyItself(t *testing.T) {
	sqldbtest.Each(t, thing, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		var wg sync.WaitGroup
		refused := errors.New("refused")
		for i := range 40 {
			wg.Go(func() {
				err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error {
					if err := insert(ctx, u, "acc_a", fmt.Sprint(i)); err != nil {
						return err
					}
					if i%2 == 1 {
						return refused
					}
					if i%10 == 0 {
						panic("boom")
					}
					return nil
				})
				if i%2 == 1 && !errors.Is(err, refused) {
					t.Errorf("unit %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if n := count(t, db, tx.In("acc_a")); n != 16 {
			t.Errorf("%d rows are there, want 16", n)
		}
	})
}

func TestWorkAfterAFailedStatementIsRefused(t *testing.T) {
	sqldbtest.Each(t, thing, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error {
			if err := insert(ctx, u, "acc_a", "x"); err != nil {
				return err
			}
			if err := insert(ctx, u, "acc_a", "x"); !sqldb.IsUnique(err) {
				t.Errorf("the second insert says %v", err)
			}
			return nil
		})
		if err == nil {
			t.Error("the unit of work was committed")
		}
		if n := count(t, db, tx.In("acc_a")); n != 0 {
			t.Errorf("%d rows are there", n)
		}
	})
}

func TestEventsRunInsideTheUnit(t *testing.T) {
	bus := &tx.Bus{}
	bus.Subscribe("*", func(ctx context.Context, u tx.Tx, e event.Event) error { return insert(ctx, u, "acc_a", e.Target) })
	bus.Subscribe("thing.refused", func(context.Context, tx.Tx, event.Event) error { return errors.New("no") })
	db, _ := sqldbtest.SQLite(t, thing, bus)
	emit := func(kind string) error {
		return db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error {
			return u.Emit(ctx, event.New(actor.ForSystem("acc_a"), kind, kind))
		})
	}
	if err := emit("thing.made"); err != nil {
		t.Error(err)
	}
	if err := emit("thing.refused"); err == nil {
		t.Error("the refused event was committed")
	}
	if n := count(t, db, tx.In("acc_a")); n != 1 {
		t.Errorf("%d rows are there", n)
	}
}

func TestRowLevelSecurityIsTheSecondLine(t *testing.T) {
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("needs PostgreSQL: " + sqldbtest.PostgresEnv)
	}
	db, _ := sqldbtest.Postgres(t, thing, nil)
	for _, account := range []string{"acc_a", "acc_b"} {
		if err := db.Write(ctx, tx.System(), func(ctx context.Context, u tx.Tx) error { return insert(ctx, u, account, "x") }); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db, tx.In("acc_a")); n != 1 {
		t.Errorf("account A sees %d rows without a WHERE", n)
	}
	if n := count(t, db, tx.In("acc_x'; SET LOCAL admit.account = '*")); n != 0 {
		t.Errorf("a hostile account id sees %d rows", n)
	}
	err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error { return insert(ctx, u, "acc_b", "y") })
	if err == nil {
		t.Error("account A wrote a row of account B")
	}
}

func TestChangesAreNumberedWithoutGaps(t *testing.T) {
	sqldbtest.Each(t, thing, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				_ = db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error {
					u.Changed("thing", "acc_a", fmt.Sprint(i))
					u.Changed("thing", "acc_a", fmt.Sprint(i)) // once is enough
					if i%3 == 0 {
						return errors.New("undone")
					}
					return nil
				})
			})
		}
		wg.Wait()
		changes, err := db.Since(ctx, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(changes) != 20 {
			t.Errorf("%d changes, want 20", len(changes))
		}
		for i, c := range changes {
			if c.Rev != int64(i+1) {
				t.Fatalf("change %d has revision %d", i, c.Rev)
			}
		}
		last, oldest, err := db.Head(ctx)
		if err != nil || last != 20 || oldest != 1 {
			t.Errorf("head %d, oldest %d, %v", last, oldest, err)
		}
	})
}

func TestMigrationsRunOnceAndOnTwoNodesAtOnce(t *testing.T) {
	sqldbtest.Each(t, nil, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if err := db.Migrate(ctx, thing); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		changed := []sqldb.Migration{{ID: "thing/0001", SQL: "SELECT 1"}}
		if err := db.Migrate(ctx, changed); err == nil {
			t.Error("a changed migration was accepted")
		}
	})
}

func TestWhatIsForLaterIsPartOfTheUnit(t *testing.T) {
	later := func(ctx context.Context, u tx.Tx, id string) error {
		return sqldb.From(u).Later(ctx, `INSERT INTO thing (account_id, id, flag, at) VALUES ($1, $2, $3, $4)`, "acc_a", id, true, 0)
	}
	sqldbtest.Each(t, thing, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error { return later(ctx, u, "alone") })
		if n := count(t, db, tx.In("acc_a")); err != nil || n != 1 {
			t.Fatalf("%d rows, %v", n, err)
		}
		err = db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error {
			if err := later(ctx, u, "seen"); err != nil {
				return err
			}
			n, err := sqldb.One(ctx, sqldb.From(u), sqldb.Scalar[int], `SELECT COUNT(*) FROM thing`)
			if err == nil && n != 2 {
				t.Errorf("the next statement sees %d rows", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		// What fails later fails the unit, with the next statement or with the commit.
		for _, next := range []bool{false, true} {
			err = db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error {
				if err := insert(ctx, u, "acc_a", "undone"); err != nil {
					return err
				}
				_ = later(ctx, u, "seen")
				if next {
					_ = insert(ctx, u, "acc_a", "undone too")
				}
				return nil
			})
			if !sqldb.IsUnique(err) && !strings.Contains(fmt.Sprint(err), "went on") {
				t.Errorf("a failure that was told later: %v", err)
			}
		}
		if n := count(t, db, tx.In("acc_a")); n != 2 {
			t.Errorf("%d rows are there, want 2", n)
		}
		// And a unit of work that does nothing is none.
		if err := db.Write(ctx, tx.In("acc_a"), func(context.Context, tx.Tx) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}
