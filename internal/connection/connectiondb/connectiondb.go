// Package connectiondb owns the SQL of connections. What an administrator writes is one JSON
// document; the client secret stands beside it, sealed.
package connectiondb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store implements connection.Store.
type Store struct{}

// New returns the store.
func New() Store { return Store{} }

// Migrations makes the table. Identifiers are compared byte by byte on both databases.
func Migrations() []sqldb.Migration {
	const table = `CREATE TABLE connections (
	account_id TEXT NOT NULL,
	connection_id TEXT %s NOT NULL,
	document TEXT NOT NULL,
	secret BYTEA,
	active BOOLEAN NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	deleted_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (account_id, connection_id))`
	return []sqldb.Migration{{
		ID:       "connection/0001",
		SQLite:   fmt.Sprintf(table, ""),
		Postgres: fmt.Sprintf(table, `COLLATE "C"`),
		Tenanted: []string{"connections"},
	}}
}

const columns = `account_id, connection_id, document, secret, active, created_at, updated_at`

// document is connection.Spec as it is stored: the same members, with names that stay when
// the code's names change. Members may be added.
type document struct {
	Type               connection.Type   `json:"type"`
	Provider           string            `json:"provider,omitempty"`
	Name               string            `json:"name,omitempty"`
	IssuerURL          string            `json:"issuerUrl,omitempty"`
	Directories        []string          `json:"directories,omitempty"`
	AuthenticationURL  string            `json:"authenticationUrl,omitempty"`
	TokenURL           string            `json:"tokenUrl,omitempty"`
	UserEndpointURL    string            `json:"userEndpointUrl,omitempty"`
	ClientID           string            `json:"clientId,omitempty"`
	SecretID           string            `json:"secretId,omitempty"`
	DeveloperAccountID string            `json:"developerAccountId,omitempty"`
	ContentType        string            `json:"contentType,omitempty"`
	UserIDExpression   string            `json:"userIdExpression,omitempty"`
	Scope              string            `json:"scope,omitempty"`
	Properties         map[string]string `json:"properties,omitempty"`
	EmailDomains       []string          `json:"emailDomains,omitempty"`
	UserDataLocation   string            `json:"userDataLocation,omitempty"`
	Leeway             time.Duration     `json:"leewayNanoseconds,omitempty"`
	Assignment         string            `json:"assignment,omitempty"`
	Linking            string            `json:"linking,omitempty"`
	Tags               map[string]string `json:"tags,omitempty"`
}

// Insert implements connection.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, c connection.Connection) (bool, error) {
	text, err := json.Marshal(document(c.Spec))
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `INSERT INTO connections (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (account_id, connection_id) DO NOTHING`,
		string(c.Account), string(c.ID), string(text), c.SealedSecret, c.Active, sqldb.Micros(c.CreatedAt), sqldb.Micros(c.UpdatedAt))
	return n == 1, err
}

// Update implements connection.Store.
func (Store) Update(ctx context.Context, t tx.Tx, c connection.Connection) (bool, error) {
	text, err := json.Marshal(document(c.Spec))
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `UPDATE connections SET document = $3, secret = $4, active = $5, updated_at = $6
		WHERE account_id = $1 AND connection_id = $2 AND deleted_at = 0`,
		string(c.Account), string(c.ID), string(text), c.SealedSecret, c.Active, sqldb.Micros(c.UpdatedAt))
	return n == 1, err
}

// Delete implements connection.Store. The row stays, so that its id stays taken.
func (Store) Delete(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ConnectionID) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `UPDATE connections SET document = '', secret = NULL, active = FALSE, deleted_at = $3
		WHERE account_id = $1 AND connection_id = $2 AND deleted_at = 0`,
		string(account), string(id), sqldb.Micros(t.Now()))
	return n == 1, err
}

// Get implements connection.Store.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ConnectionID) (connection.Connection, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, one, string(account), string(id))
}

const one = `SELECT ` + columns + ` FROM connections WHERE account_id = $1 AND connection_id = $2 AND deleted_at = 0`

// Lock implements connection.Store. On SQLite there is one writer.
func (Store) Lock(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ConnectionID) (connection.Connection, error) {
	q, query := sqldb.From(t), one
	if q.Dialect() == sqldb.Postgres {
		query += " FOR UPDATE"
	}
	return sqldb.One(ctx, q, scan, query, string(account), string(id))
}

// Page implements connection.Store.
func (Store) Page(ctx context.Context, t tx.Tx, account ident.AccountID, after ident.ConnectionID, limit int) ([]connection.Connection, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM connections
		WHERE account_id = $1 AND connection_id > $2 AND deleted_at = 0 ORDER BY connection_id LIMIT $3`,
		string(account), string(after), limit)
}

// All implements connection.Store.
func (Store) All(ctx context.Context, t tx.Tx) ([]connection.Connection, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM connections WHERE deleted_at = 0`)
}

func scan(r sqldb.Row) (connection.Connection, error) {
	var (
		c                connection.Connection
		account, id      string
		text             string
		created, updated int64
	)
	if err := r.Scan(&account, &id, &text, &c.SealedSecret, &c.Active, &created, &updated); err != nil {
		return c, err
	}
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return c, fmt.Errorf("connection %s: %w", id, err)
	}
	c.Spec = connection.Spec(d)
	c.Account, c.ID = ident.AccountID(account), ident.ConnectionID(id)
	c.CreatedAt, c.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	return c, nil
}
