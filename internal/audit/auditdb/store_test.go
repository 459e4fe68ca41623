package auditdb_test

import (
	"context"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/audit/auditdb"
	"github.com/admit-id/admit/internal/audit/audittest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, auditdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		audittest.RunStore(t, db, auditdb.Store{}, clk)
	})
}

func TestTheDatabaseRefusesToForget(t *testing.T) {
	sqldbtest.Each(t, auditdb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		entry := audittest.Build("evt_1")
		write := func(fn func(ctx context.Context, x tx.Tx) error) error {
			return db.Write(t.Context(), tx.System(), fn)
		}
		if err := write(func(ctx context.Context, x tx.Tx) error { return auditdb.Store{}.Append(ctx, x, entry) }); err != nil {
			t.Fatal(err)
		}
		for _, sql := range []string{`UPDATE audit_entries SET actor = 'system'`, `DELETE FROM audit_entries`} {
			err := write(func(ctx context.Context, x tx.Tx) error {
				_, err := sqldb.From(x).Exec(ctx, sql)
				return err
			})
			if err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", sql, err)
			}
		}
	})
}
