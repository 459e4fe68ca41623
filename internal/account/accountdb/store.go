// Package accountdb owns the SQL of accounts, one text for both databases.
package accountdb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations returns the schema of this feature. A host is unique in the whole deployment,
// not in its account: it is what chooses the account.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "account/0001", Tenanted: []string{"accounts", "account_hosts"}, SQL: `
CREATE TABLE accounts (
	account_id TEXT NOT NULL PRIMARY KEY,
	name TEXT NOT NULL,
	settings TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL);
CREATE TABLE account_hosts (
	account_id TEXT NOT NULL REFERENCES accounts (account_id),
	host TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, host));
CREATE UNIQUE INDEX account_hosts_host ON account_hosts (host);`}}
}

// Store implements account.Store and account.HostStore.
type Store struct{}

var (
	_ account.Store     = Store{}
	_ account.HostStore = Store{}
)

// settings is the stored form. Durations are in seconds.
type settings struct {
	LogoURL         string `json:"logoUrl,omitempty"`
	AccentColor     string `json:"accentColor,omitempty"`
	AccessToken     int64  `json:"accessTokenSeconds"`
	SessionIdle     int64  `json:"sessionIdleSeconds"`
	SessionAbsolute int64  `json:"sessionAbsoluteSeconds"`
	Locale          string `json:"locale"`

	Registration  account.Registration `json:"oauthRegistration,omitempty"`
	DocumentHosts []string             `json:"oauthDocumentHosts,omitempty"`
	OpenScopes    []string             `json:"oauthOpenScopes,omitempty"`
	OpenResources []string             `json:"oauthOpenResources,omitempty"`
}

func encode(a account.Account) (string, error) {
	b, err := json.Marshal(settings{
		LogoURL: a.LogoURL, AccentColor: a.AccentColor, Locale: a.Settings.Locale,
		AccessToken:     int64(a.Settings.AccessTokenDuration / time.Second),
		SessionIdle:     int64(a.Settings.SessionIdle / time.Second),
		SessionAbsolute: int64(a.Settings.SessionAbsolute / time.Second),
		Registration:    a.Settings.OAuth.Registration, DocumentHosts: a.Settings.OAuth.DocumentHosts,
		OpenScopes: a.Settings.OAuth.Scopes, OpenResources: a.Settings.OAuth.Resources,
	})
	if err != nil {
		return "", fmt.Errorf("encode settings: %w", err)
	}
	return string(b), nil
}

// Insert implements account.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, a account.Account) (bool, error) {
	text, err := encode(a)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `INSERT INTO accounts (account_id, name, settings, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id) DO NOTHING`,
		string(a.ID), a.Name, text, sqldb.Micros(a.CreatedAt), sqldb.Micros(a.UpdatedAt))
	return n == 1, err
}

// Update implements account.Store.
func (Store) Update(ctx context.Context, t tx.Tx, a account.Account) (bool, error) {
	text, err := encode(a)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `UPDATE accounts SET name = $2, settings = $3, updated_at = $4 WHERE account_id = $1`,
		string(a.ID), a.Name, text, sqldb.Micros(a.UpdatedAt))
	return n == 1, err
}

// Get implements account.Store.
func (s Store) Get(ctx context.Context, t tx.Tx, id ident.AccountID) (account.Account, error) {
	q := sqldb.From(t)
	a, err := sqldb.One(ctx, q, scan, `SELECT account_id, name, settings, created_at, updated_at FROM accounts WHERE account_id = $1`, string(id))
	if err != nil {
		return a, err
	}
	a.Hosts, err = sqldb.List(ctx, q, sqldb.Scalar[string], `SELECT host FROM account_hosts WHERE account_id = $1 ORDER BY created_at, host`, string(id))
	return a, err
}

// All implements account.Store.
func (s Store) All(ctx context.Context, t tx.Tx) ([]account.Account, error) {
	q := sqldb.From(t)
	all, err := sqldb.List(ctx, q, scan, `SELECT account_id, name, settings, created_at, updated_at FROM accounts ORDER BY account_id`)
	if err != nil {
		return nil, err
	}
	type row struct{ id, host string }
	hosts, err := sqldb.List(ctx, q, func(r sqldb.Row) (v row, err error) {
		err = r.Scan(&v.id, &v.host)
		return v, err
	}, `SELECT account_id, host FROM account_hosts ORDER BY created_at, host`)
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(all))
	for i, a := range all {
		at[string(a.ID)] = i
	}
	for _, h := range hosts {
		a := &all[at[h.id]]
		a.Hosts = append(a.Hosts, h.host)
	}
	return all, nil
}

// AddHost implements account.HostStore.
func (Store) AddHost(ctx context.Context, t tx.Tx, id ident.AccountID, host string) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `INSERT INTO account_hosts (account_id, host, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		string(id), host, sqldb.Micros(t.Now()))
	return n == 1, err
}

// RemoveHost implements account.HostStore.
func (Store) RemoveHost(ctx context.Context, t tx.Tx, id ident.AccountID, host string) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `DELETE FROM account_hosts WHERE account_id = $1 AND host = $2`, string(id), host)
	return n == 1, err
}

func scan(r sqldb.Row) (account.Account, error) {
	var (
		a                account.Account
		text             string
		created, updated int64
	)
	if err := r.Scan((*string)(&a.ID), &a.Name, &text, &created, &updated); err != nil {
		return a, err
	}
	var s settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return a, fmt.Errorf("settings of %s: %w", a.ID, err)
	}
	a.LogoURL, a.AccentColor = s.LogoURL, s.AccentColor
	a.Settings = account.Settings{
		AccessTokenDuration: time.Duration(s.AccessToken) * time.Second, Locale: s.Locale,
		SessionIdle: time.Duration(s.SessionIdle) * time.Second, SessionAbsolute: time.Duration(s.SessionAbsolute) * time.Second,
		OAuth: account.OAuthSettings{
			Registration: s.Registration, DocumentHosts: s.DocumentHosts, Scopes: s.OpenScopes, Resources: s.OpenResources,
		},
	}
	a.CreatedAt, a.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	return a, nil
}
