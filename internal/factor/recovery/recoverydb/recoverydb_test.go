package recoverydb_test

import (
	"os"
	"testing"

	"github.com/admit-id/admit/internal/factor/recovery/recoverydb"
	"github.com/admit-id/admit/internal/factor/recovery/recoverytest"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func TestSQLite(t *testing.T) {
	db, _ := sqldbtest.SQLite(t, recoverydb.Migrations(), nil)
	recoverytest.RunStore(t, recoverydb.Store{}, db)
}

func TestPostgres(t *testing.T) {
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("no PostgreSQL")
	}
	db, _ := sqldbtest.Postgres(t, recoverydb.Migrations(), nil)
	recoverytest.RunStore(t, recoverydb.Store{}, db)
}
