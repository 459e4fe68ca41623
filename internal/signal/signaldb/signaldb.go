// Package signaldb owns the tables of streams and of what waits for their receivers. It implements
// signal.Streams and signal.Queue.
package signaldb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/signal"
)

// Migrations makes the tables.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "signal/0001", Tenanted: []string{"signal_streams", "signal_events"}, SQL: `
CREATE TABLE signal_streams (
	account_id TEXT NOT NULL,
	id TEXT NOT NULL,
	client_id TEXT NOT NULL,
	method TEXT NOT NULL,
	endpoint TEXT NOT NULL,
	header BYTEA NOT NULL,
	requested TEXT NOT NULL,
	kinds BIGINT NOT NULL,
	description TEXT NOT NULL,
	alg TEXT NOT NULL,
	status TEXT NOT NULL,
	reason TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	version BIGINT NOT NULL,
	verified_at BIGINT NOT NULL,
	next_at BIGINT NOT NULL,
	failures BIGINT NOT NULL,
	failing_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id));
CREATE INDEX signal_streams_due ON signal_streams (next_at);
CREATE TABLE signal_events (
	account_id TEXT NOT NULL,
	stream_id TEXT NOT NULL,
	id TEXT NOT NULL,
	kind BIGINT NOT NULL,
	user_id TEXT NOT NULL,
	session_id TEXT NOT NULL,
	claims TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, stream_id, id));
CREATE INDEX signal_events_order ON signal_events (account_id, stream_id, created_at, id);
CREATE INDEX signal_events_created ON signal_events (created_at);`}}
}

// Store implements signal.Streams and signal.Queue. The zero value is ready.
type Store struct{}

var (
	_ signal.Streams = Store{}
	_ signal.Queue   = Store{}
)

const columns = `account_id, id, client_id, method, endpoint, header, requested, kinds, description, alg, status, reason, created_at, version,
	next_at, failures, failing_at`

// Insert implements signal.Streams.
func (Store) Insert(ctx context.Context, t tx.Tx, s signal.Stream, perClient, perAccount int) (bool, error) {
	requested, err := json.Marshal(s.Requested)
	if err != nil {
		return false, err
	}
	q := sqldb.From(t)
	if err := q.Alone(ctx, "signal_streams", string(s.Account)); err != nil {
		return false, err
	}
	n, err := q.Exec(ctx, `INSERT INTO signal_streams (`+columns+`, verified_at)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, 0, 0, 0
		WHERE (SELECT count(*) FROM signal_streams o WHERE o.account_id = $1 AND o.client_id = $3) < $15
		AND (SELECT count(*) FROM signal_streams o WHERE o.account_id = $1) < $16`,
		string(s.Account), s.ID, string(s.Client), string(s.Method), s.Endpoint, header(s), string(requested), int64(s.Kinds), s.Description, s.Alg,
		string(s.Status), s.Reason, sqldb.Micros(s.CreatedAt), s.Version, perClient, perAccount)
	return n == 1, err
}

func header(s signal.Stream) []byte {
	if s.Header == nil {
		return []byte{}
	}
	return s.Header
}

// Get implements signal.Streams.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, client ident.ServiceClientID, id string) (signal.Stream, error) {
	return sqldb.One(ctx, sqldb.From(t), scanStream, `SELECT `+columns+` FROM signal_streams WHERE account_id = $1 AND client_id = $2 AND id = $3`,
		string(account), string(client), id)
}

// Of implements signal.Streams.
func (Store) Of(ctx context.Context, t tx.Tx, account ident.AccountID, client ident.ServiceClientID) ([]signal.Stream, error) {
	return sqldb.List(ctx, sqldb.From(t), scanStream, `SELECT `+columns+` FROM signal_streams WHERE account_id = $1 AND client_id = $2 ORDER BY created_at, id`,
		string(account), string(client))
}

// Update implements signal.Streams.
func (Store) Update(ctx context.Context, t tx.Tx, s signal.Stream) (bool, error) {
	requested, err := json.Marshal(s.Requested)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `UPDATE signal_streams SET method = $5, endpoint = $6, header = $7, requested = $8, kinds = $9, description = $10,
	alg = $11, status = $12, reason = $13, version = version + 1, next_at = 0, failures = 0, failing_at = 0
WHERE account_id = $1 AND client_id = $2 AND id = $3 AND version = $4`,
		string(s.Account), string(s.Client), s.ID, s.Version, string(s.Method), s.Endpoint, header(s), string(requested), int64(s.Kinds), s.Description,
		s.Alg, string(s.Status), s.Reason)
	return n == 1, err
}

// Remove implements signal.Streams.
func (Store) Remove(ctx context.Context, t tx.Tx, account ident.AccountID, client ident.ServiceClientID, id string) (int64, error) {
	q, args := sqldb.From(t), []any{string(account), string(client)}
	where := `account_id = $1 AND client_id = $2`
	if id != "" {
		where, args = where+` AND id = $3`, append(args, id)
	}
	if _, err := q.Exec(ctx, `DELETE FROM signal_events WHERE account_id = $1 AND stream_id IN (SELECT id FROM signal_streams WHERE `+where+`)`, args...); err != nil {
		return 0, err
	}
	return q.Exec(ctx, `DELETE FROM signal_streams WHERE `+where, args...)
}

// Verified implements signal.Streams.
func (Store) Verified(ctx context.Context, t tx.Tx, s signal.Stream, last time.Time) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `UPDATE signal_streams SET verified_at = $4 WHERE account_id = $1 AND client_id = $2 AND id = $3 AND verified_at <= $5`,
		string(s.Account), string(s.Client), s.ID, sqldb.Micros(t.Now()), sqldb.Micros(last))
	return n == 1, err
}

// Wanting implements signal.Streams.
func (Store) Wanting(ctx context.Context, t tx.Tx, account ident.AccountID, k signal.Kind) ([]signal.Stream, error) {
	return sqldb.List(ctx, sqldb.From(t), scanStream, `SELECT `+columns+` FROM signal_streams
WHERE account_id = $1 AND status <> 'disabled' AND (kinds & $2) <> 0 ORDER BY id`, string(account), int64(k))
}

func scanStream(r sqldb.Row) (signal.Stream, error) {
	var s signal.Stream
	var requested string
	var created, next, failing int64
	if err := r.Scan(&s.Account, &s.ID, &s.Client, &s.Method, &s.Endpoint, &s.Header, &requested, &s.Kinds, &s.Description, &s.Alg, &s.Status, &s.Reason,
		&created, &s.Version, &next, &s.Failures, &failing); err != nil {
		return s, err
	}
	s.CreatedAt, s.Leased, s.Failing = sqldb.Time(created), sqldb.Time(next), sqldb.Time(failing)
	if err := json.Unmarshal([]byte(requested), &s.Requested); err != nil {
		return s, fmt.Errorf("the events of stream %s: %w", s.ID, err)
	}
	return s, nil
}
