package sqldb_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

func onPostgres(t *testing.T, run func(t *testing.T, db *sqldb.DB)) {
	sqldbtest.Each(t, thing, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		if db.Dialect() == sqldb.Postgres { // SQLite has one writer, whom all share
			run(t, db)
		}
	})
}

// Many at once, some of whom fail or assume what is not so, in two accounts: each is told the truth about itself.
func TestNobodysFateDependsOnOthers(t *testing.T) {
	const people, each = 48, 12
	sqldbtest.Each(t, thing, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		accounts := []ident.AccountID{"acc_a", "acc_b"}
		add := func(account ident.AccountID, id string, flag bool) error {
			return db.Write(ctx, tx.In(account), func(ctx context.Context, u tx.Tx) error {
				return sqldb.From(u).Later(ctx, `INSERT INTO thing (account_id, id, flag, body, at) VALUES ($1, $2, $3, NULL, 0)`, string(account), id, flag)
			})
		}
		if err := add("acc_a", "taken", true); err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for person := range people {
			wait.Go(func() {
				for n := range each {
					account, id := accounts[(person+n)%2], fmt.Sprintf("%d-%d", person, n)
					switch n % 4 {
					case 0: // the key is taken in one account, and free in no other
						if err := add("acc_a", "taken", true); !sqldb.IsUnique(err) {
							t.Errorf("a key that is taken: %v", err)
						}
					case 1: // what is another account's is not there
						found := true
						err := db.Write(ctx, tx.In("acc_b"), func(ctx context.Context, u tx.Tx) (err error) {
							found, err = sqldb.From(u).Assume(ctx, `SELECT 1 FROM thing WHERE account_id = $1 AND id = 'taken'`, "acc_b")
							return err
						})
						if found || err != nil {
							t.Errorf("what is not there was found %v: %v", found, err)
						}
					default:
						if err := add(account, id, false); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		wait.Wait()
		if n, want := count(t, db, tx.System()), people*each/2+1; n != want {
			t.Errorf("%d rows are there, want %d", n, want)
		}
		if db.Dialect() == sqldb.Postgres {
			err := db.Read(ctx, tx.System(), func(ctx context.Context, u tx.Tx) error {
				n, err := sqldb.One(ctx, sqldb.From(u), sqldb.Scalar[int], `SELECT COUNT(DISTINCT CAST(xmin AS TEXT)) FROM thing`)
				t.Logf("%d transactions", n)
				if n >= people*each/2 {
					t.Errorf("%d transactions, nobody shared one", n)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
}

// The policies of row-level security are those of each unit of work's own account.
func TestASharedTransactionKeepsAccountsApart(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *sqldb.DB) {
		err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error { return insert(ctx, u, "acc_a", "one") })
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for n := range 64 {
			account := []ident.AccountID{"acc_a", "acc_b"}[n%2]
			wait.Go(func() {
				var found bool
				err := db.Write(ctx, tx.In(account), func(ctx context.Context, u tx.Tx) (err error) {
					found, err = sqldb.From(u).Assume(ctx, `SELECT 1 FROM thing WHERE id = 'one'`) // as no store asks
					return err
				})
				if found != (account == "acc_a") || err != nil {
					t.Errorf("%s: found %v: %v", account, found, err)
				}
			})
		}
		wait.Wait()
	})
}

// A read that writes is refused, whoever commits at the same moment.
func TestAReadSharesNoTransactionThatWrites(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *sqldb.DB) {
		const writes = 32
		var wait sync.WaitGroup
		for n := range writes {
			wait.Go(func() {
				if err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error { return later(ctx, u, fmt.Sprint("write-", n)) }); err != nil {
					t.Error(err)
				}
			})
			wait.Go(func() {
				if err := db.Read(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error { return later(ctx, u, fmt.Sprint("read-", n)) }); err == nil {
					t.Error("a read has written")
				}
			})
		}
		wait.Wait()
		if n := count(t, db, tx.In("acc_a")); n != writes {
			t.Errorf("%d rows are there", n)
		}
	})
}

// A unit of work that waits for a lock keeps nobody else waiting.
func TestALockHoldsUpNobodyElse(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *sqldb.DB) {
		err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error { return later(ctx, u, "one") })
		if err != nil {
			t.Fatal(err)
		}
		locked, release := make(chan struct{}), make(chan struct{})
		var holder, stuck, others sync.WaitGroup
		holder.Go(func() {
			err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error {
				_, err := sqldb.One(ctx, sqldb.From(u), sqldb.Scalar[int], `SELECT 1 FROM thing WHERE account_id = 'acc_a' AND id = 'one' FOR UPDATE`)
				close(locked)
				<-release
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-locked
		for range 3 {
			stuck.Go(func() {
				err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error {
					return sqldb.From(u).Later(ctx, `UPDATE thing SET at = at + 1 WHERE account_id = 'acc_a' AND id = 'one'`)
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		for n := range 40 {
			others.Go(func() {
				if err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error { return later(ctx, u, fmt.Sprint("other-", n)) }); err != nil {
					t.Error(err)
				}
			})
		}
		others.Wait() // and the lock is still held
		if n := count(t, db, tx.In("acc_a")); n != 41 {
			t.Errorf("%d rows are there", n)
		}
		close(release)
		stuck.Wait()
		holder.Wait()
		err = db.Read(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error {
			moved, err := sqldb.One(ctx, sqldb.From(u), sqldb.Scalar[int64], `SELECT at FROM thing WHERE account_id = 'acc_a' AND id = 'one'`)
			if moved != 3 {
				t.Errorf("it was moved %d times", moved)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Who has only looked has no connection: more units of work than there are connections look, and then write.
func TestLookingTakesNoConnectionAlong(t *testing.T) {
	const people = 40 // there are eight connections
	onPostgres(t, func(t *testing.T, db *sqldb.DB) {
		var looked, done sync.WaitGroup
		looked.Add(people)
		for n := range people {
			done.Go(func() {
				first := true
				err := db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, u tx.Tx) error {
					_, err := sqldb.One(ctx, sqldb.From(u), sqldb.Scalar[int], `SELECT COUNT(*) FROM thing`)
					if first {
						first = false
						looked.Done()
						looked.Wait()
					}
					if err != nil {
						return err
					}
					return later(ctx, u, fmt.Sprint(n))
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		if n := count(t, db, tx.In("acc_a")); n != people {
			t.Errorf("%d rows are there", n)
		}
	})
}
