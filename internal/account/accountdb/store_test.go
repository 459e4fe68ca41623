package accountdb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/account/accountdb"
	"github.com/admit-id/admit/internal/account/accounttest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, accountdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		accounttest.RunStore(t, db, accountdb.Store{}, clk)
	})
}
