// Package regaindb owns the table of delayed recoveries. It implements regain.Store.
package regaindb

import (
	"context"

	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations makes the table.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "regain/0001", Tenanted: []string{"recoveries"}, SQL: `
CREATE TABLE recoveries (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	recovery_id TEXT NOT NULL,
	requested_at BIGINT NOT NULL,
	ready_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, user_id),
	UNIQUE (account_id, recovery_id));
CREATE INDEX recoveries_expires ON recoveries (expires_at);`},
		{ID: "regain/0002", SQL: `ALTER TABLE recoveries ADD COLUMN granted BIGINT NOT NULL DEFAULT 0;`}}
}

// Store implements regain.Store. The zero value is ready.
type Store struct{}

const columns = `account_id, user_id, recovery_id, requested_at, ready_at, expires_at, granted`

// Insert implements regain.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, r regain.Recovery) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `
INSERT INTO recoveries (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account_id, user_id) DO UPDATE SET recovery_id = $3, requested_at = $4, ready_at = $5, expires_at = $6, granted = $7
WHERE recoveries.expires_at <= $4`,
		string(r.Account), string(r.User), r.ID, sqldb.Micros(r.RequestedAt), sqldb.Micros(r.ReadyAt), sqldb.Micros(r.ExpiresAt), flag(r.Granted))
	return n == 1, err
}

// Get implements regain.Store.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (regain.Recovery, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM recoveries WHERE account_id = $1 AND user_id = $2 AND expires_at > $3`,
		string(account), string(user), sqldb.Micros(t.Now()))
}

// ByID implements regain.Store.
func (Store) ByID(ctx context.Context, t tx.Tx, account ident.AccountID, id string) (regain.Recovery, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM recoveries WHERE account_id = $1 AND recovery_id = $2 AND expires_at > $3`,
		string(account), id, sqldb.Micros(t.Now()))
}

// End implements regain.Store.
func (Store) End(ctx context.Context, t tx.Tx, r regain.Recovery) error {
	return one(sqldb.From(t).Exec(ctx, `DELETE FROM recoveries WHERE account_id = $1 AND user_id = $2 AND recovery_id = $3 AND expires_at > $4`,
		string(r.Account), string(r.User), r.ID, sqldb.Micros(t.Now())))
}

// Finish implements regain.Store.
func (Store) Finish(ctx context.Context, t tx.Tx, r regain.Recovery) error {
	return one(sqldb.From(t).Exec(ctx, `DELETE FROM recoveries
WHERE account_id = $1 AND user_id = $2 AND recovery_id = $3 AND ready_at <= $4 AND expires_at > $4`,
		string(r.Account), string(r.User), r.ID, sqldb.Micros(t.Now())))
}

// Forget implements regain.Store.
func (Store) Forget(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) error {
	_, err := sqldb.From(t).Exec(ctx, `DELETE FROM recoveries WHERE account_id = $1 AND user_id = $2`, string(account), string(user))
	return err
}

// Purge implements regain.Store.
func (Store) Purge(ctx context.Context, t tx.Tx, limit int) (int64, error) {
	return sqldb.From(t).Exec(ctx, `DELETE FROM recoveries WHERE (account_id, user_id) IN (
	SELECT account_id, user_id FROM recoveries WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, sqldb.Micros(t.Now()), limit)
}

func scan(r sqldb.Row) (regain.Recovery, error) {
	var v regain.Recovery
	var requested, ready, expires, granted int64
	err := r.Scan(&v.Account, &v.User, &v.ID, &requested, &ready, &expires, &granted)
	v.RequestedAt, v.ReadyAt, v.ExpiresAt = sqldb.Time(requested), sqldb.Time(ready), sqldb.Time(expires)
	v.Granted = granted != 0
	return v, err
}

func flag(set bool) int {
	if set {
		return 1
	}
	return 0
}

func one(n int64, err error) error {
	if err == nil && n == 0 {
		return sqldb.ErrNotFound
	}
	return err
}
