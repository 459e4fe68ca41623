package logindb_test

import (
	"os"
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/login/logindb"
	"github.com/admit-id/admit/internal/login/logintest"
)

func stores(db *sqldb.DB, clk *clock.Fake) logintest.Stores {
	return logintest.Stores{Requests: logindb.Store{}, Artifacts: logindb.Artifacts{}, Grants: logindb.Grants{}, DB: db, Clock: clk}
}

func TestSQLite(t *testing.T) {
	logintest.RunStore(t, func(t *testing.T) logintest.Stores {
		return stores(sqldbtest.SQLite(t, logindb.Migrations(), nil))
	})
}

func TestPostgres(t *testing.T) {
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("no PostgreSQL")
	}
	logintest.RunStore(t, func(t *testing.T) logintest.Stores {
		return stores(sqldbtest.Postgres(t, logindb.Migrations(), nil))
	})
}
