package logoutdb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/oauth/logout/logoutdb"
	"github.com/admit-id/admit/internal/oauth/logout/logouttest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, logoutdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		logouttest.RunStore(t, db, logoutdb.Store{}, clk)
	})
}
