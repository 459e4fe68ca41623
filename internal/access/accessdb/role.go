package accessdb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

type roleBody struct {
	Name        string           `json:"n"`
	Description string           `json:"d,omitempty"`
	Permissions []permissionBody `json:"p"`
}

type permissionBody struct {
	Action   string `json:"a"`
	Allow    bool   `json:"l,omitempty"`
	Grant    bool   `json:"g,omitempty"`
	Delegate bool   `json:"d,omitempty"`
}

func encodeRole(r *access.Role) (string, error) {
	b := roleBody{Name: r.Name, Description: r.Description}
	for _, p := range r.Permissions {
		b.Permissions = append(b.Permissions, permissionBody(p))
	}
	out, err := json.Marshal(b)
	return string(out), err
}

func scanRole(row sqldb.Row) (access.Role, error) {
	var (
		r                access.Role
		body             []byte
		created, updated int64
	)
	if err := row.Scan(&r.ID, &body, &created, &updated); err != nil {
		return r, err
	}
	content, err := decodeRole(r.ID, body)
	content.CreatedAt, content.LastUpdated = sqldb.Time(created), sqldb.Time(updated)
	return content, err
}

// decodeRole reads what encodeRole wrote.
func decodeRole(id ident.RoleID, body []byte) (access.Role, error) {
	r := access.Role{ID: id}
	var b roleBody
	if err := json.Unmarshal(body, &b); err != nil {
		return r, fmt.Errorf("role %s: %w", r.ID, err)
	}
	r.Name, r.Description = b.Name, b.Description
	r.Permissions = make([]access.Permission, len(b.Permissions))
	for i, p := range b.Permissions {
		r.Permissions[i] = access.Permission(p)
	}
	return r, nil
}

const roleColumns = `role_id, body, created_at, updated_at`

// Get implements access.RoleStore.
func (Roles) Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.RoleID) (access.Role, error) {
	return sqldb.One(ctx, sqldb.From(t), scanRole,
		`SELECT `+roleColumns+` FROM access_roles WHERE account_id = $1 AND role_id = $2`, string(account), string(id))
}

// Lock implements access.RoleStore. SQLite has one writer, so there is nothing to lock.
func (Roles) Lock(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.RoleID, exclusive bool) (access.Role, error) {
	q, lock := sqldb.From(t), ""
	if q.Dialect() == sqldb.Postgres {
		lock = " FOR SHARE"
		if exclusive {
			lock = " FOR UPDATE"
		}
	}
	return sqldb.One(ctx, q, scanRole,
		`SELECT `+roleColumns+` FROM access_roles WHERE account_id = $1 AND role_id = $2`+lock, string(account), string(id))
}

// Create implements access.RoleStore.
func (Roles) Create(ctx context.Context, t tx.Tx, account ident.AccountID, r access.Role) (bool, error) {
	body, err := encodeRole(&r)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `
INSERT INTO access_roles (account_id, role_id, body, search, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id, role_id) DO NOTHING`,
		string(account), string(r.ID), body, r.Searchable(), sqldb.Micros(r.CreatedAt), sqldb.Micros(r.LastUpdated))
	if err != nil || n == 0 {
		return false, err
	}
	return true, putVersion(ctx, sqldb.From(t), item{account, kindRole, string(r.ID)}, body)
}

// Replace implements access.RoleStore.
func (Roles) Replace(ctx context.Context, t tx.Tx, account ident.AccountID, r access.Role) (bool, error) {
	body, err := encodeRole(&r)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `
UPDATE access_roles SET body = $3, search = $4, updated_at = $5 WHERE account_id = $1 AND role_id = $2`,
		string(account), string(r.ID), body, r.Searchable(), sqldb.Micros(r.LastUpdated))
	if err != nil || n == 0 {
		return false, err
	}
	return true, putVersion(ctx, sqldb.From(t), item{account, kindRole, string(r.ID)}, body)
}

// Delete implements access.RoleStore.
func (Roles) Delete(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.RoleID) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `DELETE FROM access_roles WHERE account_id = $1 AND role_id = $2`, string(account), string(id))
	if err != nil || n == 0 {
		return false, err
	}
	return true, putVersion(ctx, sqldb.From(t), item{account, kindRole, string(id)}, "")
}

// List implements access.RoleStore.
func (Roles) List(ctx context.Context, t tx.Tx, account ident.AccountID, p access.Page) ([]access.Role, error) {
	return sqldb.List(ctx, sqldb.From(t), scanRole, `
SELECT `+roleColumns+` FROM access_roles
WHERE account_id = $1 AND role_id > $2 AND search LIKE $3 ESCAPE '!'
ORDER BY role_id LIMIT $4`, string(account), p.After, pattern(p.Filter), p.Limit)
}

// Each implements access.RoleStore.
func (Roles) Each(ctx context.Context, t tx.Tx, fn func(ident.AccountID, access.Role) error) error {
	return each(ctx, t, scanRole, fn, `SELECT account_id, `+roleColumns+` FROM access_roles ORDER BY account_id, role_id`)
}
