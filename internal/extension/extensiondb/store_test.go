package extensiondb_test

import (
	"slices"
	"testing"

	"github.com/admit-id/admit/internal/application/applicationdb"
	"github.com/admit-id/admit/internal/extension/extensiondb"
	"github.com/admit-id/admit/internal/extension/extensiontest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/serviceclient/serviceclientdb"
)

func TestStore(t *testing.T) {
	all := slices.Concat(extensiondb.Migrations(), applicationdb.Migrations(), serviceclientdb.Migrations())
	sqldbtest.Each(t, all, func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		extensiontest.RunStore(t, db, extensiondb.Store{}, clk)
		extensiontest.RunService(t, db, extensiontest.Stores{Extensions: extensiondb.Store{}, Applications: applicationdb.Store{},
			Clients: serviceclientdb.Store{}, Keys: serviceclientdb.Store{}})
	})
}
