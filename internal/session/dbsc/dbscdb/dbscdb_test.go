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

// both runs the suite on a store that assumes nothing and on one that does.
func both(t *testing.T, open func(t *testing.T) (tx.Runner, *clock.Fake)) {
	t.Helper()
	for name, store := range map[string]func() dbsc.Store{
		"plain":    func() dbsc.Store { return dbscdb.Store{} },
		"assuming": func() dbsc.Store { return dbscdb.NewStore() },
	} {
		t.Run(name, func(t *testing.T) {
			dbsctest.RunStore(t, func(t *testing.T) (dbsc.Store, tx.Runner, *clock.Fake) {
				db, clk := open(t)
				return store(), db, clk
			})
		})
	}
}

func TestSQLite(t *testing.T) {
	both(t, func(t *testing.T) (tx.Runner, *clock.Fake) { return sqldbtest.SQLite(t, dbscdb.Migrations(), nil) })
}

func TestPostgres(t *testing.T) {
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("no PostgreSQL")
	}
	both(t, func(t *testing.T) (tx.Runner, *clock.Fake) { return sqldbtest.Postgres(t, dbscdb.Migrations(), nil) })
}
