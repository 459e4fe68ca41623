package signaldb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/signal/signaldb"
	"github.com/admit-id/admit/internal/signal/signaltest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, signaldb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		signaltest.RunStore(t, db, signaldb.Store{}, clk)
	})
}
