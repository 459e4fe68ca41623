// Package linkdb owns the table of changed addresses. It implements link.Store.
package linkdb

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login/link"
)

// Migrations makes the table.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "link/0001", Tenanted: []string{"address_changes"}, SQL: `
CREATE TABLE address_changes (
	account_id TEXT NOT NULL,
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	from_address TEXT NOT NULL,
	to_address TEXT NOT NULL,
	undo_hash BYTEA NOT NULL,
	at BIGINT NOT NULL,
	until BIGINT NOT NULL,
	PRIMARY KEY (account_id, id),
	UNIQUE (account_id, undo_hash));
CREATE INDEX address_changes_from ON address_changes (account_id, from_address);
CREATE INDEX address_changes_user ON address_changes (account_id, user_id);
CREATE INDEX address_changes_until ON address_changes (until);`}}
}

// Store implements link.Store. The zero value is ready.
type Store struct{}

const columns = `account_id, id, user_id, from_address, to_address, undo_hash, at, until`

// Insert implements link.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, c link.Change) error {
	_, err := sqldb.From(t).Exec(ctx, `INSERT INTO address_changes (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		string(c.Account), c.ID, string(c.User), c.From, c.To, c.Undo, sqldb.Micros(c.At), sqldb.Micros(c.Until))
	return err
}

const alive = ` WHERE account_id = $1 AND undo_hash = $2 AND until > $3`

// Look implements link.Store.
func (Store) Look(ctx context.Context, t tx.Tx, account ident.AccountID, undo []byte) (link.Change, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM address_changes`+alive, string(account), undo, sqldb.Micros(t.Now()))
}

// Take implements link.Store.
func (Store) Take(ctx context.Context, t tx.Tx, account ident.AccountID, undo []byte) (link.Change, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `UPDATE address_changes SET until = 0`+alive+` RETURNING `+columns, string(account), undo, sqldb.Micros(t.Now()))
}

// Reserved implements link.Store.
func (Store) Reserved(ctx context.Context, t tx.Tx, account ident.AccountID, address string) (ident.UserID, error) {
	found, err := sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[ident.UserID],
		`SELECT user_id FROM address_changes WHERE account_id = $1 AND from_address = $2 AND until > $3 ORDER BY at LIMIT 1`,
		string(account), address, sqldb.Micros(t.Now()))
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

// Void implements link.Store.
func (Store) Void(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, after time.Time) error {
	_, err := sqldb.From(t).Exec(ctx, `UPDATE address_changes SET until = 0 WHERE account_id = $1 AND user_id = $2 AND at >= $3`,
		string(account), string(user), sqldb.Micros(after))
	return err
}

// Purge implements link.Store.
func (Store) Purge(ctx context.Context, t tx.Tx, limit int) (int64, error) {
	return sqldb.From(t).Exec(ctx, `DELETE FROM address_changes WHERE (account_id, id) IN (
	SELECT account_id, id FROM address_changes WHERE until <= $1 LIMIT $2)`, sqldb.Micros(t.Now()), limit)
}

func scan(r sqldb.Row) (link.Change, error) {
	var c link.Change
	var at, until int64
	err := r.Scan(&c.Account, &c.ID, &c.User, &c.From, &c.To, &c.Undo, &at, &until)
	c.At, c.Until = sqldb.Time(at), sqldb.Time(until)
	return c, err
}
