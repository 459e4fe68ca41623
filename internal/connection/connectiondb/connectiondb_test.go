package connectiondb_test

import (
	"os"
	"testing"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/connectiondb"
	"github.com/admit-id/admit/internal/connection/connectiontest"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

func TestStore(t *testing.T) {
	migrations := connectiondb.Migrations()
	t.Run("sqlite", func(t *testing.T) {
		connectiontest.RunStore(t, func(t *testing.T) (tx.Runner, connection.Store) {
			db, _ := sqldbtest.SQLite(t, migrations, nil)
			return db, connectiondb.New()
		})
	})
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		return
	}
	t.Run("postgres", func(t *testing.T) {
		connectiontest.RunStore(t, func(t *testing.T) (tx.Runner, connection.Store) {
			db, _ := sqldbtest.Postgres(t, migrations, nil)
			return db, connectiondb.New()
		})
	})
}
