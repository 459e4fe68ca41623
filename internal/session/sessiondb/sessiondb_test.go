package sessiondb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/session/sessiontest"
)

func TestStore(t *testing.T) {
	sessiontest.RunStore(t, func(t *testing.T) (session.Store, tx.Runner, *clock.Fake) {
		db, clk := sqldbtest.SQLite(t, sessiondb.Migrations(), nil)
		return sessiondb.Store{}, db, clk
	})
}

func TestStorePostgres(t *testing.T) {
	ran := false
	sqldbtest.Each(t, sessiondb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		if db.Dialect() != sqldb.Postgres {
			return
		}
		ran = true
		sessiontest.RunStore(t, func(t *testing.T) (session.Store, tx.Runner, *clock.Fake) {
			db, clk := sqldbtest.Postgres(t, sessiondb.Migrations(), nil)
			return sessiondb.Store{}, db, clk
		})
	})
	if !ran {
		t.Skip("no PostgreSQL")
	}
}
