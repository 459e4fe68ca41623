package accessdb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

type groupBody struct {
	Name   string            `json:"n"`
	Users  []ident.UserID    `json:"u,omitempty"`
	Admins []ident.UserID    `json:"a,omitempty"`
	Tags   map[string]string `json:"t,omitempty"`
}

func encodeGroup(g *access.Group) (string, error) {
	out, err := json.Marshal(groupBody{Name: g.Name, Users: g.Users, Admins: g.Admins, Tags: g.Tags})
	return string(out), err
}

func scanGroup(row sqldb.Row) (access.Group, error) {
	var (
		g                access.Group
		body             []byte
		created, updated int64
	)
	if err := row.Scan(&g.ID, &body, &created, &updated); err != nil {
		return g, err
	}
	g.CreatedAt, g.LastUpdated = sqldb.Time(created), sqldb.Time(updated)
	var b groupBody
	if err := json.Unmarshal(body, &b); err != nil {
		return g, fmt.Errorf("group %s: %w", g.ID, err)
	}
	g.Name, g.Users, g.Admins, g.Tags = b.Name, b.Users, b.Admins, b.Tags
	return g, nil
}

const groupColumns = `group_id, body, created_at, updated_at`

// Get implements access.GroupStore.
func (Groups) Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.GroupID) (access.Group, error) {
	return sqldb.One(ctx, sqldb.From(t), scanGroup,
		`SELECT `+groupColumns+` FROM access_groups WHERE account_id = $1 AND group_id = $2`, string(account), string(id))
}

// Create implements access.GroupStore.
func (Groups) Create(ctx context.Context, t tx.Tx, account ident.AccountID, g access.Group) (bool, error) {
	body, err := encodeGroup(&g)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `
INSERT INTO access_groups (account_id, group_id, body, search, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id, group_id) DO NOTHING`,
		string(account), string(g.ID), body, g.Searchable(), sqldb.Micros(g.CreatedAt), sqldb.Micros(g.LastUpdated))
	if err != nil || n == 0 {
		return false, err
	}
	return true, putVersion(ctx, sqldb.From(t), item{account, kindGroup, string(g.ID)}, body)
}

// Replace implements access.GroupStore.
func (Groups) Replace(ctx context.Context, t tx.Tx, account ident.AccountID, g access.Group, before time.Time) (bool, error) {
	body, err := encodeGroup(&g)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `
UPDATE access_groups SET body = $4, search = $5, updated_at = $6
WHERE account_id = $1 AND group_id = $2 AND updated_at = $3`,
		string(account), string(g.ID), sqldb.Micros(before), body, g.Searchable(), sqldb.Micros(g.LastUpdated))
	if err != nil || n == 0 {
		return false, err
	}
	return true, putVersion(ctx, sqldb.From(t), item{account, kindGroup, string(g.ID)}, body)
}

// Delete implements access.GroupStore.
func (Groups) Delete(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.GroupID) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `DELETE FROM access_groups WHERE account_id = $1 AND group_id = $2`, string(account), string(id))
	if err != nil || n == 0 {
		return false, err
	}
	return true, putVersion(ctx, sqldb.From(t), item{account, kindGroup, string(id)}, "")
}

// List implements access.GroupStore.
func (Groups) List(ctx context.Context, t tx.Tx, account ident.AccountID, p access.Page) ([]access.Group, error) {
	return sqldb.List(ctx, sqldb.From(t), scanGroup, `
SELECT `+groupColumns+` FROM access_groups
WHERE account_id = $1 AND group_id > $2 AND search LIKE $3 ESCAPE '!'
ORDER BY group_id LIMIT $4`, string(account), p.After, pattern(p.Filter), p.Limit)
}

// AdminOf implements access.GroupStore.
func (Groups) AdminOf(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]ident.GroupID, error) {
	found, err := sqldb.List(ctx, sqldb.From(t), scanGroup, `
SELECT `+groupColumns+` FROM access_groups
WHERE account_id = $1 AND search LIKE $2 ESCAPE '!' ORDER BY group_id`, string(account), pattern(strings.ToLower(string(user))))
	var out []ident.GroupID
	for i := range found {
		if slices.Contains(found[i].Admins, user) {
			out = append(out, found[i].ID)
		}
	}
	return out, err
}

// Each implements access.GroupStore.
func (Groups) Each(ctx context.Context, t tx.Tx, fn func(ident.AccountID, access.Group) error) error {
	return each(ctx, t, scanGroup, fn, `SELECT account_id, `+groupColumns+` FROM access_groups ORDER BY account_id, group_id`)
}
