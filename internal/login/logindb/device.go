package logindb

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login/remember"
)

// Browsers implements remember.Store. The zero value is ready.
type Browsers struct{}

const browserColumns = `account_id, user_id, id, name, created_at, expires_at`

// Add implements remember.Store.
func (Browsers) Add(ctx context.Context, t tx.Tx, b remember.Browser, hash []byte, keep int) error {
	q := sqldb.From(t)
	if _, err := q.Exec(ctx, `INSERT INTO login_devices (`+browserColumns+`, device_hash) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account_id, user_id, device_hash) DO UPDATE SET id = $3, name = $4, created_at = $5, expires_at = $6`,
		string(b.Account), string(b.User), b.ID, b.Name, sqldb.Micros(b.CreatedAt), sqldb.Micros(b.ExpiresAt), hash); err != nil {
		return err
	}
	_, err := q.Exec(ctx, `DELETE FROM login_devices WHERE account_id = $1 AND user_id = $2 AND id NOT IN (
	SELECT id FROM login_devices WHERE account_id = $1 AND user_id = $2 ORDER BY created_at DESC, id DESC LIMIT $3)`,
		string(b.Account), string(b.User), keep)
	return err
}

// Find implements remember.Store.
func (Browsers) Find(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, hash []byte) (remember.Browser, error) {
	return sqldb.One(ctx, sqldb.From(t), scanBrowser, `SELECT `+browserColumns+` FROM login_devices
WHERE account_id = $1 AND user_id = $2 AND device_hash = $3 AND expires_at > $4`, string(account), string(user), hash, sqldb.Micros(t.Now()))
}

// Move implements remember.Store.
func (Browsers) Move(ctx context.Context, t tx.Tx, account ident.AccountID, from, to []byte) error {
	_, err := sqldb.From(t).Exec(ctx, `UPDATE login_devices SET device_hash = $3 WHERE account_id = $1 AND device_hash = $2`, string(account), from, to)
	return err
}

// List implements remember.Store.
func (Browsers) List(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]remember.Browser, error) {
	return sqldb.List(ctx, sqldb.From(t), scanBrowser, `SELECT `+browserColumns+` FROM login_devices
WHERE account_id = $1 AND user_id = $2 AND expires_at > $3 ORDER BY created_at DESC, id DESC`, string(account), string(user), sqldb.Micros(t.Now()))
}

// Remove implements remember.Store.
func (Browsers) Remove(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, id string) error {
	ok, err := changed(sqldb.From(t).Exec(ctx, `DELETE FROM login_devices WHERE account_id = $1 AND user_id = $2 AND id = $3`, string(account), string(user), id))
	if err == nil && !ok {
		err = sqldb.ErrNotFound
	}
	return err
}

// Forget implements remember.Store.
func (Browsers) Forget(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (int64, error) {
	return sqldb.From(t).Exec(ctx, `DELETE FROM login_devices WHERE account_id = $1 AND user_id = $2`, string(account), string(user))
}

func scanBrowser(r sqldb.Row) (remember.Browser, error) {
	var b remember.Browser
	var created, expires int64
	err := r.Scan(&b.Account, &b.User, &b.ID, &b.Name, &created, &expires)
	b.CreatedAt, b.ExpiresAt = sqldb.Time(created), sqldb.Time(expires)
	return b, err
}
