package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/app/doctor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Doctor says what is wrong with a deployment and how to mend it.
func Doctor(ctx context.Context, cfg Config) []doctor.Finding {
	return doctor.Examine(ctx, doctor.Patient{Config: cfg, Open: openDatabase, Mail: mailServer})
}

// VerifyDB looks for damage: in the database's files, in the change feed, in what the master key
// must open, in what is loaded into memory, and in the history of permissions. It returns what it found, one line each.
func VerifyDB(ctx context.Context, cfg Config) ([]string, error) {
	db, err := openDatabase(ctx, cfg, clock.NewSystem(), &tx.Bus{})
	if err != nil {
		return nil, err
	}
	found, err := db.Check(ctx)
	if err == nil {
		var feed []string
		feed, err = checkFeed(ctx, db)
		found = append(found, feed...)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return found, err
	}
	// Opening loads everything: keys are opened, records parsed, accounts read.
	a, err := Open(ctx, cfg)
	if err != nil {
		return append(found, err.Error()), nil
	}
	var history []string
	err = a.db.Read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		history, err = accessdb.CheckVersions(ctx, t)
		return err
	})
	return append(found, history...), errors.Join(err, a.Close())
}

func checkFeed(ctx context.Context, db *sqldb.DB) ([]string, error) {
	var found []string
	err := db.Read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		type span struct{ head, first, last, count int64 }
		s, err := sqldb.One(ctx, sqldb.From(t), func(r sqldb.Row) (s span, err error) {
			err = r.Scan(&s.head, &s.first, &s.last, &s.count)
			return s, err
		}, `SELECT h.rev, COALESCE(MIN(c.rev), 0), COALESCE(MAX(c.rev), 0), COUNT(c.rev)
			FROM feed_head h LEFT JOIN feed_changes c ON 1 = 1 WHERE h.id = 1 GROUP BY h.rev`)
		if err != nil {
			return err
		}
		if s.count > 0 && (s.last != s.head || s.last-s.first+1 != s.count) {
			found = append(found, fmt.Sprintf("the change feed is damaged: revisions %d to %d, %d of them, head %d", s.first, s.last, s.count, s.head))
		}
		return nil
	})
	return found, err
}
