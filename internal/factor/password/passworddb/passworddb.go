// Package passworddb owns the table of passwords. It implements password.Store.
package passworddb

import (
	"context"

	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations makes the table.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "password/0001", Tenanted: []string{"passwords"}, SQL: `
CREATE TABLE passwords (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	version TEXT NOT NULL,
	hash BYTEA NOT NULL,
	set_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, user_id));`},
		{ID: "password/0002", SQL: `ALTER TABLE passwords ADD COLUMN short BOOLEAN NOT NULL DEFAULT FALSE;`}}
}

// Store implements password.Store. The zero value is ready.
type Store struct{}

const insert = `INSERT INTO passwords (account_id, user_id, version, hash, set_at, used_at, short) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account_id, user_id) DO `

func values(k password.Kept) []any {
	return []any{string(k.Account), string(k.User), k.Version, k.Sealed, sqldb.Micros(k.SetAt), sqldb.Micros(k.UsedAt), k.Short}
}

// Put implements password.Store.
func (Store) Put(ctx context.Context, t tx.Tx, k password.Kept) error {
	_, err := sqldb.From(t).Exec(ctx, insert+`UPDATE SET version = $3, hash = $4, set_at = $5, used_at = $6, short = $7`, values(k)...)
	return err
}

// Insert implements password.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, k password.Kept) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, insert+`NOTHING`, values(k)...)
	return n == 1, err
}

// Get implements password.Store.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (password.Kept, error) {
	return sqldb.One(ctx, sqldb.From(t), func(r sqldb.Row) (password.Kept, error) {
		var k password.Kept
		var set, used int64
		err := r.Scan(&k.Account, &k.User, &k.Version, &k.Sealed, &set, &used, &k.Short)
		k.SetAt, k.UsedAt = sqldb.Time(set), sqldb.Time(used)
		return k, err
	}, `SELECT account_id, user_id, version, hash, set_at, used_at, short FROM passwords WHERE account_id = $1 AND user_id = $2`, string(account), string(user))
}

// Replace implements password.Store.
func (Store) Replace(ctx context.Context, t tx.Tx, old, next password.Kept) error {
	return one(sqldb.From(t).Exec(ctx, `UPDATE passwords SET version = $3, hash = $4, set_at = $5, used_at = $6, short = $7
WHERE account_id = $1 AND user_id = $2 AND version = $8`, append(values(next), old.Version)...))
}

// Remove implements password.Store.
func (Store) Remove(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) error {
	return one(sqldb.From(t).Exec(ctx, `DELETE FROM passwords WHERE account_id = $1 AND user_id = $2`, string(account), string(user)))
}

func one(n int64, err error) error {
	if err == nil && n == 0 {
		return sqldb.ErrNotFound
	}
	return err
}
