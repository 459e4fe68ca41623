package issuerdb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/issuer/issuerdb"
	"github.com/admit-id/admit/internal/issuer/issuertest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, issuerdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		issuertest.RunStore(t, db, issuerdb.Store{}, clk)
	})
}
