// Package followdb owns the SQL of following an account: its part of the change feed.
package followdb

import (
	"context"
	"strconv"

	"github.com/admit-id/admit/internal/access/follow"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store implements follow.Store.
type Store struct{}

var _ follow.Store = Store{}

// Since implements follow.Store.
func (Store) Since(ctx context.Context, t tx.Tx, q follow.Query) ([]feed.Change, follow.Window, error) {
	db := sqldb.From(t)
	w, err := sqldb.One(ctx, db, scanWindow, `
SELECT rev, (SELECT COALESCE(MIN(rev), 0) FROM feed_changes) FROM feed_head WHERE id = 1`)
	if err != nil || len(q.Kinds) == 0 {
		return nil, w, err
	}
	args := []any{q.After, string(q.Account), q.Limit}
	kinds := ""
	for i, kind := range q.Kinds {
		if i > 0 {
			kinds += ", "
		}
		args = append(args, kind)
		kinds += "$" + strconv.Itoa(len(args))
	}
	out, err := sqldb.List(ctx, db, scanChange, `
SELECT rev, account_id, kind, key, at FROM feed_changes
WHERE rev > $1 AND account_id = $2 AND kind IN (`+kinds+`) ORDER BY rev LIMIT $3`, args...)
	return out, w, err
}

func scanWindow(r sqldb.Row) (w follow.Window, err error) {
	err = r.Scan(&w.Last, &w.Oldest)
	return w, err
}

func scanChange(r sqldb.Row) (feed.Change, error) {
	var c feed.Change
	var at int64
	err := r.Scan(&c.Rev, &c.Account, &c.Kind, &c.Key, &at)
	c.At = sqldb.Time(at)
	return c, err
}
