// Package serviceclientdb owns the SQL of service clients, one text for both databases.
package serviceclientdb

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/serviceclient"
)

// Migrations returns the schema of this feature. Deleted rows stay, without secrets, so
// that no identifier is ever free again.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "serviceclient/0001", Tenanted: []string{"service_clients", "access_keys"}, SQL: `
CREATE TABLE service_clients (
	account_id TEXT NOT NULL,
	client_id TEXT NOT NULL,
	name TEXT NOT NULL,
	settings TEXT NOT NULL,
	search TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	deleted_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (account_id, client_id));
CREATE TABLE access_keys (
	account_id TEXT NOT NULL,
	client_id TEXT NOT NULL,
	key_id TEXT NOT NULL,
	public_key BYTEA NOT NULL,
	created_at BIGINT NOT NULL,
	deleted_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (account_id, client_id, key_id),
	FOREIGN KEY (account_id, client_id) REFERENCES service_clients (account_id, client_id));`}, {ID: "serviceclient/0002", SQL: `
ALTER TABLE access_keys ADD COLUMN secret_hash BYTEA;`}}
}

// Store implements serviceclient.Store and serviceclient.KeyStore.
type Store struct{}

var (
	_ serviceclient.Store    = Store{}
	_ serviceclient.KeyStore = Store{}
)

// settings is the stored form of what the API lets people set besides the name.
type settings struct {
	GrantUserPermissionsAccess bool              `json:"grantUserPermissionsAccess,omitempty"`
	GrantTokenGeneration       bool              `json:"grantTokenGeneration,omitempty"`
	RateLimits                 []rateLimit       `json:"rateLimits,omitempty"`
	Tags                       map[string]string `json:"tags,omitempty"`
}

type rateLimit struct {
	Duration string `json:"duration"`
	Quota    int    `json:"quota"`
}

func encode(c serviceclient.Client) (string, error) {
	s := settings{GrantUserPermissionsAccess: c.Options.GrantUserPermissionsAccess, GrantTokenGeneration: c.Options.GrantTokenGeneration, Tags: c.Tags}
	for _, r := range c.RateLimits {
		s.RateLimits = append(s.RateLimits, rateLimit(r))
	}
	b, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("encode settings: %w", err)
	}
	return string(b), nil
}

// Insert implements serviceclient.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, c serviceclient.Client) error {
	text, err := encode(c)
	if err != nil {
		return err
	}
	_, err = sqldb.From(t).Exec(ctx, `INSERT INTO service_clients (account_id, client_id, name, settings, search, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		string(c.AccountID), string(c.ID), c.Name, text, c.SearchText(), sqldb.Micros(c.CreatedAt), sqldb.Micros(c.UpdatedAt))
	return err
}

// Update implements serviceclient.Store.
func (Store) Update(ctx context.Context, t tx.Tx, c serviceclient.Client) (bool, error) {
	text, err := encode(c)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `UPDATE service_clients SET name = $3, settings = $4, search = $5, updated_at = $6
		WHERE account_id = $1 AND client_id = $2 AND deleted_at = 0`,
		string(c.AccountID), string(c.ID), c.Name, text, c.SearchText(), sqldb.Micros(c.UpdatedAt))
	return n == 1, err
}

// Remove implements serviceclient.Store.
func (Store) Remove(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ServiceClientID) (bool, error) {
	q := sqldb.From(t)
	n, err := q.Exec(ctx, `UPDATE service_clients SET deleted_at = $3, name = '', settings = '{}', search = ''
		WHERE account_id = $1 AND client_id = $2 AND deleted_at = 0`, string(account), string(id), sqldb.Micros(t.Now()))
	if err != nil || n == 0 {
		return false, err
	}
	_, err = q.Exec(ctx, `UPDATE access_keys SET deleted_at = $3 WHERE account_id = $1 AND client_id = $2 AND deleted_at = 0`,
		string(account), string(id), sqldb.Micros(t.Now()))
	return err == nil, err
}

const (
	clientColumns = `account_id, client_id, name, settings, created_at, updated_at`
	keyColumns    = `account_id, client_id, key_id, public_key, created_at, secret_hash`
	// pageOf is one page of the clients of an account.
	pageOf = ` WHERE account_id = $1 AND client_id > $2 AND deleted_at = 0 AND search LIKE $3 ESCAPE '\' ORDER BY client_id LIMIT $4`
)

// Get implements serviceclient.Store.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ServiceClientID) (serviceclient.Client, error) {
	q := sqldb.From(t)
	c, err := sqldb.One(ctx, q, scanClient, `SELECT `+clientColumns+` FROM service_clients
		WHERE account_id = $1 AND client_id = $2 AND deleted_at = 0`, string(account), string(id))
	if err != nil {
		return c, err
	}
	rows, err := sqldb.List(ctx, q, scanKey, `SELECT `+keyColumns+` FROM access_keys
		WHERE account_id = $1 AND client_id = $2 AND deleted_at = 0 ORDER BY created_at, key_id`, string(account), string(id))
	all := []serviceclient.Client{c}
	attach(all, rows)
	return all[0], err
}

