// Package recoverydb owns the table of recovery codes. It implements recovery.Store.
package recoverydb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations makes the table.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "recovery/0001", Tenanted: []string{"recovery_codes"}, SQL: `
CREATE TABLE recovery_codes (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	slot BIGINT NOT NULL,
	code_mac BYTEA NOT NULL,
	created_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, user_id, slot));`}}
}

// Store implements recovery.Store. The zero value is ready.
type Store struct{}

// Put implements recovery.Store. Each code has a slot, so that of two sets that are made at once only one
// is left: whoever is second waits at the first slot and then overwrites all.
func (Store) Put(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, macs [][]byte) error {
	args := []any{string(account), string(user), sqldb.Micros(t.Now())}
	rows := make([]string, len(macs))
	for slot, mac := range macs {
		args = append(args, mac)
		rows[slot] = fmt.Sprintf("($1, $2, %d, $%d, $3, 0)", slot, len(args))
	}
	if _, err := sqldb.From(t).Exec(ctx, `
INSERT INTO recovery_codes (account_id, user_id, slot, code_mac, created_at, used_at) VALUES `+strings.Join(rows, ", ")+`
ON CONFLICT (account_id, user_id, slot) DO UPDATE SET code_mac = excluded.code_mac, created_at = excluded.created_at, used_at = 0`,
		args...); err != nil {
		return err
	}
	_, err := sqldb.From(t).Exec(ctx, `DELETE FROM recovery_codes WHERE account_id = $1 AND user_id = $2 AND slot >= $3`,
		string(account), string(user), len(macs))
	return err
}

// Use implements recovery.Store.
func (Store) Use(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, mac []byte) error {
	n, err := sqldb.From(t).Exec(ctx, `
UPDATE recovery_codes SET used_at = $4 WHERE account_id = $1 AND user_id = $2 AND code_mac = $3 AND used_at = 0`,
		string(account), string(user), mac, sqldb.Micros(t.Now()))
	if err == nil && n == 0 {
		return sqldb.ErrNotFound
	}
	return err
}

// Left implements recovery.Store.
func (Store) Left(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (int, error) {
	return sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[int],
		`SELECT COUNT(*) FROM recovery_codes WHERE account_id = $1 AND user_id = $2 AND used_at = 0`, string(account), string(user))
}

// Made implements recovery.Store.
func (Store) Made(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (time.Time, error) {
	at, err := sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[int64],
		`SELECT COALESCE(MAX(created_at), 0) FROM recovery_codes WHERE account_id = $1 AND user_id = $2`, string(account), string(user))
	return sqldb.Time(at), err
}

// Forget implements recovery.Store.
func (s Store) Forget(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (int, error) {
	left, err := s.Left(ctx, t, account, user)
	if err != nil {
		return 0, err
	}
	_, err = sqldb.From(t).Exec(ctx, `DELETE FROM recovery_codes WHERE account_id = $1 AND user_id = $2`, string(account), string(user))
	return left, err
}
