package emailcodedb_test

import (
	"os"
	"testing"

	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/factor/emailcode/emailcodedb"
	"github.com/admit-id/admit/internal/factor/emailcode/emailcodetest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

func TestSQLite(t *testing.T) {
	emailcodetest.RunStore(t, func(t *testing.T) (emailcode.Store, tx.Runner, *clock.Fake) {
		db, clk := sqldbtest.SQLite(t, emailcodedb.Migrations(), nil)
		return emailcodedb.Store{}, db, clk
	})
}

func TestPostgres(t *testing.T) {
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("no PostgreSQL")
	}
	emailcodetest.RunStore(t, func(t *testing.T) (emailcode.Store, tx.Runner, *clock.Fake) {
		db, clk := sqldbtest.Postgres(t, emailcodedb.Migrations(), nil)
		return emailcodedb.Store{}, db, clk
	})
}
