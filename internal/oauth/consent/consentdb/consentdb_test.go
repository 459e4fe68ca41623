package consentdb_test

import (
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/oauth/consent/consentdb"
	"github.com/admit-id/admit/internal/oauth/consent/consenttest"
)

func TestStore(t *testing.T) {
	sqldbtest.Each(t, consentdb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		consenttest.RunStore(t, db, consentdb.Store{})
	})
}
