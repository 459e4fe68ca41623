package passkeydb_test

import (
	"os"
	"testing"

	"github.com/admit-id/admit/internal/factor/passkey/passkeydb"
	"github.com/admit-id/admit/internal/factor/passkey/passkeytest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

func TestSQLite(t *testing.T) {
	passkeytest.RunStore(t, func(t *testing.T) (passkeytest.Stores, tx.Runner, *clock.Fake) {
		db, clk := sqldbtest.SQLite(t, passkeydb.Migrations(), nil)
		return passkeydb.Store{}, db, clk
	})
}

func TestPostgres(t *testing.T) {
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("no PostgreSQL")
	}
	passkeytest.RunStore(t, func(t *testing.T) (passkeytest.Stores, tx.Runner, *clock.Fake) {
		db, clk := sqldbtest.Postgres(t, passkeydb.Migrations(), nil)
		return passkeydb.Store{}, db, clk
	})
}