// List implements serviceclient.Store.
func (Store) List(ctx context.Context, t tx.Tx, account ident.AccountID, p serviceclient.Query) ([]serviceclient.Client, error) {
	q := sqldb.From(t)
	args := []any{string(account), string(p.After), contains(p.Filter), p.Limit}
	page, err := sqldb.List(ctx, q, scanClient, `SELECT `+clientColumns+` FROM service_clients`+pageOf, args...)
	if err != nil || len(page) == 0 {
		return nil, err
	}
	rows, err := sqldb.List(ctx, q, scanKey, `SELECT `+keyColumns+` FROM access_keys
		WHERE account_id = $1 AND client_id IN (SELECT client_id FROM service_clients`+pageOf+`) AND deleted_at = 0
		ORDER BY created_at, key_id`, args...)
	attach(page, rows)
	return page, err
}

// All implements serviceclient.KeyStore.
func (Store) All(ctx context.Context, t tx.Tx) ([]serviceclient.Client, error) {
	q := sqldb.From(t)
	all, err := sqldb.List(ctx, q, scanClient, `SELECT `+clientColumns+` FROM service_clients WHERE deleted_at = 0`)
	if err != nil {
		return nil, err
	}
	rows, err := sqldb.List(ctx, q, scanKey, `SELECT `+keyColumns+` FROM access_keys WHERE deleted_at = 0 ORDER BY created_at, key_id`)
	attach(all, rows)
	return all, err
}

// Lock implements serviceclient.KeyStore. On PostgreSQL the statement locks the row until
// the commit; on SQLite there is one writer.
func (Store) Lock(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ServiceClientID) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `UPDATE service_clients SET updated_at = $3 WHERE account_id = $1 AND client_id = $2 AND deleted_at = 0`,
		string(account), string(id), sqldb.Micros(t.Now()))
	return n == 1, err
}

// AddKey implements serviceclient.KeyStore.
func (s Store) AddKey(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ServiceClientID, k serviceclient.Key, limit int) (serviceclient.Added, error) {
	there, err := s.Lock(ctx, t, account, id)
	if err != nil || !there {
		return serviceclient.NoClient, err
	}
	n, err := sqldb.From(t).Exec(ctx, `INSERT INTO access_keys (account_id, client_id, key_id, public_key, created_at, secret_hash)
		SELECT c.account_id, c.client_id, $3, $4, $5, $7 FROM service_clients c
		WHERE c.account_id = $1 AND c.client_id = $2 AND (
			SELECT count(*) FROM access_keys a WHERE a.account_id = $1 AND a.client_id = $2 AND a.deleted_at = 0) < $6`,
		string(account), string(id), string(k.KeyID), []byte(k.PublicKey), sqldb.Micros(k.CreatedAt), limit, k.SecretHash)
	if err != nil || n == 0 {
		return serviceclient.TooManyKeys, err
	}
	return serviceclient.KeyAdded, nil
}

// RemoveKey implements serviceclient.KeyStore.
func (Store) RemoveKey(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ServiceClientID, key ident.KeyID) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `UPDATE access_keys SET deleted_at = $4
		WHERE account_id = $1 AND client_id = $2 AND key_id = $3 AND deleted_at = 0`,
		string(account), string(id), string(key), sqldb.Micros(t.Now()))
	return n == 1, err
}

func scanClient(r sqldb.Row) (serviceclient.Client, error) {
	var (
		c                serviceclient.Client
		text             string
		created, updated int64
	)
	if err := r.Scan((*string)(&c.AccountID), (*string)(&c.ID), &c.Name, &text, &created, &updated); err != nil {
		return c, err
	}
	var s settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return c, fmt.Errorf("settings of %s: %w", c.ID, err)
	}
	c.Options = serviceclient.Options{GrantUserPermissionsAccess: s.GrantUserPermissionsAccess, GrantTokenGeneration: s.GrantTokenGeneration}
	for _, l := range s.RateLimits {
		c.RateLimits = append(c.RateLimits, serviceclient.RateLimit(l))
	}
	c.Tags, c.CreatedAt, c.UpdatedAt = s.Tags, sqldb.Time(created), sqldb.Time(updated)
	return c, nil
}

type keyRow struct {
	account ident.AccountID
	client  ident.ServiceClientID
	key     serviceclient.Key
}

func scanKey(r sqldb.Row) (v keyRow, err error) {
	var created int64
	err = r.Scan((*string)(&v.account), (*string)(&v.client), (*string)(&v.key.KeyID), (*[]byte)(&v.key.PublicKey), &created, &v.key.SecretHash)
	v.key.CreatedAt = sqldb.Time(created)
	return v, err
}

// attach gives every client its keys, which are in order.
func attach(clients []serviceclient.Client, rows []keyRow) {
	type id struct {
		account ident.AccountID
		client  ident.ServiceClientID
	}
	at := make(map[id]int, len(clients))
	for i, c := range clients {
		at[id{c.AccountID, c.ID}] = i
	}
	for _, r := range rows {
		if i, ok := at[id{r.account, r.client}]; ok {
			clients[i].Keys = append(clients[i].Keys, r.key)
		}
	}
}

// contains is the LIKE pattern of a literal substring.
func contains(part string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(part) + "%"
}
