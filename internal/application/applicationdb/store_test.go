package applicationdb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/application/applicationdb"
	"github.com/admit-id/admit/internal/application/applicationtest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, applicationdb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		applicationtest.RunStore(t, db, applicationdb.Store{})
	})
}
