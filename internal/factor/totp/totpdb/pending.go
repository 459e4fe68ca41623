package totpdb

import (
	"context"

	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Pending implements totp.PendingStore. The zero value is ready.
type Pending struct{}

const columns = `account_id, user_id, binding_hash, device_id, seed, attempts, expires_at`

// Put implements totp.PendingStore.
func (Pending) Put(ctx context.Context, t tx.Tx, p totp.Pending) error {
	_, err := sqldb.From(t).Exec(ctx, `
INSERT INTO totp_pending (`+columns+`) VALUES ($1, $2, $3, $4, $5, 0, $6)
ON CONFLICT (account_id, user_id, binding_hash) DO UPDATE SET device_id = $4, seed = $5, attempts = 0, expires_at = $6`,
		string(p.Account), string(p.User), p.Binding, p.ID, p.Sealed, sqldb.Micros(p.ExpiresAt))
	return err
}

// Get implements totp.PendingStore.
func (Pending) Get(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, binding []byte) (totp.Pending, error) {
	return sqldb.One(ctx, sqldb.From(t), scanPending, `SELECT `+columns+` FROM totp_pending
WHERE account_id = $1 AND user_id = $2 AND binding_hash = $3 AND attempts < $4 AND expires_at > $5`,
		string(account), string(user), binding, totp.Attempts, sqldb.Micros(t.Now()))
}

// Count implements totp.PendingStore.
func (Pending) Count(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, binding []byte) (totp.Pending, error) {
	return sqldb.One(ctx, sqldb.From(t), scanPending, `UPDATE totp_pending SET attempts = attempts + 1
WHERE account_id = $1 AND user_id = $2 AND binding_hash = $3 AND attempts < $4 AND expires_at > $5 RETURNING `+columns,
		string(account), string(user), binding, totp.Attempts, sqldb.Micros(t.Now()))
}

// Consume implements totp.PendingStore.
func (Pending) Consume(ctx context.Context, t tx.Tx, p totp.Pending) error {
	return one(sqldb.From(t).Exec(ctx, `DELETE FROM totp_pending
WHERE account_id = $1 AND user_id = $2 AND binding_hash = $3 AND device_id = $4 AND attempts <= $5 AND expires_at > $6`,
		string(p.Account), string(p.User), p.Binding, p.ID, totp.Attempts, sqldb.Micros(t.Now())))
}

// Purge implements totp.PendingStore.
func (Pending) Purge(ctx context.Context, t tx.Tx, limit int) (int64, error) {
	return sqldb.From(t).Exec(ctx, `DELETE FROM totp_pending WHERE (account_id, user_id, binding_hash) IN (
	SELECT account_id, user_id, binding_hash FROM totp_pending WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		sqldb.Micros(t.Now()), limit)
}

func scanPending(r sqldb.Row) (totp.Pending, error) {
	var p totp.Pending
	var expires int64
	err := r.Scan(&p.Account, &p.User, &p.Binding, &p.ID, &p.Sealed, &p.Attempts, &expires)
	p.ExpiresAt = sqldb.Time(expires)
	return p, err
}
