package sessiondb

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session/sessiontest"
)

// Whoever asks whether a session lives is told so by the commit: not of one that has ended or expired, nor of
// another account's.
func TestAlive(t *testing.T) {
	sqldbtest.Each(t, Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		do := func(account ident.AccountID, fn func(ctx context.Context, tt tx.Tx) error) {
			t.Helper()
			if err := db.Write(t.Context(), tx.In(account), fn); err != nil {
				t.Fatal(err)
			}
		}
		do("a", func(ctx context.Context, tt tx.Tx) error {
			for _, id := range []string{"s1", "s2"} {
				if err := (Store{}).Insert(ctx, tt, sessiontest.Build(id, "u1", clk.Now())); err != nil {
					return err
				}
			}
			return nil
		})
		expect := func(account ident.AccountID, id ident.SessionID, want bool) {
			t.Helper()
			for _, hold := range []bool{false, true} {
				got := !want
				do(account, func(ctx context.Context, tt tx.Tx) (err error) {
					got, err = Store{}.Alive(ctx, tt, account, id, hold)
					return err
				})
				if got != want {
					t.Errorf("%s of %s, held %v: alive %v, want %v", id, account, hold, got, want)
				}
			}
		}
		expect("a", "s1", true)
		expect("a", "s3", false)
		expect("b", "s1", false)
		do("a", func(ctx context.Context, tt tx.Tx) error {
			_, err := Store{}.End(ctx, tt, "a", "s1")
			return err
		})
		expect("a", "s1", false)
		expect("a", "s2", true)
		clk.Advance(100 * 24 * time.Hour)
		expect("a", "s2", false)
	})
}

// A table that PostgreSQL has not gathered statistics of is no reason to read all sessions of an account.
func TestASessionIsFoundByItsKey(t *testing.T) {
	sqldbtest.Each(t, Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		if db.Dialect() != sqldb.Postgres {
			return
		}
		var plan []string
		err := db.Write(t.Context(), tx.In("a"), func(ctx context.Context, tt tx.Tx) (err error) {
			for i := range 80 {
				if err := (Store{}).Insert(ctx, tt, sessiontest.Build("s"+string(rune('0'+i)), "u1", clk.Now())); err != nil {
					return err
				}
			}
			q := sqldb.From(tt)
			if _, err := q.Exec(ctx, `SET LOCAL enable_seqscan = off`); err != nil {
				return err
			}
			plan, err = sqldb.List(ctx, q, sqldb.Scalar[string], `EXPLAIN `+
				strings.NewReplacer("$1", "'a'", "$2", "'s1'", "$3", "0").Replace(byID))
			return err
		})
		if text := strings.Join(plan, "\n"); err != nil || !strings.Contains(text, "sessions_pkey") {
			t.Errorf("%v; the plan is\n%s", err, text)
		}
	})
}
