package userdb

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

// Hold implements user.IdentityStore. SQLite has one writer, who need not wait for others.
func (Store) Hold(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) error {
	q := sqldb.From(t)
	query := `SELECT user_id FROM users WHERE account_id = $1 AND user_id = $2 AND deleted_at = 0`
	if q.Dialect() == sqldb.Postgres {
		query += ` FOR UPDATE`
	}
	_, err := sqldb.One(ctx, q, sqldb.Scalar[string], query, string(account), string(id))
	return err
}

// Drop implements user.IdentityStore.
func (Store) Drop(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID, i user.Identity) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `DELETE FROM user_identities
		WHERE account_id = $1 AND connection_id = $2 AND issuer = $3 AND subject = $4 AND user_id = $5`,
		string(account), string(i.Connection), i.Issuer, i.Subject, string(id))
	return n == 1, err
}
