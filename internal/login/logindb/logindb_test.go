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

// both runs the suite on a store that assumes nothing and on one that does.
func both(t *testing.T, open func(t *testing.T) (*sqldb.DB, *clock.Fake)) {
	t.Helper()
	for name, grants := range map[string]func() logindb.Grants{
		"plain": func() logindb.Grants { return logindb.Grants{} }, "assuming": logindb.NewGrants,
	} {
		t.Run(name, func(t *testing.T) {
			logintest.RunStore(t, func(t *testing.T) logintest.Stores {
				db, clk := open(t)
				return logintest.Stores{Requests: logindb.Store{}, Artifacts: logindb.Artifacts{}, Grants: grants(), DB: db, Clock: clk}
			})
		})
	}
}

func TestSQLite(t *testing.T) {
	both(t, func(t *testing.T) (*sqldb.DB, *clock.Fake) { return sqldbtest.SQLite(t, logindb.Migrations(), nil) })
}

func TestPostgres(t *testing.T) {
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("no PostgreSQL")
	}
	both(t, func(t *testing.T) (*sqldb.DB, *clock.Fake) { return sqldbtest.Postgres(t, logindb.Migrations(), nil) })
}
