package userdb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/user/userdb"
	"github.com/admit-id/admit/internal/user/usertest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, userdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		usertest.RunStore(t, db, userdb.Store{}, clk)
	})
}
