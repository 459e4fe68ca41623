package linkdb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/login/link/linkdb"
	"github.com/admit-id/admit/internal/login/link/linktest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, linkdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		linktest.RunStore(t, db, linkdb.Store{}, clk)
	})
}
