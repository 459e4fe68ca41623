// Package applicationdb owns the SQL of applications, one text for both databases.
package applicationdb

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations returns the schema of this feature.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "application/0001", Tenanted: []string{"applications"}, SQL: `
CREATE TABLE applications (
	account_id TEXT NOT NULL,
	application_id TEXT NOT NULL,
	name TEXT NOT NULL,
	redirect_urls TEXT NOT NULL,
	redirect_mode TEXT NOT NULL,
	session_type TEXT NOT NULL,
	allow_loopback_tokens BOOLEAN NOT NULL,
	cookie_domain TEXT NOT NULL,
	tags TEXT NOT NULL,
	search TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	deleted_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (account_id, application_id));`}, {ID: "application/0002", SQL: `
ALTER TABLE applications ADD COLUMN oauth TEXT NOT NULL DEFAULT '';`}}
}

// Store implements application.Source.
type Store struct{}

var _ application.Source = Store{}

const columns = `account_id, application_id, name, redirect_urls, redirect_mode, session_type,
	allow_loopback_tokens, cookie_domain, tags, created_at, updated_at, oauth`

// Insert implements application.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, a application.Application) (bool, error) {
	urls, tags, settings, err := encode(a)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `INSERT INTO applications (`+columns+`, search)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (account_id, application_id) DO NOTHING`,
		string(a.Account), string(a.ID), a.Name, urls, string(a.RedirectMode), string(a.SessionType),
		a.AllowLoopbackTokens, a.CookieDomain, tags, sqldb.Micros(a.CreatedAt), sqldb.Micros(a.UpdatedAt), settings, a.SearchText())
	return n == 1, err
}

// Update implements application.Store.
func (Store) Update(ctx context.Context, t tx.Tx, a application.Application) (bool, error) {
	urls, tags, settings, err := encode(a)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `UPDATE applications SET name = $3, redirect_urls = $4, redirect_mode = $5, session_type = $6,
			allow_loopback_tokens = $7, cookie_domain = $8, tags = $9, updated_at = $10, search = $11, oauth = $12
		WHERE account_id = $1 AND application_id = $2 AND deleted_at = 0`,
		string(a.Account), string(a.ID), a.Name, urls, string(a.RedirectMode), string(a.SessionType),
		a.AllowLoopbackTokens, a.CookieDomain, tags, sqldb.Micros(a.UpdatedAt), a.SearchText(), settings)
	return n == 1, err
}

// Remove implements application.Store. The row stays, so that its id is never free again.
func (Store) Remove(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ApplicationID) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `UPDATE applications SET deleted_at = $3 WHERE account_id = $1 AND application_id = $2 AND deleted_at = 0`,
		string(account), string(id), sqldb.Micros(t.Now()))
	return n == 1, err
}

// Get implements application.Store.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ApplicationID) (application.Application, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, one, string(account), string(id))
}

const one = `SELECT ` + columns + ` FROM applications WHERE account_id = $1 AND application_id = $2 AND deleted_at = 0`

// Lock implements application.Store. On SQLite there is one writer.
func (Store) Lock(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ApplicationID) (application.Application, error) {
	q, query := sqldb.From(t), one
	if q.Dialect() == sqldb.Postgres {
		query += " FOR UPDATE"
	}
	return sqldb.One(ctx, q, scan, query, string(account), string(id))
}

// List implements application.Store.
func (Store) List(ctx context.Context, t tx.Tx, account ident.AccountID, q application.Query) ([]application.Application, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM applications
		WHERE account_id = $1 AND application_id > $2 AND deleted_at = 0 AND search LIKE $3 ESCAPE '\'
		ORDER BY application_id LIMIT $4`, string(account), string(q.After), contains(q.Filter), q.Limit)
}

// All implements application.Source.
func (Store) All(ctx context.Context, t tx.Tx) ([]application.Application, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM applications WHERE deleted_at = 0`)
}

// encode writes what is kept as JSON. OAuth settings that nobody has set are an empty text.
func encode(a application.Application) (urls, tags, settings string, err error) {
	u, err := json.Marshal(a.RedirectURLs)
	if err != nil {
		return "", "", "", fmt.Errorf("encode redirect URLs: %w", err)
	}
	g, err := json.Marshal(a.Tags)
	if err != nil {
		return "", "", "", fmt.Errorf("encode tags: %w", err)
	}
	if a.OAuth.IsZero() {
		return string(u), string(g), "", nil
	}
	o, err := json.Marshal(a.OAuth)
	if err != nil {
		return "", "", "", fmt.Errorf("encode OAuth settings: %w", err)
	}
	return string(u), string(g), string(o), nil
}

func scan(r sqldb.Row) (application.Application, error) {
	var (
		a                application.Application
		urls, tags       string
		settings         string
		created, updated int64
	)
	err := r.Scan((*string)(&a.Account), (*string)(&a.ID), &a.Name, &urls, (*string)(&a.RedirectMode), (*string)(&a.SessionType),
		&a.AllowLoopbackTokens, &a.CookieDomain, &tags, &created, &updated, &settings)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal([]byte(urls), &a.RedirectURLs); err != nil {
		return a, fmt.Errorf("redirect URLs of %s: %w", a.ID, err)
	}
	if err := json.Unmarshal([]byte(tags), &a.Tags); err != nil {
		return a, fmt.Errorf("tags of %s: %w", a.ID, err)
	}
	if settings != "" {
		if err := json.Unmarshal([]byte(settings), &a.OAuth); err != nil {
			return a, fmt.Errorf("OAuth settings of %s: %w", a.ID, err)
		}
	}
	a.CreatedAt, a.UpdatedAt, a.Active = sqldb.Time(created), sqldb.Time(updated), true
	return a, nil
}

// contains is the LIKE pattern of a literal substring.
func contains(part string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(part) + "%"
}
