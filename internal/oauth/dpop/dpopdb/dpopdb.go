// Package dpopdb owns the table of used proofs of possession. It implements dpop.Store.
package dpopdb

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations makes the table.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "dpop/0001", Tenanted: []string{"oauth_used_proofs"}, SQL: `
CREATE TABLE oauth_used_proofs (
	account_id TEXT NOT NULL,
	proof_hash BYTEA NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, proof_hash));
CREATE INDEX oauth_used_proofs_expires ON oauth_used_proofs (expires_at);`}}
}

// Store implements dpop.Store. The zero value is ready.
type Store struct{}

var errUsed = fault.New(fault.Conflict, fault.CodeConflict, "This proof was used before.")

// SpendProof implements dpop.Store.
func (Store) SpendProof(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte, until time.Time) error {
	n, err := sqldb.From(t).Exec(ctx, `
INSERT INTO oauth_used_proofs (account_id, proof_hash, expires_at) VALUES ($1, $2, $3) ON CONFLICT (account_id, proof_hash) DO NOTHING`,
		string(account), hash, sqldb.Micros(until))
	if err == nil && n == 0 {
		return errUsed
	}
	return err
}

// PurgeProofs implements dpop.Store.
func (Store) PurgeProofs(ctx context.Context, t tx.Tx, limit int) (int64, error) {
	return sqldb.From(t).Exec(ctx, `
DELETE FROM oauth_used_proofs WHERE (account_id, proof_hash) IN (
	SELECT account_id, proof_hash FROM oauth_used_proofs WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		sqldb.Micros(t.Now()), limit)
}
