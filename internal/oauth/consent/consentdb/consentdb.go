// Package consentdb owns the table of what people have allowed clients. It implements consent.Store.
package consentdb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/consent"
)

// Migrations makes the table.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "oauth-consent/0001", Tenanted: []string{"oauth_consents"}, SQL: `
CREATE TABLE oauth_consents (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	client_id TEXT NOT NULL,
	name TEXT NOT NULL,
	answers TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, user_id, client_id));
CREATE INDEX oauth_consents_client ON oauth_consents (account_id, client_id);`}}
}

// Store implements consent.Store. The zero value is ready.
type Store struct{}

var _ consent.Store = Store{}

const columns = `account_id, user_id, client_id, name, answers, created_at, updated_at`

func scan(r sqldb.Row) (consent.Consent, error) {
	var c consent.Consent
	var answers string
	var created, updated int64
	if err := r.Scan(&c.Account, &c.User, &c.Client, &c.Name, &answers, &created, &updated); err != nil {
		return c, err
	}
	c.CreatedAt, c.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	if err := json.Unmarshal([]byte(answers), &c.Answers); err != nil {
		return c, fmt.Errorf("consent of %s for %s: %w", c.User, c.Client, err)
	}
	return c, nil
}

// Get implements consent.Store.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, client string) (consent.Consent, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM oauth_consents
WHERE account_id = $1 AND user_id = $2 AND client_id = $3`, string(account), string(user), client)
}

// Lock implements consent.Store.
func (Store) Lock(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, client string) (consent.Consent, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `UPDATE oauth_consents SET updated_at = updated_at
WHERE account_id = $1 AND user_id = $2 AND client_id = $3 RETURNING `+columns, string(account), string(user), client)
}

// Put implements consent.Store.
func (Store) Put(ctx context.Context, t tx.Tx, c consent.Consent) error {
	answers, err := json.Marshal(c.Answers)
	if err != nil {
		return err
	}
	_, err = sqldb.From(t).Exec(ctx, `INSERT INTO oauth_consents (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account_id, user_id, client_id) DO UPDATE SET name = excluded.name, answers = excluded.answers, updated_at = excluded.updated_at`,
		string(c.Account), string(c.User), c.Client, c.Name, string(answers), sqldb.Micros(c.CreatedAt), sqldb.Micros(c.UpdatedAt))
	return err
}

// List implements consent.Store.
func (Store) List(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, limit int) ([]consent.Consent, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM oauth_consents
WHERE account_id = $1 AND user_id = $2 ORDER BY updated_at DESC, client_id LIMIT $3`, string(account), string(user), limit)
}

// Delete implements consent.Store.
func (Store) Delete(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, client string) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `DELETE FROM oauth_consents WHERE account_id = $1 AND user_id = $2 AND client_id = $3`,
		string(account), string(user), client)
	return n > 0, err
}

// DeleteUser implements consent.Store.
func (Store) DeleteUser(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) error {
	_, err := sqldb.From(t).Exec(ctx, `DELETE FROM oauth_consents WHERE account_id = $1 AND user_id = $2`, string(account), string(user))
	return err
}

// DeleteClient implements consent.Store.
func (Store) DeleteClient(ctx context.Context, t tx.Tx, account ident.AccountID, client string) error {
	_, err := sqldb.From(t).Exec(ctx, `DELETE FROM oauth_consents WHERE account_id = $1 AND client_id = $2`, string(account), client)
	return err
}
