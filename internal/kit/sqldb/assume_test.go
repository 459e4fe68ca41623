package sqldb_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	lower = `UPDATE thing SET flag = (1 = 0) WHERE account_id = $1 AND id = $2 AND flag RETURNING 1`
	look  = `SELECT 1 FROM thing WHERE account_id = $1 AND id = $2 AND flag`
)

func later(ctx context.Context, t tx.Tx, id string) error {
	return sqldb.From(t).Later(ctx, `INSERT INTO thing (account_id, id, flag, body, at) VALUES ('acc_a', $1, $2, NULL, 0)`, id, true)
}

// What a unit of work makes of an assumption that is wrong never happens, whether it goes on to write, to read
// or to fail; it runs again and is told the truth.
func TestAnAssumptionIsTrueOrNothingHappened(t *testing.T) {
	refused := errors.New("refused")
	for name, then := range map[string]func(ctx context.Context, t tx.Tx) error{
		"commit": func(context.Context, tx.Tx) error { return nil },
		"write":  func(ctx context.Context, t tx.Tx) error { return later(ctx, t, "yes") },
		"read": func(ctx context.Context, t tx.Tx) error {
			if _, err := sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[int], `SELECT COUNT(*) FROM thing`); err != nil {
				return err
			}
			return later(ctx, t, "yes")
		},
		"other error": func(ctx context.Context, t tx.Tx) error {
			if _, err := sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[int], `SELECT COUNT(*) FROM thing`); err != nil {
				return refused
			}
			return nil
		},
		"swallowed error": func(ctx context.Context, t tx.Tx) error {
			_, _ = sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[int], `SELECT COUNT(*) FROM thing`)
			return nil
		},
		"fail": func(context.Context, tx.Tx) error { return refused },
	} {
		for _, query := range []string{lower, look} {
			t.Run(name+"/"+query[:6], func(t *testing.T) {
				sqldbtest.Each(t, thing, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
					var said []bool
					unit := func(id string) error {
						said = nil
						return db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error {
							ok, err := sqldb.From(u).Assume(ctx, query, "acc_a", id)
							said = append(said, ok)
							if err != nil || !ok {
								return err
							}
							return then(ctx, u)
						})
					}
					if err := unit("none"); err != nil {
						t.Errorf("what is not there: %v", err)
					}
					if len(said) == 0 || said[len(said)-1] {
						t.Errorf("of what is not there was said %v", said)
					}
					if n := count(t, db, tx.In("acc_a")); n != 0 {
						t.Errorf("%d rows are there", n)
					}
					if err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error { return insert(ctx, u, "acc_a", "one") }); err != nil {
						t.Fatal(err)
					}
					if err := unit("one"); err != nil && name != "fail" || !said[len(said)-1] {
						t.Errorf("what is there: %v, said %v", err, said)
					}
				})
			})
		}
	}
}

// Of several units of work that assume the same row for themselves one is right.
func TestOneOfManyIsRight(t *testing.T) {
	sqldbtest.Each(t, thing, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		if err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error { return insert(ctx, u, "acc_a", "one") }); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var right atomic.Int64
		for range 20 {
			wg.Go(func() {
				var mine bool
				err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) (err error) {
					mine, err = sqldb.From(u).Assume(ctx, lower, "acc_a", "one")
					if err == nil && mine {
						err = later(ctx, u, "winner")
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
				if mine {
					right.Add(1)
				}
			})
		}
		wg.Wait()
		if n := right.Load(); n != 1 {
			t.Errorf("%d were right", n)
		}
		if n := count(t, db, tx.In("acc_a")); n != 2 {
			t.Errorf("%d rows are there, want the one and the winner's", n)
		}
	})
}

// A read assumes nothing.
func TestAReadIsToldTheTruth(t *testing.T) {
	sqldbtest.Each(t, thing, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		err := db.Read(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error {
			ok, err := sqldb.From(u).Assume(ctx, look, "acc_a", "none")
			if ok {
				t.Error("there is none")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// What seldom is there is found when it is, and the next time at once.
func TestSeldom(t *testing.T) {
	sqldbtest.Each(t, thing, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		seldom, runs, nothing := sqldb.NewSeldom(), 0, false
		ask := func() {
			t.Helper()
			runs = 0
			err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) (err error) {
				runs++
				nothing, err = seldom.Nothing(ctx, sqldb.From(u), "acc_a one", look, "acc_a", "one")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if ask(); !nothing || runs != 1 {
			t.Errorf("nothing is there: %v after %d runs", nothing, runs)
		}
		if err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error { return insert(ctx, u, "acc_a", "one") }); err != nil {
			t.Fatal(err)
		}
		if ask(); nothing {
			t.Error("what is there was not found")
		}
		if ask(); nothing || runs != 1 {
			t.Errorf("what was found before: nothing %v after %d runs", nothing, runs)
		}
	})
}
