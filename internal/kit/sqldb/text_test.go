package sqldb_test

import (
	"context"
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

func TestTextThatOnlyOneDatabaseHoldsIsRefused(t *testing.T) {
	sqldbtest.Each(t, nil, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		for _, value := range []any{"a\x00b", "\xff", ident.UserID("\x00"), "\xed\xa0\x80"} {
			err := db.Read(context.Background(), tx.System(), func(ctx context.Context, x tx.Tx) error {
				_, err := sqldb.One(ctx, sqldb.From(x), sqldb.Scalar[string], `SELECT CAST($1 AS TEXT)`, value)
				return err
			})
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", value, err)
			}
		}
	})
}
