package totpdb_test

import (
	"os"
	"testing"

	"github.com/admit-id/admit/internal/factor/totp/totpdb"
	"github.com/admit-id/admit/internal/factor/totp/totptest"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func TestSQLite(t *testing.T) {
	totptest.RunStore(t, func(t *testing.T) totptest.Stores {
		db, clk := sqldbtest.SQLite(t, totpdb.Migrations(), nil)
		return totptest.Stores{Devices: totpdb.Store{}, Pending: totpdb.Pending{}, DB: db, Clock: clk}
	})
}

func TestPostgres(t *testing.T) {
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("no PostgreSQL")
	}
	totptest.RunStore(t, func(t *testing.T) totptest.Stores {
		db, clk := sqldbtest.Postgres(t, totpdb.Migrations(), nil)
		return totptest.Stores{Devices: totpdb.Store{}, Pending: totpdb.Pending{}, DB: db, Clock: clk}
	})
}
