package signaldb

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/signal"
)

// deliverable is the condition on events e of streams s: a paused stream waits, and a disabled one hears
// only that it is.
var deliverable = `(s.status = 'enabled' OR s.status = 'disabled' AND e.kind = ` + strconv.FormatInt(int64(signal.Updated), 10) + `)`

// Put implements signal.Queue.
func (Store) Put(ctx context.Context, t tx.Tx, e signal.Event) error {
	claims, err := json.Marshal(e.Claims)
	if err != nil {
		return err
	}
	return sqldb.From(t).Later(ctx, `INSERT INTO signal_events (account_id, stream_id, id, kind, user_id, session_id, claims, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		string(e.Account), e.Stream, e.ID, int64(e.Kind), string(e.User), string(e.Session), string(claims), sqldb.Micros(e.CreatedAt))
}

// Pending implements signal.Queue.
func (Store) Pending(ctx context.Context, t tx.Tx, s signal.Stream, limit int) ([]signal.Event, error) {
	return sqldb.List(ctx, sqldb.From(t), scanEvent, `SELECT e.account_id, e.stream_id, e.id, e.kind, e.user_id, e.session_id, e.claims, e.created_at
FROM signal_events e JOIN signal_streams s ON s.account_id = e.account_id AND s.id = e.stream_id
WHERE e.account_id = $1 AND e.stream_id = $2 AND s.client_id = $3 AND `+deliverable+` ORDER BY e.created_at, e.id LIMIT $4`,
		string(s.Account), s.ID, string(s.Client), limit)
}

// Forget implements signal.Queue.
func (Store) Forget(ctx context.Context, t tx.Tx, s signal.Stream, ids []string) (n int64, err error) {
	const many = 200 // parameters of one statement
	for len(ids) > 0 {
		some := ids[:min(many, len(ids))]
		ids = ids[len(some):]
		args, marks := []any{string(s.Account), s.ID}, make([]string, len(some))
		for i, id := range some {
			args, marks[i] = append(args, id), `$`+strconv.Itoa(i+3)
		}
		gone, err := sqldb.From(t).Exec(ctx, `DELETE FROM signal_events WHERE account_id = $1 AND stream_id = $2 AND id IN (`+strings.Join(marks, ", ")+`)`, args...)
		if err != nil {
			return n, err
		}
		n += gone
	}
	return n, nil
}

// Clear implements signal.Queue.
func (Store) Clear(ctx context.Context, t tx.Tx, s signal.Stream) error {
	_, err := sqldb.From(t).Exec(ctx, `DELETE FROM signal_events WHERE account_id = $1 AND stream_id = $2`, string(s.Account), s.ID)
	return err
}

var due = `s.method = '` + string(signal.Push) + `' AND s.next_at <= $1 AND EXISTS (
	SELECT 1 FROM signal_events e WHERE e.account_id = s.account_id AND e.stream_id = s.id AND ` + deliverable + `)`

// Due implements signal.Queue.
func (Store) Due(ctx context.Context, t tx.Tx) (bool, error) {
	found, err := sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[int64], `SELECT s.next_at FROM signal_streams s WHERE `+due+` LIMIT 1`, sqldb.Micros(t.Now()))
	return len(found) > 0, err
}

// Claim implements signal.Queue.
func (Store) Claim(ctx context.Context, t tx.Tx, until time.Time, limit int) ([]signal.Stream, error) {
	return sqldb.List(ctx, sqldb.From(t), scanStream, `UPDATE signal_streams SET next_at = $2 WHERE next_at <= $1 AND (account_id, id) IN (
	SELECT d.account_id, d.id FROM (
		SELECT s.account_id, s.id, s.next_at, row_number() OVER (PARTITION BY s.account_id ORDER BY s.next_at, s.id) AS place
		FROM signal_streams s WHERE `+due+`) d
	WHERE d.place <= $4 ORDER BY d.next_at, d.id LIMIT $3)
RETURNING `+columns, sqldb.Micros(t.Now()), sqldb.Micros(until), limit, signal.MaxClaimed)
}

// Settle implements signal.Queue.
func (Store) Settle(ctx context.Context, t tx.Tx, s signal.Stream, next time.Time) error {
	_, err := sqldb.From(t).Exec(ctx, `UPDATE signal_streams SET next_at = $4, failures = $5, failing_at = $6 WHERE account_id = $1 AND id = $2 AND next_at = $3`,
		string(s.Account), s.ID, sqldb.Micros(s.Leased), sqldb.Micros(next), s.Failures, sqldb.Micros(s.Failing))
	return err
}

// Overflowing implements signal.Queue.
func (Store) Overflowing(ctx context.Context, t tx.Tx, most int) ([]signal.Stream, error) {
	return sqldb.List(ctx, sqldb.From(t), scanStream, `SELECT `+columns+` FROM signal_streams WHERE status <> 'disabled' AND (account_id, id) IN (
	SELECT account_id, stream_id FROM signal_events GROUP BY account_id, stream_id HAVING count(*) > $1) ORDER BY account_id, id LIMIT 50`, most)
}

// Purge implements signal.Queue.
func (Store) Purge(ctx context.Context, t tx.Tx, before time.Time, limit int) (int64, error) {
	q := sqldb.From(t)
	n, err := q.Exec(ctx, `DELETE FROM signal_events WHERE (account_id, stream_id, id) IN (
	SELECT account_id, stream_id, id FROM signal_events WHERE created_at < $1 ORDER BY created_at LIMIT $2)`, sqldb.Micros(before), limit)
	if err != nil {
		return n, err
	}
	m, err := q.Exec(ctx, `DELETE FROM signal_events WHERE (account_id, stream_id, id) IN (
	SELECT e.account_id, e.stream_id, e.id FROM signal_events e WHERE NOT EXISTS (
		SELECT 1 FROM signal_streams s WHERE s.account_id = e.account_id AND s.id = e.stream_id AND (s.status <> 'disabled' OR `+deliverable+`)) LIMIT $1)`, limit)
	return n + m, err
}

func scanEvent(r sqldb.Row) (signal.Event, error) {
	var e signal.Event
	var claims string
	var created int64
	if err := r.Scan(&e.Account, &e.Stream, &e.ID, &e.Kind, &e.User, &e.Session, &claims, &created); err != nil {
		return e, err
	}
	e.CreatedAt = sqldb.Time(created)
	if err := json.Unmarshal([]byte(claims), &e.Claims); err != nil {
		return e, fmt.Errorf("the claims of event %s: %w", e.ID, err)
	}
	return e, nil
}
