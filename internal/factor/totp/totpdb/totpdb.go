// Package totpdb owns the tables of authenticator apps and of those that wait for their first code. It
// implements totp.Store and totp.PendingStore.
package totpdb

import (
	"context"

	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations makes the tables.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "totp/0001", Tenanted: []string{"totp_devices", "totp_pending"}, SQL: `
CREATE TABLE totp_devices (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	slot BIGINT NOT NULL,
	device_id TEXT NOT NULL,
	name TEXT NOT NULL,
	seed BYTEA NOT NULL,
	last_step BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	last_used_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, user_id, slot),
	UNIQUE (account_id, device_id));
CREATE TABLE totp_pending (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	binding_hash BYTEA NOT NULL,
	device_id TEXT NOT NULL,
	seed BYTEA NOT NULL,
	attempts BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, user_id, binding_hash));
CREATE INDEX totp_pending_expires ON totp_pending (expires_at);`}}
}

// Store implements totp.Store. The zero value is ready.
type Store struct{}

// Insert implements totp.Store. The slots bound how many there are, however many come at once.
func (Store) Insert(ctx context.Context, t tx.Tx, d totp.Stored) (bool, error) {
	for slot := range totp.MaxHeld {
		n, err := sqldb.From(t).Exec(ctx, `
INSERT INTO totp_devices (account_id, user_id, slot, device_id, name, seed, last_step, created_at, last_used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)
ON CONFLICT (account_id, user_id, slot) DO NOTHING`,
			string(d.Account), string(d.User), slot, d.ID, d.Name, d.Sealed, d.LastStep, sqldb.Micros(d.CreatedAt))
		if err != nil || n == 1 {
			return n == 1, err
		}
	}
	return false, nil
}

// List implements totp.Store.
func (Store) List(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]totp.Stored, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `
SELECT account_id, user_id, device_id, name, seed, last_step, created_at, last_used_at FROM totp_devices
WHERE account_id = $1 AND user_id = $2 ORDER BY created_at, device_id`, string(account), string(user))
}

func scan(r sqldb.Row) (totp.Stored, error) {
	var d totp.Stored
	var created, used int64
	err := r.Scan(&d.Account, &d.User, &d.ID, &d.Name, &d.Sealed, &d.LastStep, &created, &used)
	d.CreatedAt, d.LastUsedAt = sqldb.Time(created), sqldb.Time(used)
	return d, err
}

// Use implements totp.Store.
func (Store) Use(ctx context.Context, t tx.Tx, d totp.Device, step int64) error {
	return one(sqldb.From(t).Exec(ctx, `
UPDATE totp_devices SET last_step = $4, last_used_at = $5
WHERE account_id = $1 AND user_id = $2 AND device_id = $3 AND last_step < $4`,
		string(d.Account), string(d.User), d.ID, step, sqldb.Micros(t.Now())))
}

// Rename implements totp.Store.
func (Store) Rename(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, id, name string) error {
	return one(sqldb.From(t).Exec(ctx, `UPDATE totp_devices SET name = $4 WHERE account_id = $1 AND user_id = $2 AND device_id = $3`,
		string(account), string(user), id, name))
}

// Remove implements totp.Store.
func (Store) Remove(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, id string) error {
	return one(sqldb.From(t).Exec(ctx, `DELETE FROM totp_devices WHERE account_id = $1 AND user_id = $2 AND device_id = $3`,
		string(account), string(user), id))
}

// Forget implements totp.Store.
func (Store) Forget(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (int64, error) {
	if _, err := sqldb.From(t).Exec(ctx, `DELETE FROM totp_pending WHERE account_id = $1 AND user_id = $2`, string(account), string(user)); err != nil {
		return 0, err
	}
	return sqldb.From(t).Exec(ctx, `DELETE FROM totp_devices WHERE account_id = $1 AND user_id = $2`, string(account), string(user))
}

// one turns the number of rows of a statement that must touch one into an error.
func one(n int64, err error) error {
	if err == nil && n == 0 {
		return sqldb.ErrNotFound
	}
	return err
}
