package keyringdb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/keyring/keyringdb"
	"github.com/admit-id/admit/internal/keyring/keyringtest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, keyringdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		keyringtest.RunStore(t, db, keyringdb.Store{}, clk)
	})
}
