// Package sessiondb owns the tables of sessions. It implements session.Store.
package sessiondb

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// Migrations makes the tables.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "session/0001", Tenanted: []string{"sessions", "session_user_cuts"}, SQL: `
CREATE TABLE sessions (
	account_id TEXT NOT NULL,
	id TEXT NOT NULL,
	root_id TEXT NOT NULL,
	cookie_hash BYTEA NOT NULL,
	user_id TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	evidence TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	last_seen BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	absolute_expiry BIGINT NOT NULL,
	replaced_at BIGINT NOT NULL,
	ended_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id),
	UNIQUE (account_id, cookie_hash));
CREATE INDEX sessions_root ON sessions (account_id, root_id);
CREATE INDEX sessions_user ON sessions (account_id, user_id);
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at > 0;
CREATE INDEX sessions_expires ON sessions (expires_at);
CREATE TABLE session_user_cuts (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (account_id, user_id));
CREATE INDEX session_user_cuts_at ON session_user_cuts (at);`},
		{ID: "session/0002", Tenanted: []string{"session_disabled_tokens"}, SQL: `
CREATE TABLE session_disabled_tokens (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	token_id TEXT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (account_id, user_id, token_id));
CREATE INDEX session_disabled_tokens_at ON session_disabled_tokens (at);`},
		{ID: "session/0003", Tenanted: []string{"session_ended_grants"}, SQL: `
CREATE TABLE session_ended_grants (
	account_id TEXT NOT NULL,
	id TEXT NOT NULL,
	at BIGINT NOT NULL,
	until BIGINT NOT NULL,
	PRIMARY KEY (account_id, id));
CREATE INDEX session_ended_grants_until ON session_ended_grants (until);`},
		{ID: "session/0004", SQL: `
ALTER TABLE sessions ADD COLUMN salt BYTEA;
ALTER TABLE sessions ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN confirmed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN rotated_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN late_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN late_next BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN late_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN applications TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN holder TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN aside_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX sessions_holder ON sessions (account_id, holder) WHERE holder <> '';`},
		{ID: "session/0005", SQLite: rebuilt, Postgres: rebuilt + `
ALTER TABLE sessions DROP CONSTRAINT sessions_account_id_cookie_hash_key;
CREATE UNIQUE INDEX sessions_cookie ON sessions (cookie_hash, account_id);`}}
}

// rebuilt has only the primary key begin with the account: of a table that it has not looked at yet,
// PostgreSQL cannot tell such indexes apart, and would read all of an account's sessions to find one by its id.
const rebuilt = `
DROP INDEX sessions_root;
DROP INDEX sessions_user;
CREATE INDEX sessions_root ON sessions (root_id, account_id);
CREATE INDEX sessions_user ON sessions (user_id, account_id);`

// Store implements session.Store. The zero value is ready.
type Store struct{}

const columns = `account_id, id, root_id, user_id, connection_id, evidence, created_at, last_seen, expires_at, absolute_expiry,
	salt, version, confirmed, rotated_at, late_from, late_next, late_since, device, address, applications, aside_at`

// Insert implements session.Store. The hash is of cookies from before they were computed; others take
// the place of one by the session's id, which is none.
func (Store) Insert(ctx context.Context, t tx.Tx, s session.Session) error {
	evidence, err := json.Marshal(s.Evidence)
	if err != nil {
		return err
	}
	r := s.Rotation
	_, err = sqldb.From(t).Exec(ctx, `INSERT INTO sessions (`+columns+`, cookie_hash, replaced_at, ended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, 0, $21, 0, 0)`,
		string(s.Account), string(s.ID), string(s.Root), string(s.User), string(s.Connection), string(evidence),
		sqldb.Micros(s.CreatedAt), sqldb.Micros(s.LastSeen), sqldb.Micros(s.ExpiresAt), sqldb.Micros(s.AbsoluteExpiry),
		r.Salt, r.Version, r.Confirmed, sqldb.Micros(r.At), r.LateFrom, r.LateNext, sqldb.Micros(r.LateSince),
		s.Device, s.Address, strings.Join(s.Applications, " "), []byte(s.ID))
	return err
}

// alive is what every session that is used must be, with the time as $1 and the account as $2.
const alive = ` account_id = $2 AND ended_at = 0 AND replaced_at = 0 AND expires_at > $1 AND absolute_expiry > $1`

// ByCookie implements session.Store.
func (Store) ByCookie(ctx context.Context, t tx.Tx, account ident.AccountID, p session.Presented) (session.Session, error) {
	if p.ID == "" {
		return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM sessions WHERE`+alive+` AND cookie_hash = $3 AND aside_at = 0`,
			sqldb.Micros(t.Now()), string(account), p.Hash)
	}
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM sessions WHERE`+alive+` AND id = $3 AND salt = $4 AND aside_at = 0`,
		sqldb.Micros(t.Now()), string(account), string(p.ID), p.Salt)
}

// ByID implements session.Store.
func (Store) ByID(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID) (session.Session, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, byID, string(account), string(id), sqldb.Micros(t.Now()))
}

const byID = `SELECT ` + columns + isAlive

const isAlive = ` FROM sessions
WHERE account_id = $1 AND id = $2 AND ended_at = 0 AND expires_at > $3 AND absolute_expiry > $3`

// Alive implements session.TokenStore. SQLite has one writer, who need not wait for others.
func (Store) Alive(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID, hold bool) (bool, error) {
	q := sqldb.From(t)
	query := `SELECT 1` + isAlive
	if hold && q.Dialect() == sqldb.Postgres {
		query += ` FOR SHARE`
	}
	return q.Assume(ctx, query, string(account), string(id), sqldb.Micros(t.Now()))
}

// Chain implements session.TokenStore.
func (Store) Chain(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID) (session.Session, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM sessions
WHERE account_id = $1 AND root_id = $2 AND ended_at = 0 AND replaced_at = 0 AND expires_at > $3 AND absolute_expiry > $3`,
		string(account), string(root), sqldb.Micros(t.Now()))
}

