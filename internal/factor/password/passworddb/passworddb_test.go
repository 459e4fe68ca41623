package passworddb_test

import (
	"os"
	"testing"

	"github.com/admit-id/admit/internal/factor/password/passworddb"
	"github.com/admit-id/admit/internal/factor/password/passwordtest"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func TestSQLite(t *testing.T) {
	db, clk := sqldbtest.SQLite(t, passworddb.Migrations(), nil)
	passwordtest.RunStore(t, passworddb.Store{}, db, clk)
}

func TestPostgres(t *testing.T) {
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("no PostgreSQL")
	}
	db, clk := sqldbtest.Postgres(t, passworddb.Migrations(), nil)
	passwordtest.RunStore(t, passworddb.Store{}, db, clk)
}
