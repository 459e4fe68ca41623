package invitedb_test

import (
	"os"
	"testing"

	"github.com/admit-id/admit/internal/invite/invitedb"
	"github.com/admit-id/admit/internal/invite/invitetest"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func TestSQLite(t *testing.T) {
	invitetest.RunStore(t, func(t *testing.T) invitetest.Stores {
		db, clk := sqldbtest.SQLite(t, invitedb.Migrations(), nil)
		return invitetest.Stores{DB: db, Clock: clk, Store: invitedb.Store{}}
	})
}

func TestPostgres(t *testing.T) {
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("no PostgreSQL")
	}
	invitetest.RunStore(t, func(t *testing.T) invitetest.Stores {
		db, clk := sqldbtest.Postgres(t, invitedb.Migrations(), nil)
		return invitetest.Stores{DB: db, Clock: clk, Store: invitedb.Store{}}
	})
}