// Replace implements session.Store.
func (Store) Replace(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID) error {
	n, err := sqldb.From(t).Exec(ctx, `UPDATE sessions SET replaced_at = $3 WHERE account_id = $1 AND id = $2 AND ended_at = 0 AND replaced_at = 0`,
		string(account), string(id), sqldb.Micros(t.Now()))
	return found(n, err)
}

// Touch implements session.Store.
func (Store) Touch(ctx context.Context, t tx.Tx, u session.Used) error {
	n, err := sqldb.From(t).Exec(ctx, `UPDATE sessions SET last_seen = $1, expires_at = $4, confirmed = CASE WHEN version = $5 THEN version ELSE confirmed END
WHERE`+alive+` AND id = $3 AND absolute_expiry >= $4`, sqldb.Micros(t.Now()), string(u.Account), string(u.ID), sqldb.Micros(u.ExpiresAt), u.Version)
	return found(n, err)
}

// End implements session.Store.
func (Store) End(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID) ([]ident.SessionID, error) {
	return endAll(ctx, sqldb.From(t), `UPDATE sessions SET ended_at = $3 WHERE account_id = $1 AND root_id = $2 AND ended_at = 0 RETURNING id`,
		string(account), string(root), sqldb.Micros(t.Now()))
}

// endAll runs a statement that ends sessions until it finds none. On PostgreSQL a statement does not see what
// is committed while it waits for the lock on a row: the session that was just being made to go on from that row
// is the next statement's. Nothing goes on from a session that this unit of work has ended, so that none is left
// when one finds none. SQLite has one writer, who waits for nobody.
func endAll(ctx context.Context, q *sqldb.Tx, statement string, args ...any) (ended []ident.SessionID, err error) {
	for {
		more, err := sqldb.List(ctx, q, sqldb.Scalar[ident.SessionID], statement, args...)
		if ended = append(ended, more...); err != nil || len(more) == 0 || q.Dialect() != sqldb.Postgres {
			return ended, err
		}
	}
}

// EndUser implements session.Store.
func (Store) EndUser(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]ident.SessionID, error) {
	q, now := sqldb.From(t), sqldb.Micros(t.Now())
	ended, err := endAll(ctx, q, `UPDATE sessions SET ended_at = $3 WHERE account_id = $1 AND user_id = $2 AND ended_at = 0 RETURNING id`,
		string(account), string(user), now)
	if err != nil {
		return nil, err
	}
	_, err = q.Exec(ctx, `INSERT INTO session_user_cuts (account_id, user_id, at) VALUES ($1, $2, $3)
ON CONFLICT (account_id, user_id) DO UPDATE SET at = $3`, string(account), string(user), now)
	return ended, err
}

