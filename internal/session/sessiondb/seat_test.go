package sessiondb_test

import (
	"slices"
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/session/sessiontest"
)

func TestSeats(t *testing.T) {
	all := slices.Concat(sessiondb.Migrations(), sessiondb.SeatMigrations())
	sqldbtest.Each(t, all, func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		sessiontest.RunSeats(t, db, sessiondb.Seats{}, clk, sessiondb.Store{}.Insert)
	})
}
