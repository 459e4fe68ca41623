// Package passkeydb owns the tables of passkeys. It implements passkey.Store and passkey.Challenges.
package passkeydb

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations makes the tables.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "passkey/0001", Tenanted: []string{"passkey_people", "passkeys", "passkey_challenges"}, SQL: `
CREATE TABLE passkey_people (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	handle BYTEA NOT NULL,
	PRIMARY KEY (account_id, user_id),
	UNIQUE (account_id, handle));
CREATE TABLE passkeys (
	account_id TEXT NOT NULL,
	passkey_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	credential_id BYTEA NOT NULL,
	public_key BYTEA NOT NULL,
	algorithm BIGINT NOT NULL,
	handle BYTEA NOT NULL,
	rp_id TEXT NOT NULL,
	sign_count BIGINT NOT NULL,
	aaguid TEXT NOT NULL,
	transports TEXT NOT NULL,
	backup_eligible BIGINT NOT NULL,
	backed_up BIGINT NOT NULL,
	user_verified BIGINT NOT NULL,
	attested BIGINT NOT NULL,
	pending BIGINT NOT NULL,
	name TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, passkey_id),
	UNIQUE (account_id, credential_id));
CREATE INDEX passkeys_user ON passkeys (account_id, user_id);
CREATE TABLE passkey_challenges (
	account_id TEXT NOT NULL,
	challenge_hash BYTEA NOT NULL,
	purpose TEXT NOT NULL,
	binding TEXT NOT NULL,
	browser_hash BYTEA NOT NULL,
	user_id TEXT NOT NULL,
	rp_id TEXT NOT NULL,
	passkey_id TEXT NOT NULL,
	user_verification BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, challenge_hash));
CREATE INDEX passkey_challenges_binding ON passkey_challenges (account_id, binding, purpose);
CREATE INDEX passkey_challenges_expires ON passkey_challenges (expires_at);`}}
}

// Store implements passkey.Store and passkey.Challenges. The zero value is ready.
type Store struct{}

const columns = `account_id, passkey_id, user_id, credential_id, public_key, algorithm, handle, rp_id, sign_count, aaguid, transports,
	backup_eligible, backed_up, user_verified, attested, pending, name, created_at, used_at`

// Handle implements passkey.Store. The update that changes nothing takes the row's lock.
func (Store) Handle(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, fresh []byte) ([]byte, error) {
	return sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[[]byte], `
INSERT INTO passkey_people (account_id, user_id, handle) VALUES ($1, $2, $3)
ON CONFLICT (account_id, user_id) DO UPDATE SET user_id = $2
RETURNING handle`, string(account), string(user), fresh)
}

// Insert implements passkey.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, p passkey.Passkey) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `
INSERT INTO passkeys (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
ON CONFLICT (account_id, credential_id) DO NOTHING`,
		string(p.Account), p.ID, string(p.User), p.Credential, p.Key, p.Algorithm, p.Handle, p.Party, int64(p.SignCount), p.Model,
		strings.Join(p.Transports, " "), bit(p.Eligible), bit(p.BackedUp), bit(p.Verified), bit(p.Attested), bit(p.Pending), p.Name,
		sqldb.Micros(p.CreatedAt), sqldb.Micros(p.UsedAt))
	return n == 1, err
}

// ByCredential implements passkey.Store.
func (Store) ByCredential(ctx context.Context, t tx.Tx, account ident.AccountID, credential []byte) (passkey.Passkey, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM passkeys WHERE account_id = $1 AND credential_id = $2`,
		string(account), credential)
}

// List implements passkey.Store.
func (Store) List(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]passkey.Passkey, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM passkeys WHERE account_id = $1 AND user_id = $2
ORDER BY created_at, passkey_id`, string(account), string(user))
}

// Use implements passkey.Store.
func (Store) Use(ctx context.Context, t tx.Tx, p passkey.Passkey) error {
	return one(ctx, t, `
UPDATE passkeys SET sign_count = $4, backed_up = $5, used_at = $6, pending = 0
WHERE account_id = $1 AND user_id = $2 AND passkey_id = $3 AND (sign_count < $4 OR (sign_count = 0 AND $4 = 0))`,
		string(p.Account), string(p.User), p.ID, int64(p.SignCount), bit(p.BackedUp), sqldb.Micros(p.UsedAt))
}

// Rename implements passkey.Store.
func (Store) Rename(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, id, name string) error {
	return one(ctx, t, `UPDATE passkeys SET name = $4 WHERE account_id = $1 AND user_id = $2 AND passkey_id = $3`,
		string(account), string(user), id, name)
}

// Remove implements passkey.Store.
func (Store) Remove(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, id string) error {
	return one(ctx, t, `DELETE FROM passkeys WHERE account_id = $1 AND user_id = $2 AND passkey_id = $3`,
		string(account), string(user), id)
}

// Forget implements passkey.Store.
func (Store) Forget(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) error {
	for _, table := range []string{"passkeys", "passkey_people", "passkey_challenges"} {
		if _, err := sqldb.From(t).Exec(ctx, `DELETE FROM `+table+` WHERE account_id = $1 AND user_id = $2`, string(account), string(user)); err != nil {
			return err
		}
	}
	return nil
}

// one runs a statement that must touch one row.
func one(ctx context.Context, t tx.Tx, query string, args ...any) error {
	n, err := sqldb.From(t).Exec(ctx, query, args...)
	if err == nil && n == 0 {
		return sqldb.ErrNotFound
	}
	return err
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func scan(r sqldb.Row) (passkey.Passkey, error) {
	var p passkey.Passkey
	var count, eligible, backed, verified, attested, pending, created, used int64
	var transports string
	if err := r.Scan(&p.Account, &p.ID, &p.User, &p.Credential, &p.Key, &p.Algorithm, &p.Handle, &p.Party, &count, &p.Model, &transports,
		&eligible, &backed, &verified, &attested, &pending, &p.Name, &created, &used); err != nil {
		return p, err
	}
	p.SignCount, p.Transports = uint32(count), strings.Fields(transports)
	p.Eligible, p.BackedUp, p.Verified, p.Attested, p.Pending = eligible == 1, backed == 1, verified == 1, attested == 1, pending == 1
	p.CreatedAt, p.UsedAt = sqldb.Time(created), sqldb.Time(used)
	return p, nil
}
