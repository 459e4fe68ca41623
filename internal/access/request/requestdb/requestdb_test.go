package requestdb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/access/request"
	"github.com/admit-id/admit/internal/access/request/requestdb"
	"github.com/admit-id/admit/internal/access/request/requesttest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, requestdb.Migrations(), func(t *testing.T, _ *sqldb.DB, _ *clock.Fake) {
		dialect := t.Name()[len("TestStore/"):]
		requesttest.RunStore(t, func(t *testing.T) (tx.Runner, request.Store) {
			open := sqldbtest.SQLite
			if dialect == "postgres" {
				open = sqldbtest.Postgres
			}
			db, _ := open(t, requestdb.Migrations(), nil)
			return db, requestdb.Store{}
		})
	})
}
