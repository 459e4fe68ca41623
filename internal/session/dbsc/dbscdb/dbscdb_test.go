package dbscdb_test

import (
	"os"
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session/dbsc"
	"github.com/admit-id/admit/internal/session/dbsc/dbscdb"
	"github.com/admit-id/admit/internal/session/dbsc/dbsctest"
)

func TestSQLite(t *testing.T) {
	dbsctest.RunStore(t, func(t *testing.T) (dbsc.Store, tx.Runner, *clock.Fake) {
		db, clk := sqldbtest.SQLite(t, dbscdb.Migrations(), nil)
		return dbscdb.Store{}, db, clk
	})
}

func TestPostgres(t *testing.T) {
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("no PostgreSQL")
	}
	dbsctest.RunStore(t, func(t *testing.T) (dbsc.Store, tx.Runner, *clock.Fake) {
		db, clk := sqldbtest.Postgres(t, dbscdb.Migrations(), nil)
		return dbscdb.Store{}, db, clk
	})
}