// EndSome implements session.TokenStore. When fewer than the limit are found, it looks again: see endAll.
func (Store) EndSome(ctx context.Context, t tx.Tx, account ident.AccountID, limit int) (n int, err error) {
	q, now := sqldb.From(t), sqldb.Micros(t.Now())
	for more := int64(1); more > 0 && n < limit; n += int(more) {
		if more, err = q.Exec(ctx, `UPDATE sessions SET ended_at = $2 WHERE account_id = $1 AND id IN (
	SELECT id FROM sessions WHERE account_id = $1 AND ended_at = 0 LIMIT $3)`, string(account), now, limit-n); err != nil {
			return 0, err
		}
	}
	_, err = q.Exec(ctx, `INSERT INTO session_user_cuts (account_id, user_id, at) VALUES ($1, $2, $3)
ON CONFLICT (account_id, user_id) DO UPDATE SET at = $3`, string(account), session.Everybody, now)
	return n, err
}

// EndGrant implements session.TokenStore.
func (Store) EndGrant(ctx context.Context, t tx.Tx, g session.EndedGrant) error {
	_, err := sqldb.From(t).Exec(ctx, `INSERT INTO session_ended_grants (account_id, id, at, until) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, id) DO UPDATE SET at = $3, until = $4`, string(g.Account), g.ID, sqldb.Micros(g.At), sqldb.Micros(g.Until))
	return err
}

// DisableToken implements session.Store.
func (Store) DisableToken(ctx context.Context, t tx.Tx, d session.DisabledToken, limit int) (added, full bool, err error) {
	q, now := sqldb.From(t), sqldb.Micros(t.Now().Add(-2*session.MaxTokenLife))
	args := []any{string(d.Account), string(d.User), d.ID, sqldb.Micros(d.At)}
	if err := q.Alone(ctx, "session_disabled_tokens", string(d.Account)+" "+string(d.User)); err != nil {
		return false, false, err
	}
	n, err := q.Exec(ctx, `INSERT INTO session_disabled_tokens (account_id, user_id, token_id, at)
SELECT $1, $2, $3, $4 WHERE (
	SELECT count(*) FROM session_disabled_tokens o WHERE o.account_id = $1 AND o.user_id = $2 AND o.at >= $5) < $6
ON CONFLICT (account_id, user_id, token_id) DO NOTHING`, append(args, now, limit)...)
	if err != nil || n == 1 {
		return n == 1, false, err
	}
	there, err := sqldb.List(ctx, q, sqldb.Scalar[string], `SELECT token_id FROM session_disabled_tokens
WHERE account_id = $1 AND user_id = $2 AND token_id = $3`, args[:3]...)
	return false, len(there) == 0, err
}

// Purge implements session.Store.
func (Store) Purge(ctx context.Context, t tx.Tx, before time.Time, limit int) (int64, error) {
	q, b := sqldb.From(t), sqldb.Micros(before)
	n, err := q.Exec(ctx, `DELETE FROM sessions WHERE (account_id, id) IN (
	SELECT account_id, id FROM sessions WHERE expires_at < $1 OR (ended_at > 0 AND ended_at < $1) LIMIT $2)`, b, limit)
	if err != nil {
		return 0, err
	}
	m, err := q.Exec(ctx, `DELETE FROM session_user_cuts WHERE (account_id, user_id) IN (
	SELECT account_id, user_id FROM session_user_cuts WHERE at < $1 LIMIT $2)`, b, limit)
	if err != nil {
		return n, err
	}
	d, err := q.Exec(ctx, `DELETE FROM session_disabled_tokens WHERE (account_id, user_id, token_id) IN (
	SELECT account_id, user_id, token_id FROM session_disabled_tokens WHERE at < $1 LIMIT $2)`, b, limit)
	if err != nil {
		return n + m, err
	}
	g, err := q.Exec(ctx, `DELETE FROM session_ended_grants WHERE (account_id, id) IN (
	SELECT account_id, id FROM session_ended_grants WHERE until < $1 LIMIT $2)`, sqldb.Micros(t.Now()), limit)
	return n + m + d + g, err
}

func found(n int64, err error) error {
	if err == nil && n == 0 {
		return sqldb.ErrNotFound
	}
	return err
}
