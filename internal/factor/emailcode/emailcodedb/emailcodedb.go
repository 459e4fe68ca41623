// Package emailcodedb owns the table of e-mail codes. It implements emailcode.Store.
package emailcodedb

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations makes the table.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "emailcode/0001", Tenanted: []string{"email_codes"}, SQL: `
CREATE TABLE email_codes (
	account_id TEXT NOT NULL,
	login_id TEXT NOT NULL,
	address TEXT NOT NULL,
	browser_hash BYTEA NOT NULL,
	code_mac BYTEA NOT NULL,
	link_hash BYTEA NOT NULL,
	attempts BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, login_id),
	UNIQUE (account_id, link_hash));
CREATE INDEX email_codes_expires ON email_codes (expires_at);`}}
}

// Store implements emailcode.Store. The zero value is ready.
type Store struct{}

const columns = `account_id, login_id, address, browser_hash, attempts, created_at, expires_at, used_at`

// Put implements emailcode.Store.
func (Store) Put(ctx context.Context, t tx.Tx, c emailcode.Code, p emailcode.Proofs) error {
	_, err := sqldb.From(t).Exec(ctx, `
INSERT INTO email_codes (`+columns+`, code_mac, link_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)
ON CONFLICT (account_id, login_id) DO UPDATE SET
	address = $3, browser_hash = $4, attempts = $5, created_at = $6, expires_at = $7, used_at = 0, code_mac = $8, link_hash = $9`,
		string(c.Account), string(c.Login), string(c.Address), c.Browser, c.Attempts,
		sqldb.Micros(c.CreatedAt), sqldb.Micros(c.ExpiresAt), p.Code, p.Link)
	return err
}

// Get implements emailcode.Store.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, login ident.LoginID) (emailcode.Code, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM email_codes WHERE account_id = $1 AND login_id = $2`,
		string(account), string(login))
}

// ByLink implements emailcode.Store.
func (Store) ByLink(ctx context.Context, t tx.Tx, account ident.AccountID, link []byte) (emailcode.Code, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM email_codes WHERE account_id = $1 AND link_hash = $2`,
		string(account), link)
}

type counted struct {
	code   emailcode.Code
	proofs emailcode.Proofs
}

// Count implements emailcode.Store.
func (Store) Count(ctx context.Context, t tx.Tx, account ident.AccountID, login ident.LoginID, browser []byte) (emailcode.Code, emailcode.Proofs, error) {
	c, err := sqldb.One(ctx, sqldb.From(t), func(r sqldb.Row) (counted, error) {
		var v counted
		err := scanInto(r, &v.code, &v.proofs.Code, &v.proofs.Link)
		return v, err
	}, `
UPDATE email_codes SET attempts = attempts + 1
WHERE account_id = $1 AND login_id = $2 AND browser_hash = $3 AND used_at = 0 AND attempts < $4 AND expires_at > $5
RETURNING `+columns+`, code_mac, link_hash`,
		string(account), string(login), browser, emailcode.Attempts, sqldb.Micros(t.Now()))
	return c.code, c.proofs, err
}

// Consume implements emailcode.Store. A proof that is nil is not asked for; one must be given.
func (Store) Consume(ctx context.Context, t tx.Tx, c emailcode.Code, p emailcode.Proofs) error {
	column, proof := "code_mac", p.Code
	if proof == nil {
		column, proof = "link_hash", p.Link
	}
	n, err := sqldb.From(t).Exec(ctx, `
UPDATE email_codes SET used_at = $8
WHERE account_id = $1 AND login_id = $2 AND address = $3 AND browser_hash = $4 AND `+column+` = $5
	AND created_at = $6 AND attempts <= $7 AND used_at = 0 AND expires_at > $8`,
		string(c.Account), string(c.Login), string(c.Address), c.Browser, proof,
		sqldb.Micros(c.CreatedAt), emailcode.Attempts, sqldb.Micros(t.Now()))
	if err == nil && n == 0 {
		return sqldb.ErrNotFound
	}
	return err
}

// Forget implements emailcode.Store.
func (Store) Forget(ctx context.Context, t tx.Tx, account ident.AccountID, login ident.LoginID) error {
	_, err := sqldb.From(t).Exec(ctx, `DELETE FROM email_codes WHERE account_id = $1 AND login_id = $2`, string(account), string(login))
	return err
}

// Purge implements emailcode.Store.
func (Store) Purge(ctx context.Context, t tx.Tx, limit int) (int64, error) {
	return sqldb.From(t).Exec(ctx, `DELETE FROM email_codes WHERE (account_id, login_id) IN (
	SELECT account_id, login_id FROM email_codes WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		sqldb.Micros(t.Now().Add(-24*time.Hour)), limit)
}

func scan(r sqldb.Row) (emailcode.Code, error) {
	var c emailcode.Code
	err := scanInto(r, &c)
	return c, err
}

func scanInto(r sqldb.Row, c *emailcode.Code, more ...any) error {
	var created, expires, used int64
	into := append([]any{&c.Account, &c.Login, &c.Address, &c.Browser, &c.Attempts, &created, &expires, &used}, more...)
	if err := r.Scan(into...); err != nil {
		return err
	}
	c.CreatedAt, c.ExpiresAt, c.UsedAt = sqldb.Time(created), sqldb.Time(expires), sqldb.Time(used)
	return nil
}
