package followdb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/access/follow/followdb"
	"github.com/admit-id/admit/internal/access/follow/followtest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, nil, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) { followtest.RunStore(t, db, followdb.Store{}) })
}
