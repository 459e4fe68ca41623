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

// both opens stores that remember nothing, and such as remember.
func both(t *testing.T, open func(t *testing.T) (tx.Runner, *clock.Fake)) {
	t.Helper()
	for name, make := range map[string]func() (oauthdb.Codes, oauthdb.Grants){
		"forgetful":   func() (oauthdb.Codes, oauthdb.Grants) { return oauthdb.Codes{}, oauthdb.Grants{} },
		"remembering": func() (oauthdb.Codes, oauthdb.Grants) { return oauthdb.NewCodes(), oauthdb.NewGrants() },
	} {
		t.Run(name, func(t *testing.T) {
			oauthtest.Run(t, func(t *testing.T) (oauthtest.Stores, tx.Runner, *clock.Fake) {
				db, clk := open(t)
				codes, grants := make()
				return oauthtest.Stores{Codes: codes, Grants: grants, Opaques: oauthdb.Opaques{}, Janitor: oauthdb.Janitor{}}, db, clk
			})
		})
	}
}

func TestStores(t *testing.T) {
	both(t, func(t *testing.T) (tx.Runner, *clock.Fake) { return sqldbtest.SQLite(t, oauthdb.Migrations(), nil) })
}

func TestStoresPostgres(t *testing.T) {
	ran := false
	sqldbtest.Each(t, nil, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		if db.Dialect() != sqldb.Postgres {
			return
		}
		ran = true
		both(t, func(t *testing.T) (tx.Runner, *clock.Fake) { return sqldbtest.Postgres(t, oauthdb.Migrations(), nil) })
	})
	if !ran {
		t.Skip("no PostgreSQL")
	}
}
