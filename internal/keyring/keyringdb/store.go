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
	UNIQUE (account_id, kid));`}}
}

// Store implements keyring.Store and keyring.Janitor.
type Store struct{}

var (
	_ keyring.Store   = Store{}
	_ keyring.Janitor = Store{}
)

const columns = `account_id, use, generation, kid, public_key, private_key, created_at, sign_from, sign_until`

// Insert implements keyring.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, k keyring.Sealed) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `INSERT INTO signing_keys (`+columns+`, alg)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'EdDSA') ON CONFLICT (account_id, use, generation) DO NOTHING`,
		string(k.Account), string(k.Use), k.Generation, string(k.KID), []byte(k.Public), k.Private,
		sqldb.Micros(k.CreatedAt), sqldb.Micros(k.SignFrom), sqldb.Micros(k.SignUntil))
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

// All implements keyring.Store.
func (Store) All(ctx context.Context, t tx.Tx, now time.Time) ([]keyring.Sealed, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM signing_keys
		WHERE sign_until = 0 OR sign_until > $1 ORDER BY account_id, use, generation`,
		sqldb.Micros(now.Add(-keyring.MaxTokenLife-keyring.Margin)))
}

// Old implements keyring.Janitor.
func (Store) Old(ctx context.Context, t tx.Tx, before time.Time) ([]keyring.Ref, error) {
	return sqldb.List(ctx, sqldb.From(t), scanRef, `SELECT account_id, use, kid FROM signing_keys k
		WHERE sign_from <= $1 AND sign_until = 0 AND generation = (
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
		k                    keyring.Sealed
		created, from, until int64
	)
	err := r.Scan((*string)(&k.Account), (*string)(&k.Use), &k.Generation, (*string)(&k.KID), (*[]byte)(&k.Public), &k.Private, &created, &from, &until)
	k.CreatedAt, k.SignFrom, k.SignUntil = sqldb.Time(created), sqldb.Time(from), sqldb.Time(until)
	return k, err
}

func scanRef(r sqldb.Row) (k keyring.Ref, err error) {
	err = r.Scan((*string)(&k.Account), (*string)(&k.Use), (*string)(&k.KID))
	return k, err
}
