// Package tenantdb owns the SQL of tenants and their members, one text for both databases.
package tenantdb

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/account/tenant"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations makes the tables. A name is a lookup identifier or a domain, in lower case; deleted
// tenants keep their row, so that their ids stay taken.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "tenant/0001", Tenanted: []string{"tenants", "tenant_names", "tenant_users"}, SQL: `
CREATE TABLE tenants (
	account_id TEXT NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	lookup TEXT NOT NULL,
	domains TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	token_life BIGINT NOT NULL,
	session_life BIGINT NOT NULL,
	search TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	deleted_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id));
CREATE TABLE tenant_names (
	account_id TEXT NOT NULL,
	name TEXT NOT NULL,
	tenant_id TEXT NOT NULL,
	PRIMARY KEY (account_id, name));
CREATE INDEX tenant_names_tenant ON tenant_names (account_id, tenant_id);
CREATE TABLE tenant_users (
	account_id TEXT NOT NULL,
	tenant_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, tenant_id, user_id));
CREATE INDEX tenant_users_user ON tenant_users (account_id, user_id, tenant_id);`}}
}

// Store implements tenant.Store. The zero value is ready.
type Store struct{}

const columns = `account_id, id, name, lookup, domains, connection_id, token_life, session_life, created_at, updated_at`

// args are the columns after the id, as Insert and Update write them. Lives are in seconds.
func args(n tenant.Tenant) ([]any, error) {
	domains, err := json.Marshal(n.Domains)
	if err != nil {
		return nil, err
	}
	return []any{string(n.Account), string(n.ID), n.Name, n.Lookup, string(domains), string(n.Connection),
		int64(n.TokenLife / time.Second), int64(n.SessionLife / time.Second), n.SearchText(), sqldb.Micros(n.UpdatedAt)}, nil
}

// Insert implements tenant.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, n tenant.Tenant) (bool, error) {
	values, err := args(n)
	if err != nil {
		return false, err
	}
	count, err := sqldb.From(t).Exec(ctx, `INSERT INTO tenants (account_id, id, name, lookup, domains, connection_id, token_life, session_life,
	search, updated_at, created_at, deleted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)
ON CONFLICT (account_id, id) DO NOTHING`, append(values, sqldb.Micros(n.CreatedAt))...)
	return count == 1, err
}

// Update implements tenant.Store.
func (Store) Update(ctx context.Context, t tx.Tx, n tenant.Tenant) (bool, error) {
	values, err := args(n)
	if err != nil {
		return false, err
	}
	count, err := sqldb.From(t).Exec(ctx, `UPDATE tenants SET name = $3, lookup = $4, domains = $5, connection_id = $6, token_life = $7,
	session_life = $8, search = $9, updated_at = $10 WHERE account_id = $1 AND id = $2 AND deleted_at = 0`, values...)
	return count == 1, err
}

// Delete implements tenant.Store.
func (Store) Delete(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.TenantID) (bool, error) {
	q := sqldb.From(t)
	n, err := q.Exec(ctx, `UPDATE tenants SET deleted_at = $3, name = '', lookup = '', domains = '[]', search = ''
WHERE account_id = $1 AND id = $2 AND deleted_at = 0`, string(account), string(id), sqldb.Micros(t.Now()))
	if err != nil || n == 0 {
		return false, err
	}
	for _, table := range []string{"tenant_names", "tenant_users"} {
		if _, err := q.Exec(ctx, `DELETE FROM `+table+` WHERE account_id = $1 AND tenant_id = $2`, string(account), string(id)); err != nil {
			return false, err
		}
	}
	return true, nil
}

// Get implements tenant.Store.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.TenantID) (tenant.Tenant, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM tenants WHERE account_id = $1 AND id = $2 AND deleted_at = 0`,
		string(account), string(id))
}

// List implements tenant.Store.
func (Store) List(ctx context.Context, t tx.Tx, account ident.AccountID, q tenant.Query) ([]tenant.Tenant, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM tenants WHERE account_id = $1 AND id > $2 AND deleted_at = 0
	AND search LIKE $3 ESCAPE '\' ORDER BY id LIMIT $4`,
		string(account), string(q.After), contains(q.Filter), q.Limit)
}

// All implements tenant.Store.
func (Store) All(ctx context.Context, t tx.Tx) ([]tenant.Tenant, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM tenants WHERE deleted_at = 0 ORDER BY account_id, id`)
}

// Gone implements tenant.Store.
func (Store) Gone(ctx context.Context, t tx.Tx) (map[ident.AccountID][]ident.TenantID, error) {
	type key struct {
		account ident.AccountID
		id      ident.TenantID
	}
	list, err := sqldb.List(ctx, sqldb.From(t), func(r sqldb.Row) (k key, err error) {
		err = r.Scan(&k.account, &k.id)
		return k, err
	}, `SELECT account_id, id FROM tenants WHERE deleted_at <> 0 ORDER BY account_id, id`)
	out := map[ident.AccountID][]ident.TenantID{}
	for _, k := range list {
		out[k.account] = append(out[k.account], k.id)
	}
	return out, err
}

// SetNames implements tenant.Store.
func (Store) SetNames(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.TenantID, names []string) (bool, error) {
	q := sqldb.From(t)
	if _, err := q.Exec(ctx, `DELETE FROM tenant_names WHERE account_id = $1 AND tenant_id = $2`, string(account), string(id)); err != nil {
		return false, err
	}
	for _, name := range names {
		n, err := q.Exec(ctx, `INSERT INTO tenant_names (account_id, name, tenant_id) VALUES ($1, $2, $3)
ON CONFLICT (account_id, name) DO NOTHING`, string(account), name, string(id))
		if err != nil || n == 0 {
			return false, err
		}
	}
	return true, nil
}

// contains is the LIKE pattern of a literal substring.
func contains(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

func scan(r sqldb.Row) (tenant.Tenant, error) {
	var n tenant.Tenant
	var domains string
	var tokens, sessions, created, updated int64
	if err := r.Scan(&n.Account, &n.ID, &n.Name, &n.Lookup, &domains, &n.Connection, &tokens, &sessions, &created, &updated); err != nil {
		return n, err
	}
	if err := json.Unmarshal([]byte(domains), &n.Domains); err != nil {
		return n, fmt.Errorf("domains of tenant %s: %w", n.ID, err)
	}
	n.TokenLife, n.SessionLife = time.Duration(tokens)*time.Second, time.Duration(sessions)*time.Second
	n.CreatedAt, n.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	return n, nil
}
