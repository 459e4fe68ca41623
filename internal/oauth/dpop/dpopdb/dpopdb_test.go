package dpopdb_test

import (
	"os"
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/dpop"
	"github.com/admit-id/admit/internal/oauth/dpop/dpopdb"
	"github.com/admit-id/admit/internal/oauth/dpop/dpoptest"
)

func TestSQLite(t *testing.T) {
	dpoptest.RunStore(t, func(t *testing.T) (dpop.Store, tx.Runner, *clock.Fake) {
		db, clk := sqldbtest.SQLite(t, dpopdb.Migrations(), nil)
		return dpopdb.Store{}, db, clk
	})
}

func TestPostgres(t *testing.T) {
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("no PostgreSQL")
	}
	dpoptest.RunStore(t, func(t *testing.T) (dpop.Store, tx.Runner, *clock.Fake) {
		db, clk := sqldbtest.Postgres(t, dpopdb.Migrations(), nil)
		return dpopdb.Store{}, db, clk
	})
}
