package accessdb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/claim/claimtest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func TestResources(t *testing.T) {
	sqldbtest.Each(t, accessdb.Migrations(), func(t *testing.T, _ *sqldb.DB, _ *clock.Fake) {
		dialect := t.Name()[len("TestResources/"):]
		claimtest.RunStore(t, func(t *testing.T) claimtest.Stores {
			open := sqldbtest.SQLite
			if dialect == "postgres" {
				open = sqldbtest.Postgres
			}
			db, _ := open(t, accessdb.Migrations(), nil)
			return claimtest.Stores{Runner: db, Store: accessdb.Resources{}, Engine: accessdb.Resources{}, Records: accessdb.Records{}}
		})
	})
}
