// Package keyringdb owns the SQL of signing keys, one text for both databases.
package keyringdb

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations returns the schema of this feature. The generation is unique per account and
// use, which is what makes rotation on many nodes safe.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "keyring/0001", Tenanted: []string{"signing_keys"}, SQL: `
CREATE TABLE signing_keys (
	account_id TEXT NOT NULL,
	use TEXT NOT NULL,
	generation BIGINT NOT NULL,
	kid TEXT NOT NULL,
	alg TEXT NOT NULL,
	public_key BYTEA NOT NULL,
	private_key BYTEA NOT NULL,
	created_at BIGINT NOT NULL,
	sign_from BIGINT NOT NULL,
	sign_until BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (account_id, use, generation),
	UNIQUE (account_id, kid));`},
		{ID: "keyring/0002", SQL: `ALTER TABLE signing_keys ADD COLUMN withdrawn_at BIGINT NOT NULL DEFAULT 0;`}}
}

// Store implements keyring.Store, keyring.Withdrawals and keyring.Janitor.
type Store struct{}

var (
	_ keyring.Store       = Store{}
	_ keyring.Withdrawals = Store{}
	_ keyring.Janitor     = Store{}
)

const columns = `account_id, use, generation, kid, public_key, private_key, created_at, sign_from, sign_until, withdrawn_at`

// Insert implements keyring.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, k keyring.Sealed) (bool, error) {
	public, err := keyring.EncodePublic(k.Public)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `INSERT INTO signing_keys (`+columns+`, alg)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (account_id, use, generation) DO NOTHING`,
		string(k.Account), string(k.Use), k.Generation, string(k.KID), public, k.Private,
		sqldb.Micros(k.CreatedAt), sqldb.Micros(k.SignFrom), sqldb.Micros(k.SignUntil), sqldb.Micros(k.Withdrawn), k.Use.Alg())
	return n == 1, err
}

// List implements keyring.Store.
func (Store) List(ctx context.Context, t tx.Tx, account ident.AccountID, use keyring.Use) ([]keyring.Sealed, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM signing_keys
		WHERE account_id = $1 AND use = $2 ORDER BY generation DESC`, string(account), string(use))
}

// Schedule implements keyring.Store.
func (Store) Schedule(ctx context.Context, t tx.Tx, k keyring.Key) error {
	_, err := sqldb.From(t).Exec(ctx, `UPDATE signing_keys SET sign_from = $4, sign_until = $5
		WHERE account_id = $1 AND use = $2 AND generation = $3`,
		string(k.Account), string(k.Use), k.Generation, sqldb.Micros(k.SignFrom), sqldb.Micros(k.SignUntil))
	return err
}

// Find implements keyring.Store.
func (Store) Find(ctx context.Context, t tx.Tx, account ident.AccountID, kid ident.KeyID) ([]keyring.Sealed, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM signing_keys
		WHERE account_id = $1 AND ($2 = '' OR kid = $2) ORDER BY use, generation`, string(account), string(kid))
}

// Withdraw implements keyring.Store.
func (Store) Withdraw(ctx context.Context, t tx.Tx, k keyring.Key, now time.Time) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `UPDATE signing_keys SET withdrawn_at = $3, private_key = $4,
		sign_until = CASE WHEN sign_until = 0 OR sign_until > $3 THEN $3 ELSE sign_until END
		WHERE account_id = $1 AND kid = $2 AND withdrawn_at = 0`, string(k.Account), string(k.KID), sqldb.Micros(now), []byte{})
	return n == 1, err
}

// All implements keyring.Store.
func (Store) All(ctx context.Context, t tx.Tx, now time.Time) ([]keyring.Sealed, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM signing_keys
		WHERE withdrawn_at = 0 AND (sign_until = 0 OR sign_until > $1) ORDER BY account_id, use, generation`,
		sqldb.Micros(now.Add(-keyring.MaxTokenLife-keyring.Margin)))
}

// Withdrawn implements keyring.Withdrawals.
func (Store) Withdrawn(ctx context.Context, t tx.Tx, account ident.AccountID, use keyring.Use) ([]keyring.Key, error) {
	if account == "" {
		return sqldb.List(ctx, sqldb.From(t), scanKey, `SELECT `+columns+` FROM signing_keys
			WHERE withdrawn_at > 0 ORDER BY account_id, use, generation`)
	}
	return sqldb.List(ctx, sqldb.From(t), scanKey, `SELECT `+columns+` FROM signing_keys
		WHERE account_id = $1 AND use = $2 AND withdrawn_at > 0 ORDER BY generation`, string(account), string(use))
}

// Old implements keyring.Janitor.
func (Store) Old(ctx context.Context, t tx.Tx, before time.Time) ([]keyring.Ref, error) {
	return sqldb.List(ctx, sqldb.From(t), scanRef, `SELECT account_id, use, kid FROM signing_keys k
		WHERE sign_from <= $1 AND sign_until = 0 AND use NOT LIKE 'static/%' AND generation = (
			SELECT max(generation) FROM signing_keys n WHERE n.account_id = k.account_id AND n.use = k.use)
		ORDER BY account_id, use`, sqldb.Micros(before))
}

// Destroy implements keyring.Janitor.
func (Store) Destroy(ctx context.Context, t tx.Tx, before time.Time) ([]keyring.Ref, error) {
	return sqldb.List(ctx, sqldb.From(t), scanRef, `UPDATE signing_keys SET private_key = $2
		WHERE sign_until > 0 AND sign_until < $1 AND length(private_key) > 0
		RETURNING account_id, use, kid`, sqldb.Micros(before), []byte{})
}

func scan(r sqldb.Row) (keyring.Sealed, error) {
	var (
		k                               keyring.Sealed
		public                          []byte
		created, from, until, withdrawn int64
	)
	err := r.Scan((*string)(&k.Account), (*string)(&k.Use), &k.Generation, (*string)(&k.KID), &public, &k.Private, &created, &from, &until, &withdrawn)
	if err != nil {
		return k, err
	}
	k.CreatedAt, k.SignFrom, k.SignUntil, k.Withdrawn = sqldb.Time(created), sqldb.Time(from), sqldb.Time(until), sqldb.Time(withdrawn)
	k.Public, err = keyring.DecodePublic(k.Use, public)
	return k, err
}

func scanKey(r sqldb.Row) (keyring.Key, error) {
	k, err := scan(r)
	return k.Key, err
}

func scanRef(r sqldb.Row) (k keyring.Ref, err error) {
	err = r.Scan((*string)(&k.Account), (*string)(&k.Use), (*string)(&k.KID))
	return k, err
}
