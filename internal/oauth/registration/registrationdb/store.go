// Package registrationdb owns the table of initial access tokens. It implements registration.TokenStore.
package registrationdb

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/registration"
)

// Migrations makes the table.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "registration/0001", Tenanted: []string{"oauth_registration_tokens"}, SQL: `
CREATE TABLE oauth_registration_tokens (
	account_id TEXT NOT NULL,
	token_id TEXT NOT NULL,
	token_hash BYTEA NOT NULL,
	uses BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, token_id));
CREATE UNIQUE INDEX oauth_registration_tokens_hash ON oauth_registration_tokens (account_id, token_hash);
CREATE INDEX oauth_registration_tokens_expires ON oauth_registration_tokens (expires_at);`}}
}

// Store implements registration.TokenStore. The zero value is ready.
type Store struct{}

var _ registration.TokenStore = Store{}

// InsertToken implements registration.TokenStore.
func (Store) InsertToken(ctx context.Context, t tx.Tx, k registration.InitialToken, hash []byte, limit int) (bool, error) {
	q := sqldb.From(t)
	if err := q.Alone(ctx, "oauth_registration_tokens", string(k.Account)); err != nil {
		return false, err
	}
	n, err := q.Exec(ctx, `
INSERT INTO oauth_registration_tokens (account_id, token_id, token_hash, uses, created_at, expires_at)
SELECT $1, $2, $3, $4, $5, $6
WHERE (SELECT count(*) FROM oauth_registration_tokens WHERE account_id = $1 AND uses > 0 AND expires_at > $5) < $7`,
		string(k.Account), k.ID, hash, k.Uses, sqldb.Micros(k.CreatedAt), sqldb.Micros(k.ExpiresAt), limit)
	return n == 1, err
}

// UseToken implements registration.TokenStore.
func (Store) UseToken(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte) (string, error) {
	return sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[string], `
UPDATE oauth_registration_tokens SET uses = uses - 1
WHERE account_id = $1 AND token_hash = $2 AND uses > 0 AND expires_at > $3 RETURNING token_id`,
		string(account), hash, sqldb.Micros(t.Now()))
}

// RemoveToken implements registration.TokenStore.
func (Store) RemoveToken(ctx context.Context, t tx.Tx, account ident.AccountID, id string) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `DELETE FROM oauth_registration_tokens WHERE account_id = $1 AND token_id = $2`, string(account), id)
	return n == 1, err
}

// Tokens implements registration.TokenStore.
func (Store) Tokens(ctx context.Context, t tx.Tx, account ident.AccountID) ([]registration.InitialToken, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT account_id, token_id, uses, created_at, expires_at FROM oauth_registration_tokens
		WHERE account_id = $1 AND uses > 0 AND expires_at > $2 ORDER BY created_at, token_id`, string(account), sqldb.Micros(t.Now()))
}

// Purge deletes up to limit tokens that are good no more. It needs the system scope.
func (Store) Purge(ctx context.Context, t tx.Tx, limit int) (int64, error) {
	return sqldb.From(t).Exec(ctx, `
DELETE FROM oauth_registration_tokens WHERE (account_id, token_id) IN (
	SELECT account_id, token_id FROM oauth_registration_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		sqldb.Micros(t.Now()), limit)
}

func scan(r sqldb.Row) (k registration.InitialToken, err error) {
	var created, expires int64
	err = r.Scan((*string)(&k.Account), &k.ID, &k.Uses, &created, &expires)
	k.CreatedAt, k.ExpiresAt = sqldb.Time(created), sqldb.Time(expires)
	return k, err
}
