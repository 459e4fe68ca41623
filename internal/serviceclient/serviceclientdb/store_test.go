package serviceclientdb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/serviceclient/serviceclientdb"
	"github.com/admit-id/admit/internal/serviceclient/serviceclienttest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, serviceclientdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		serviceclienttest.RunStore(t, db, serviceclientdb.Store{}, clk)
	})
}
