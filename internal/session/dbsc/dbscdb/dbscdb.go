// Package dbscdb owns the table of sessions that are bound to browsers. It implements dbsc.Store.
package dbscdb

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session/dbsc"
)

// Migrations makes the table.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "dbsc/0001", Tenanted: []string{"session_bindings"}, SQL: `
CREATE TABLE session_bindings (
	account_id TEXT NOT NULL,
	id TEXT NOT NULL,
	root_id TEXT NOT NULL,
	public_key TEXT NOT NULL,
	thumbprint TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	uses BIGINT NOT NULL,
	cookie_hash BYTEA NOT NULL,
	cookie_until BIGINT NOT NULL,
	former_hash BYTEA NOT NULL,
	former_until BIGINT NOT NULL,
	refused_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id),
	UNIQUE (account_id, root_id));
CREATE INDEX session_bindings_expires ON session_bindings (expires_at);`}}
}

// Store implements dbsc.Store. The zero value is ready and assumes nothing.
type Store struct {
	bound *sqldb.Seldom // the chains that have a binding
}

// NewStore makes one that assumes of a chain that it has no binding, until it finds one.
func NewStore() Store { return Store{sqldb.NewSeldom()} }

const columns = `account_id, id, root_id, public_key, created_at, expires_at, uses, cookie_hash, cookie_until, former_hash, former_until`

var errBound = fault.New(fault.Conflict, fault.CodeConflict, "The session is bound already.")

// Insert implements dbsc.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, b dbsc.Binding) error {
	key, err := json.Marshal(b.Key)
	if err != nil {
		return err
	}
	n, err := sqldb.From(t).Exec(ctx, `
INSERT INTO session_bindings (`+columns+`, thumbprint, refused_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0)
ON CONFLICT DO NOTHING`,
		string(b.Account), b.ID, string(b.Root), string(key), sqldb.Micros(b.Created), sqldb.Micros(b.Expires), b.Uses,
		b.Cookie.Hash, sqldb.Micros(b.Cookie.Until), bytes(b.Former.Hash), sqldb.Micros(b.Former.Until), b.Key.Thumbprint())
	if err == nil && n == 0 {
		return errBound
	}
	return err
}

// bytes is never nil, which would be no value.
func bytes(b []byte) []byte { return append([]byte{}, b...) }

// ByID implements dbsc.Store.
func (Store) ByID(ctx context.Context, t tx.Tx, account ident.AccountID, id string) (dbsc.Binding, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM session_bindings WHERE account_id = $1 AND id = $2 AND expires_at > $3`,
		string(account), id, sqldb.Micros(t.Now()))
}

// ByRoot implements dbsc.Store.
func (s Store) ByRoot(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID) (dbsc.Binding, error) {
	const from = ` FROM session_bindings WHERE account_id = $1 AND root_id = $2 AND expires_at > $3`
	q, args := sqldb.From(t), []any{string(account), string(root), sqldb.Micros(t.Now())}
	if nothing, err := s.bound.Nothing(ctx, q, string(account)+" "+string(root), `SELECT 1`+from, args...); err != nil || nothing {
		return dbsc.Binding{}, cmp.Or(err, error(sqldb.ErrNotFound))
	}
	return sqldb.One(ctx, q, scan, `SELECT `+columns+from, args...)
}

// Refresh implements dbsc.Store.
func (Store) Refresh(ctx context.Context, t tx.Tx, b dbsc.Binding) error {
	n, err := sqldb.From(t).Exec(ctx, `
UPDATE session_bindings SET uses = uses + 1, cookie_hash = $6, cookie_until = $7, former_hash = $8, former_until = $9
WHERE account_id = $1 AND id = $2 AND root_id = $3 AND thumbprint = $4 AND uses = $5 AND expires_at > $10`,
		string(b.Account), b.ID, string(b.Root), b.Key.Thumbprint(), b.Uses,
		b.Cookie.Hash, sqldb.Micros(b.Cookie.Until), bytes(b.Former.Hash), sqldb.Micros(b.Former.Until), sqldb.Micros(t.Now()))
	if err == nil && n == 0 {
		return sqldb.ErrNotFound
	}
	return err
}

// Extend implements dbsc.Store.
func (Store) Extend(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID, expires time.Time) error {
	_, err := sqldb.From(t).Exec(ctx, `UPDATE session_bindings SET expires_at = $3 WHERE account_id = $1 AND root_id = $2 AND expires_at > $4 AND expires_at < $3`,
		string(account), string(root), sqldb.Micros(expires), sqldb.Micros(t.Now()))
	return err
}

// Refused implements dbsc.Store.
func (Store) Refused(ctx context.Context, t tx.Tx, account ident.AccountID, id string) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `UPDATE session_bindings SET refused_at = $3 WHERE account_id = $1 AND id = $2 AND refused_at <= $4`,
		string(account), id, sqldb.Micros(t.Now()), sqldb.Micros(t.Now().Add(-dbsc.RefusalEvery)))
	return n > 0, err
}

// Purge implements dbsc.Store.
func (Store) Purge(ctx context.Context, t tx.Tx, limit int) (int64, error) {
	return sqldb.From(t).Exec(ctx, `DELETE FROM session_bindings WHERE (account_id, id) IN (
	SELECT account_id, id FROM session_bindings WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, sqldb.Micros(t.Now()), limit)
}

func scan(r sqldb.Row) (dbsc.Binding, error) {
	var b dbsc.Binding
	var key string
	var created, expires, until, former int64
	if err := r.Scan(&b.Account, &b.ID, &b.Root, &key, &created, &expires, &b.Uses, &b.Cookie.Hash, &until, &b.Former.Hash, &former); err != nil {
		return b, err
	}
	b.Created, b.Expires, b.Cookie.Until = sqldb.Time(created), sqldb.Time(expires), sqldb.Time(until)
	if len(b.Former.Hash) > 0 {
		b.Former.Until = sqldb.Time(former)
	}
	var err error
	if b.Key, err = jose.ParseJWK([]byte(key)); err != nil {
		return b, fmt.Errorf("key of binding %s: %w", b.ID, err)
	}
	return b, nil
}
