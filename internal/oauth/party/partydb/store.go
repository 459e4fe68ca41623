// Package partydb owns the table of used client assertions. It implements party.Assertions.
package partydb

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations makes the table.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "party/0001", Tenanted: []string{"oauth_used_assertions"}, SQL: `
CREATE TABLE oauth_used_assertions (
	account_id TEXT NOT NULL,
	assertion_hash BYTEA NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, assertion_hash));
CREATE INDEX oauth_used_assertions_expires ON oauth_used_assertions (expires_at);`}}
}

// Store implements party.Assertions. The zero value is ready.
type Store struct{}

// UseAssertion implements party.Assertions.
func (Store) UseAssertion(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte, expires time.Time) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `
INSERT INTO oauth_used_assertions (account_id, assertion_hash, expires_at) VALUES ($1, $2, $3)
ON CONFLICT (account_id, assertion_hash) DO NOTHING`, string(account), hash, sqldb.Micros(expires))
	return n == 1, err
}

// Purge deletes up to limit assertions that have expired. It needs the system scope.
func (Store) Purge(ctx context.Context, t tx.Tx, limit int) (int64, error) {
	return sqldb.From(t).Exec(ctx, `
DELETE FROM oauth_used_assertions WHERE (account_id, assertion_hash) IN (
	SELECT account_id, assertion_hash FROM oauth_used_assertions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		sqldb.Micros(t.Now()), limit)
}
