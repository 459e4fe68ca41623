package authorizedb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/oauth/authorize/authorizedb"
	"github.com/admit-id/admit/internal/oauth/authorize/authorizetest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, authorizedb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		authorizetest.RunStore(t, db, authorizedb.Store{}, clk)
	})
}
