// Package extensiondb owns the SQL of extensions, one text for both databases.
package extensiondb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/admit-id/admit/internal/extension"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations returns the schema of this feature. Deleted rows stay, so that no id is ever free again.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "extension/0001", Tenanted: []string{"extensions"}, SQL: `
CREATE TABLE extensions (
	account_id TEXT NOT NULL,
	extension_id TEXT NOT NULL,
	name TEXT NOT NULL,
	tags TEXT NOT NULL,
	application_id TEXT NOT NULL,
	client_id TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	deleted_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (account_id, extension_id));`}}
}

// Store implements extension.Store.
type Store struct{}

var _ extension.Store = Store{}

const columns = `account_id, extension_id, name, tags, application_id, client_id, created_at, updated_at`

// Insert implements extension.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, e extension.Extension) error {
	tags, err := json.Marshal(e.Tags)
	if err != nil {
		return err
	}
	_, err = sqldb.From(t).Exec(ctx, `INSERT INTO extensions (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		string(e.Account), string(e.ID), e.Name, string(tags), string(e.Application), string(e.Client), sqldb.Micros(e.CreatedAt), sqldb.Micros(e.UpdatedAt))
	return err
}

// Update implements extension.Store.
func (Store) Update(ctx context.Context, t tx.Tx, e extension.Extension) (bool, error) {
	tags, err := json.Marshal(e.Tags)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `UPDATE extensions SET name = $3, tags = $4, updated_at = $5
		WHERE account_id = $1 AND extension_id = $2 AND deleted_at = 0`, string(e.Account), string(e.ID), e.Name, string(tags), sqldb.Micros(e.UpdatedAt))
	return n == 1, err
}

// Remove implements extension.Store.
func (Store) Remove(ctx context.Context, t tx.Tx, account ident.AccountID, id extension.ID) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `UPDATE extensions SET deleted_at = $3, name = '', tags = '{}'
		WHERE account_id = $1 AND extension_id = $2 AND deleted_at = 0`, string(account), string(id), sqldb.Micros(t.Now()))
	return n == 1, err
}

// Get implements extension.Store.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, id extension.ID) (extension.Extension, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM extensions
		WHERE account_id = $1 AND extension_id = $2 AND deleted_at = 0`, string(account), string(id))
}

// List implements extension.Store.
func (Store) List(ctx context.Context, t tx.Tx, account ident.AccountID, q extension.Query) ([]extension.Extension, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM extensions
		WHERE account_id = $1 AND extension_id > $2 AND deleted_at = 0 ORDER BY extension_id LIMIT $3`, string(account), string(q.After), q.Limit)
}

func scan(r sqldb.Row) (extension.Extension, error) {
	var (
		e                extension.Extension
		tags             string
		created, updated int64
	)
	if err := r.Scan((*string)(&e.Account), (*string)(&e.ID), &e.Name, &tags, (*string)(&e.Application), (*string)(&e.Client), &created, &updated); err != nil {
		return e, err
	}
	if err := json.Unmarshal([]byte(tags), &e.Tags); err != nil {
		return e, fmt.Errorf("tags of %s: %w", e.ID, err)
	}
	e.CreatedAt, e.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	return e, nil
}
