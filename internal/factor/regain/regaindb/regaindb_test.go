package regaindb_test

import (
	"os"
	"testing"

	"github.com/admit-id/admit/internal/factor/regain/regaindb"
	"github.com/admit-id/admit/internal/factor/regain/regaintest"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func TestSQLite(t *testing.T) {
	db, clk := sqldbtest.SQLite(t, regaindb.Migrations(), nil)
	regaintest.RunStore(t, regaindb.Store{}, db, clk)
}

func TestPostgres(t *testing.T) {
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("no PostgreSQL")
	}
	db, clk := sqldbtest.Postgres(t, regaindb.Migrations(), nil)
	regaintest.RunStore(t, regaindb.Store{}, db, clk)
}
