package devicedb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/oauth/device/devicedb"
	"github.com/admit-id/admit/internal/oauth/device/devicetest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, devicedb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		devicetest.RunStore(t, db, devicedb.Store{}, clk)
	})
}
