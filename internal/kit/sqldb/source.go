package sqldb

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Head implements feed.Source.
func (d *DB) Head(ctx context.Context) (last, oldest int64, err error) {
	err = d.read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		if last, err = One(ctx, From(t), Scalar[int64], `SELECT rev FROM feed_head WHERE id = 1`); err != nil {
			return err
		}
		oldest, err = One(ctx, From(t), Scalar[int64], `SELECT COALESCE(MIN(rev), 0) FROM feed_changes`)
		return err
	})
	return last, oldest, err
}

// Since implements feed.Source.
func (d *DB) Since(ctx context.Context, rev int64, limit int) (out []feed.Change, err error) {
	err = d.read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		out, err = List(ctx, From(t), scanChange,
			`SELECT rev, account_id, kind, key, at FROM feed_changes WHERE rev > $1 ORDER BY rev LIMIT $2`, rev, limit)
		return err
	})
	return out, err
}

func scanChange(r Row) (feed.Change, error) {
	var c feed.Change
	var account string
	var at int64
	err := r.Scan(&c.Rev, &account, &c.Kind, &c.Key, &at)
	c.Account, c.At = ident.AccountID(account), Time(at)
	return c, err
}

// TrimFeed forgets changes older than before, but keeps the newest one, so that a gap
// can be told from an empty feed. Followers that missed them load everything again.
func (d *DB) TrimFeed(ctx context.Context, before time.Time) error {
	_, err := d.write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		_, err := From(t).Exec(ctx, `DELETE FROM feed_changes WHERE at < $1 AND rev < (SELECT rev FROM feed_head WHERE id = 1)`, Micros(before))
		return err
	})
	return err
}

// SyncClock measures how far the database's clock is from this machine's and corrects c,
// so that expiry means the same on every node. SQLite has no clock of its own.
func (d *DB) SyncClock(ctx context.Context, c *clock.System) error {
	if d.dialect != Postgres {
		return nil
	}
	return d.read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		return c.Compare(func() (time.Time, error) {
			micros, err := One(ctx, From(t), Scalar[int64], `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`)
			return Time(micros), err
		})
	})
}

var _ feed.Source = (*DB)(nil)
var _ tx.Runner = (*DB)(nil)

// Revision returns the number of the last change in the feed as the unit of work sees it.
func Revision(ctx context.Context, t *Tx) (int64, error) {
	return One(ctx, t, Scalar[int64], `SELECT rev FROM feed_head WHERE id = 1`)
}

// ChangedSince tells whether the feed, as the unit of work sees it, has a change of the kind in
// the account after rev.
func ChangedSince(ctx context.Context, t *Tx, account ident.AccountID, kind string, rev int64) (bool, error) {
	found, err := List(ctx, t, Scalar[int64],
		`SELECT rev FROM feed_changes WHERE rev > $1 AND account_id = $2 AND kind = $3 ORDER BY rev LIMIT 1`, rev, string(account), kind)
	return len(found) > 0, err
}
