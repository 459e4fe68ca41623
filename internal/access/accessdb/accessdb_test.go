package accessdb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, accessdb.Migrations(), func(t *testing.T, _ *sqldb.DB, _ *clock.Fake) {
		dialect := t.Name()[len("TestStore/"):]
		accesstest.RunStore(t, func(t *testing.T) accesstest.Stores {
			open := sqldbtest.SQLite
			if dialect == "postgres" {
				open = sqldbtest.Postgres
			}
			db, _ := open(t, accessdb.Migrations(), nil)
			return accesstest.Stores{Runner: db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{}, Facts: accessdb.Facts{}}
		})
	})
}
