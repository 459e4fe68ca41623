package oauthdb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/oauthdb"
	"github.com/admit-id/admit/internal/oauth/oauthtest"
)

var stores = oauthtest.Stores{Codes: oauthdb.Codes{}, Grants: oauthdb.Grants{}, Opaques: oauthdb.Opaques{}, Janitor: oauthdb.Janitor{}}

func TestStores(t *testing.T) {
	oauthtest.Run(t, func(t *testing.T) (oauthtest.Stores, tx.Runner, *clock.Fake) {
		db, clk := sqldbtest.SQLite(t, oauthdb.Migrations(), nil)
		return stores, db, clk
	})
}

func TestStoresPostgres(t *testing.T) {
	ran := false
	sqldbtest.Each(t, nil, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		if db.Dialect() != sqldb.Postgres {
			return
		}
		ran = true
		oauthtest.Run(t, func(t *testing.T) (oauthtest.Stores, tx.Runner, *clock.Fake) {
			db, clk := sqldbtest.Postgres(t, oauthdb.Migrations(), nil)
			return stores, db, clk
		})
	})
	if !ran {
		t.Skip("no PostgreSQL")
	}
}
