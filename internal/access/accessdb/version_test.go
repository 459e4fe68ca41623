package accessdb_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/access/history/historytest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

func TestVersions(t *testing.T) {
	sqldbtest.Each(t, nil, func(t *testing.T, _ *sqldb.DB, _ *clock.Fake) {
		open := sqldbtest.SQLite
		if t.Name() == "TestVersions/postgres" {
			open = sqldbtest.Postgres
		}
		historytest.RunStore(t, func(t *testing.T) historytest.Stores {
			db, clk := open(t, accessdb.Migrations(), nil)
			return historytest.Stores{Runner: db, Clock: clk, Records: accessdb.Records{}, Roles: accessdb.Roles{},
				Groups: accessdb.Groups{}, Resource: accessdb.PutResourceVersion, History: accessdb.Versions{}}
		})
	})
}

// TestFill begins the history of a database that is older than the tables of versions.
func TestFill(t *testing.T) {
	sqldbtest.Each(t, accessdb.Migrations()[:1], func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		const n = 1203 // more than two batches
		changed, future := clk.Now().Add(-time.Hour), clk.Now().Add(time.Minute)
		insert := func(ctx context.Context, q *sqldb.Tx, from int) error {
			for i := from; i < min(from+100, n); i++ {
				account, status, at := fmt.Sprint("acc_", i%3), "ACTIVE", changed
				if i%100 == 1 {
					status = "DELETED"
				}
				if i%100 == 2 {
					at = future // changed faster than once a second
				}
				_, err := q.Exec(ctx, `INSERT INTO access_records (account_id, record_id, status, body, search, created_at, updated_at)
VALUES ($1, $2, $3, $4, '', 1, $5)`, account, fmt.Sprint("rec_", i), status,
					fmt.Sprintf(`{"n":"r","u":["u%d"],"s":[{"r":["ro_1"],"o":["/docs/%d/"]}]}`, i, i), sqldb.Micros(at))
				if err != nil {
					return err
				}
			}
			return nil
		}
		for from := 0; from < n; from += 100 { // a unit of work has its time, which a busy machine keeps for a hundred
			err := db.Write(t.Context(), tx.System(), func(ctx context.Context, t tx.Tx) error { return insert(ctx, sqldb.From(t), from) })
			if err != nil {
				t.Fatal(err)
			}
		}
		err := db.Write(t.Context(), tx.System(), func(ctx context.Context, t tx.Tx) error {
			q := sqldb.From(t)
			for _, query := range []string{
				`INSERT INTO access_roles (account_id, role_id, body, search, created_at, updated_at)
VALUES ('acc_1', 'ro_1', '{"n":"r","p":[{"a":"read","l":true}]}', '', 1, 2)`,
				`INSERT INTO access_groups (account_id, group_id, body, search, created_at, updated_at)
VALUES ('acc_1', 'grp_1', '{"n":"g","u":["u7"]}', '', 1, 2)`,
			} {
				if _, err := q.Exec(ctx, query); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time there is nothing to do
			if err := db.Migrate(t.Context(), accessdb.Migrations()); err != nil {
				t.Fatal(err)
			}
			clk.Advance(time.Second)
		}
		began := clk.Now().Add(-2 * time.Second)
		var v accessdb.Versions
		err = db.Read(t.Context(), tx.System().Long(), func(ctx context.Context, tr tx.Tx) error {
			start, err := v.Begin(ctx, tr)
			if err != nil || !start.Began.Equal(began) {
				t.Errorf("begins %s, %v", start.Began, err)
			}
			for i := range n {
				account := ident.AccountID(fmt.Sprint("acc_", i%3))
				for _, at := range []history.Moment{began.UnixMicro(), history.InForce} {
					got, err := v.Records(ctx, tr, account, history.Range{
						Terms: []string{fmt.Sprint("u:u", i), fmt.Sprint("r:docs/", i)}, At: at, Limit: 2})
					if err != nil {
						return err
					}
					if (len(got) == 1) != (i%100 != 1) {
						t.Fatalf("record %d: %v", i, got)
					}
					if len(got) == 1 && (i%100 == 2) != (got[0].Since == began.UnixMicro()) {
						t.Errorf("record %d is so since %d", i, got[0].Since)
					}
				}
			}
			if _, err := v.Role(ctx, tr, "acc_1", "ro_1", history.InForce); err != nil {
				t.Error(err)
			}
			groups, err := v.Groups(ctx, tr, "acc_1", "u7", history.InForce)
			if fmt.Sprint(groups) != "[grp_1]" {
				t.Errorf("groups %v", groups)
			}
			if found, err := accessdb.CheckVersions(ctx, tr); err != nil || len(found) > 0 {
				t.Errorf("%q, %v", found, err)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		// A binary that knows no history deletes one record, makes another, and changes a role.
		err = db.Write(t.Context(), tx.System(), func(ctx context.Context, tr tx.Tx) error {
			for _, query := range []string{
				`UPDATE access_records SET status = 'DELETED' WHERE record_id = 'rec_7'`,
				`UPDATE access_records SET status = 'ACTIVE' WHERE record_id = 'rec_101'`,
				`UPDATE access_roles SET body = '{"n":"other","p":[]}' WHERE role_id = 'ro_1'`,
			} {
				if _, err := sqldb.From(tr).Exec(ctx, query); err != nil {
					return err
				}
			}
			found, err := accessdb.CheckVersions(ctx, tr)
			if len(found) != 2 || !strings.Contains(found[0], "record: 2, such as rec_101") || !strings.Contains(found[1], "role: 1, such as ro_1") {
				t.Errorf("%q", found)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
