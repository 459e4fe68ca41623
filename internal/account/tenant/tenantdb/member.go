package tenantdb

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Members implements tenant.MemberStore. The zero value is ready.
type Members struct{}

const whereMember = ` WHERE account_id = $1 AND tenant_id = $2 AND user_id = $3`

// Add implements tenant.MemberStore.
func (Members) Add(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.TenantID, user ident.UserID) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `INSERT INTO tenant_users (account_id, tenant_id, user_id, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, tenant_id, user_id) DO NOTHING`, string(account), string(id), string(user), sqldb.Micros(t.Now()))
	return n == 1, err
}

// Remove implements tenant.MemberStore.
func (Members) Remove(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.TenantID, user ident.UserID) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `DELETE FROM tenant_users`+whereMember, string(account), string(id), string(user))
	return n == 1, err
}

// Is implements tenant.MemberStore.
func (Members) Is(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.TenantID, user ident.UserID) (bool, error) {
	found, err := sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[string], `SELECT user_id FROM tenant_users`+whereMember,
		string(account), string(id), string(user))
	return len(found) > 0, err
}

// Members implements tenant.MemberStore.
func (Members) Members(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.TenantID, after ident.UserID, limit int) ([]ident.UserID, error) {
	return sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[ident.UserID],
		`SELECT user_id FROM tenant_users WHERE account_id = $1 AND tenant_id = $2 AND user_id > $3 ORDER BY user_id LIMIT $4`,
		string(account), string(id), string(after), limit)
}

// TenantsOf implements tenant.MemberStore.
func (Members) TenantsOf(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]ident.TenantID, error) {
	return sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[ident.TenantID],
		`SELECT tenant_id FROM tenant_users WHERE account_id = $1 AND user_id = $2 ORDER BY tenant_id`, string(account), string(user))
}

// Forget implements tenant.MemberStore.
func (Members) Forget(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (int64, error) {
	return sqldb.From(t).Exec(ctx, `DELETE FROM tenant_users WHERE account_id = $1 AND user_id = $2`, string(account), string(user))
}
