// Package authorizedb owns the tables of authorization requests on their way and of pushed ones. It
// implements authorize.Store.
package authorizedb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/authorize"
)

// Migrations makes the tables.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "oauth-authorize/0001", Tenanted: []string{"oauth_requests", "oauth_pushed"}, SQL: `
CREATE TABLE oauth_requests (
	account_id TEXT NOT NULL,
	id TEXT NOT NULL,
	client_id TEXT NOT NULL,
	params TEXT NOT NULL,
	pushed BOOLEAN NOT NULL,
	signed BOOLEAN NOT NULL,
	extension BOOLEAN NOT NULL,
	browser_hash BYTEA NOT NULL,
	login_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	decision TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id));
CREATE INDEX oauth_requests_expires ON oauth_requests (expires_at);
CREATE TABLE oauth_pushed (
	account_id TEXT NOT NULL,
	uri_hash BYTEA NOT NULL,
	client_id TEXT NOT NULL,
	params TEXT NOT NULL,
	signed BOOLEAN NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, uri_hash));
CREATE INDEX oauth_pushed_expires ON oauth_pushed (expires_at);`}}
}

// Store implements authorize.Store. The zero value is ready.
type Store struct{}

var _ authorize.Store = Store{}

const columns = `account_id, id, client_id, params, pushed, signed, extension, browser_hash, login_id, user_id, decision, created_at, expires_at`

// open is what every use of a request is bound to.
const open = ` WHERE account_id = $1 AND id = $2 AND browser_hash = $3 AND expires_at > $4`

// Insert implements authorize.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, r authorize.Request) error {
	params, err := json.Marshal(r.Params)
	if err != nil {
		return err
	}
	if len(r.Browser) == 0 {
		return fault.New(fault.Internal, fault.CodeInternal, "An authorization request belongs to a browser.")
	}
	_, err = sqldb.From(t).Exec(ctx, `INSERT INTO oauth_requests (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		string(r.Account), r.ID, r.Client, string(params), r.Pushed, r.Signed, r.Extension, r.Browser, string(r.Login), string(r.User),
		string(r.Decision), sqldb.Micros(r.CreatedAt), sqldb.Micros(r.ExpiresAt))
	return err
}

// Get implements authorize.Store.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, id string, browser []byte) (authorize.Request, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM oauth_requests`+open, string(account), id, browser, sqldb.Micros(t.Now()))
}

// Await implements authorize.Store.
func (Store) Await(ctx context.Context, t tx.Tx, r authorize.Request) error {
	return one(sqldb.From(t).Exec(ctx, `UPDATE oauth_requests SET login_id = $5, user_id = $6, decision = ''`+open,
		string(r.Account), r.ID, r.Browser, sqldb.Micros(t.Now()), string(r.Login), string(r.User)))
}

// Decide implements authorize.Store.
func (Store) Decide(ctx context.Context, t tx.Tx, r authorize.Request) error {
	return one(sqldb.From(t).Exec(ctx, `UPDATE oauth_requests SET decision = $6`+open+` AND user_id = $5 AND user_id <> '' AND decision = ''`,
		string(r.Account), r.ID, r.Browser, sqldb.Micros(t.Now()), string(r.User), string(r.Decision)))
}

// Take implements authorize.Store.
func (Store) Take(ctx context.Context, t tx.Tx, account ident.AccountID, id string, browser []byte) error {
	return one(sqldb.From(t).Exec(ctx, `DELETE FROM oauth_requests`+open, string(account), id, browser, sqldb.Micros(t.Now())))
}

// InsertPushed implements authorize.Store.
func (Store) InsertPushed(ctx context.Context, t tx.Tx, p authorize.Pushed) error {
	params, err := json.Marshal(p.Params)
	if err != nil {
		return err
	}
	_, err = sqldb.From(t).Exec(ctx, `INSERT INTO oauth_pushed (account_id, uri_hash, client_id, params, signed, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		string(p.Account), p.Hash, p.Client, string(params), p.Signed, sqldb.Micros(p.ExpiresAt))
	return err
}

// TakePushed implements authorize.Store.
func (Store) TakePushed(ctx context.Context, t tx.Tx, account ident.AccountID, client string, hash []byte) (authorize.Pushed, error) {
	return sqldb.One(ctx, sqldb.From(t), scanPushed, `DELETE FROM oauth_pushed
WHERE account_id = $1 AND uri_hash = $2 AND client_id = $3 AND expires_at > $4
RETURNING account_id, uri_hash, client_id, params, signed, expires_at`, string(account), hash, client, sqldb.Micros(t.Now()))
}

// Purge implements authorize.Store.
func (Store) Purge(ctx context.Context, t tx.Tx, before time.Time, limit int) (total int64, err error) {
	for _, table := range []struct{ name, key string }{{"oauth_requests", "account_id, id"}, {"oauth_pushed", "account_id, uri_hash"}} {
		n, err := sqldb.From(t).Exec(ctx, `DELETE FROM `+table.name+` WHERE (`+table.key+`) IN (
	SELECT `+table.key+` FROM `+table.name+` WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, sqldb.Micros(before), limit)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

func scan(row sqldb.Row) (authorize.Request, error) {
	var r authorize.Request
	var params string
	var created, expires int64
	err := row.Scan(&r.Account, &r.ID, &r.Client, &params, &r.Pushed, &r.Signed, &r.Extension, &r.Browser, &r.Login, &r.User, &r.Decision, &created, &expires)
	if err != nil {
		return r, err
	}
	r.CreatedAt, r.ExpiresAt = sqldb.Time(created), sqldb.Time(expires)
	return r, decode(params, &r.Params)
}

func scanPushed(row sqldb.Row) (authorize.Pushed, error) {
	var p authorize.Pushed
	var params string
	var expires int64
	if err := row.Scan(&p.Account, &p.Hash, &p.Client, &params, &p.Signed, &expires); err != nil {
		return p, err
	}
	p.ExpiresAt = sqldb.Time(expires)
	return p, decode(params, &p.Params)
}

func decode(text string, v any) error {
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fmt.Errorf("authorizedb: stored parameters: %w", err)
	}
	return nil
}

var errNone = fault.New(fault.NotFound, fault.CodeNotFound, "There is no such authorization request.")

// one makes the number of rows that a statement changed an error.
func one(n int64, err error) error {
	if err == nil && n == 0 {
		return errNone
	}
	return err
}
