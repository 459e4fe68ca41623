// Package issuerdb owns the SQL of trusted issuers, one text for both databases.
package issuerdb

import (
	"context"

	"github.com/admit-id/admit/internal/issuer"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations returns the schema of this feature.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "issuer/0001", Tenanted: []string{"trusted_issuers"}, SQL: `
CREATE TABLE trusted_issuers (
	account_id TEXT NOT NULL,
	id TEXT NOT NULL,
	issuer TEXT NOT NULL,
	audience TEXT NOT NULL,
	expression TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id),
	UNIQUE (account_id, issuer, audience));`}}
}

// Store implements issuer.Store.
type Store struct{}

var _ issuer.Store = Store{}

const columns = `account_id, id, issuer, audience, expression, created_at`

// Insert implements issuer.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, i issuer.Issuer, limit int) (bool, error) {
	q := sqldb.From(t)
	if err := q.Alone(ctx, "trusted_issuers", string(i.Account)); err != nil {
		return false, err
	}
	n, err := q.Exec(ctx, `INSERT INTO trusted_issuers (`+columns+`)
		SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT count(*) FROM trusted_issuers o WHERE o.account_id = $1) < $7
		ON CONFLICT (account_id, issuer, audience) DO NOTHING`,
		string(i.Account), string(i.ID), i.URL, i.Audience, i.Expression, sqldb.Micros(i.CreatedAt), limit)
	return n == 1, err
}

// Remove implements issuer.Store.
func (Store) Remove(ctx context.Context, t tx.Tx, account ident.AccountID, id issuer.ID) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `DELETE FROM trusted_issuers WHERE account_id = $1 AND id = $2`, string(account), string(id))
	return n == 1, err
}

// List implements issuer.Store.
func (Store) List(ctx context.Context, t tx.Tx, account ident.AccountID) ([]issuer.Issuer, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM trusted_issuers WHERE account_id = $1 ORDER BY created_at, id`, string(account))
}

// All implements issuer.Store.
func (Store) All(ctx context.Context, t tx.Tx) ([]issuer.Issuer, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM trusted_issuers ORDER BY account_id, created_at, id`)
}

func scan(r sqldb.Row) (issuer.Issuer, error) {
	var (
		i       issuer.Issuer
		created int64
	)
	err := r.Scan((*string)(&i.Account), (*string)(&i.ID), &i.URL, &i.Audience, &i.Expression, &created)
	i.CreatedAt = sqldb.Time(created)
	return i, err
}
