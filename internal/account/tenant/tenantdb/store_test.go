package tenantdb_test

import (
	"os"
	"testing"

	"github.com/admit-id/admit/internal/account/tenant/tenantdb"
	"github.com/admit-id/admit/internal/account/tenant/tenanttest"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func TestSQLite(t *testing.T) {
	tenanttest.RunStore(t, func(t *testing.T) tenanttest.Stores {
		db, _ := sqldbtest.SQLite(t, tenantdb.Migrations(), nil)
		return tenanttest.Stores{DB: db, Store: tenantdb.Store{}, Members: tenantdb.Members{}}
	})
}

func TestPostgres(t *testing.T) {
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("no PostgreSQL")
	}
	tenanttest.RunStore(t, func(t *testing.T) tenanttest.Stores {
		db, _ := sqldbtest.Postgres(t, tenantdb.Migrations(), nil)
		return tenanttest.Stores{DB: db, Store: tenantdb.Store{}, Members: tenantdb.Members{}}
	})
}
