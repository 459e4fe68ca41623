// Package devicedb owns the table of device authorizations. It implements device.Store.
package devicedb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/device"
)

// Migrations makes the table.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "oauth-device/0001", Tenanted: []string{"oauth_devices"}, SQL: `
CREATE TABLE oauth_devices (
	account_id TEXT NOT NULL,
	id TEXT NOT NULL,
	device_hash BYTEA NOT NULL,
	user_hash BYTEA NOT NULL,
	client_id TEXT NOT NULL,
	state TEXT NOT NULL,
	user_id TEXT NOT NULL,
	jkt TEXT NOT NULL,
	x5t TEXT NOT NULL,
	challenge TEXT NOT NULL,
	sealed BYTEA NOT NULL,
	asked TEXT NOT NULL,
	allowed TEXT NOT NULL,
	wait BIGINT NOT NULL,
	next_poll BIGINT NOT NULL,
	early BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id),
	UNIQUE (account_id, device_hash),
	UNIQUE (account_id, user_hash));
CREATE INDEX oauth_devices_client ON oauth_devices (account_id, client_id, state);
CREATE INDEX oauth_devices_user ON oauth_devices (account_id, user_id);
CREATE INDEX oauth_devices_expires ON oauth_devices (expires_at);`}}
}

// Store implements device.Store. The zero value is ready.
type Store struct{}

var _ device.Store = Store{}

// asked is what a device asked for, in JSON.
type asked struct {
	Scopes    []string        `json:"s,omitempty"`
	Resources []string        `json:"r,omitempty"`
	Details   json.RawMessage `json:"d,omitempty"`
}

const columns = `account_id, id, client_id, state, jkt, x5t, challenge, sealed, asked, allowed, wait, early, created_at, expires_at`

type row struct {
	device.Authorization
	early bool
}

func scan(r sqldb.Row) (row, error) {
	var (
		out                           row
		ask, allowed                  string
		wait, early, created, expires int64
	)
	a := &out.Authorization
	err := r.Scan(&a.Account, &a.ID, &a.Client, &a.State, &a.JKT, &a.X5T, &a.Challenge, &a.Sealed, &ask, &allowed, &wait, &early, &created, &expires)
	if err != nil {
		return out, err
	}
	out.early = early != 0
	a.Interval, a.CreatedAt, a.ExpiresAt = time.Duration(wait)*time.Microsecond, sqldb.Time(created), sqldb.Time(expires)
	var what asked
	if err := json.Unmarshal([]byte(ask), &what); err != nil {
		return out, fmt.Errorf("device authorization %s: %w", a.ID, err)
	}
	a.Scopes, a.Resources, a.Details = what.Scopes, what.Resources, what.Details
	if allowed == "" {
		return out, nil
	}
	a.Allowed = &oauth.Authorization{}
	if err := json.Unmarshal([]byte(allowed), a.Allowed); err != nil {
		return out, fmt.Errorf("device authorization %s: %w", a.ID, err)
	}
	for _, raw := range []*json.RawMessage{&a.Allowed.Details, &a.Allowed.Claims, &a.Allowed.Actor} {
		if string(*raw) == "null" {
			*raw = nil
		}
	}
	return out, nil
}

func one(ctx context.Context, t tx.Tx, query string, args ...any) (device.Authorization, error) {
	found, err := sqldb.One(ctx, sqldb.From(t), scan, query, args...)
	return found.Authorization, err
}

// Insert implements device.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, a device.Authorization, c device.Codes, most int) (bool, error) {
	what, err := json.Marshal(asked{a.Scopes, a.Resources, a.Details})
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `
INSERT INTO oauth_devices (account_id, id, client_id, state, jkt, x5t, challenge, sealed, asked, wait, created_at, expires_at, device_hash, user_hash,
	allowed, user_id, next_poll, early)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, '', '', 0, 0
WHERE (SELECT COUNT(*) FROM (SELECT 1 FROM oauth_devices WHERE account_id = $1 AND client_id = $3 AND state = $4 LIMIT $15) AS waiting) < $15
ON CONFLICT DO NOTHING`,
		string(a.Account), a.ID, a.Client, string(device.Waiting), a.JKT, a.X5T, a.Challenge, a.Sealed, string(what), a.Interval.Microseconds(),
		sqldb.Micros(a.CreatedAt), sqldb.Micros(a.ExpiresAt), c.Device, c.User, most)
	return n == 1, err
}

// ByUserCode implements device.Store.
func (Store) ByUserCode(ctx context.Context, t tx.Tx, account ident.AccountID, user []byte) (device.Authorization, error) {
	return one(ctx, t, `SELECT `+columns+` FROM oauth_devices
WHERE account_id = $1 AND user_hash = $2 AND state = $3 AND expires_at > $4`, string(account), user, string(device.Waiting), sqldb.Micros(t.Now()))
}

// Get implements device.Store.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, id string) (device.Authorization, error) {
	return one(ctx, t, `SELECT `+columns+` FROM oauth_devices WHERE account_id = $1 AND id = $2 AND expires_at > $3`,
		string(account), id, sqldb.Micros(t.Now()))
}

// Decide implements device.Store.
func (Store) Decide(ctx context.Context, t tx.Tx, a device.Authorization) error {
	allowed, user := "", ""
	if a.Allowed != nil {
		text, err := json.Marshal(a.Allowed)
		if err != nil {
			return err
		}
		allowed, user = string(text), string(a.Allowed.User)
	}
	n, err := sqldb.From(t).Exec(ctx, `UPDATE oauth_devices SET state = $3, allowed = $4, user_id = $5
WHERE account_id = $1 AND id = $2 AND state = $6 AND expires_at > $7`,
		string(a.Account), a.ID, string(a.State), allowed, user, string(device.Waiting), sqldb.Micros(t.Now()))
	if err == nil && n == 0 {
		return sqldb.ErrNotFound
	}
	return err
}

// longest is how far an interval grows.
const longest = time.Minute

// Poll implements device.Store.
func (Store) Poll(ctx context.Context, t tx.Tx, b device.Bindings, more time.Duration) (device.Authorization, bool, error) {
	found, err := sqldb.One(ctx, sqldb.From(t), scan, `
UPDATE oauth_devices SET
	early = CASE WHEN next_poll > $7 THEN 1 ELSE 0 END,
	wait = CASE WHEN next_poll > $7 AND wait < $9 THEN wait + $8 ELSE wait END,
	next_poll = $7 + CASE WHEN next_poll > $7 AND wait < $9 THEN wait + $8 ELSE wait END
WHERE account_id = $1 AND client_id = $2 AND device_hash = $3 AND (jkt = '' OR jkt = $4) AND (x5t = '' OR x5t = $5) AND challenge = $6
RETURNING `+columns, string(b.Account), b.Client, b.Device, b.JKT, b.X5T, b.Challenge, sqldb.Micros(t.Now()), more.Microseconds(), longest.Microseconds())
	return found.Authorization, found.early, err
}

// Take implements device.Store.
func (Store) Take(ctx context.Context, t tx.Tx, b device.Bindings) (device.Authorization, error) {
	return one(ctx, t, `
UPDATE oauth_devices SET state = $7
WHERE account_id = $1 AND client_id = $2 AND device_hash = $3 AND (jkt = '' OR jkt = $4) AND (x5t = '' OR x5t = $5) AND challenge = $6
	AND state = $8 AND expires_at > $9
RETURNING `+columns, string(b.Account), b.Client, b.Device, b.JKT, b.X5T, b.Challenge,
		string(device.Used), string(device.Approved), sqldb.Micros(t.Now()))
}

// DeleteUser implements device.Store.
func (Store) DeleteUser(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) error {
	_, err := sqldb.From(t).Exec(ctx, `DELETE FROM oauth_devices WHERE account_id = $1 AND user_id = $2`, string(account), string(user))
	return err
}

// DeleteClient implements device.Store.
func (Store) DeleteClient(ctx context.Context, t tx.Tx, account ident.AccountID, client string) error {
	_, err := sqldb.From(t).Exec(ctx, `DELETE FROM oauth_devices WHERE account_id = $1 AND ($2 = '' OR client_id = $2)`, string(account), client)
	return err
}

// Purge implements device.Store.
func (Store) Purge(ctx context.Context, t tx.Tx, before time.Time, limit int) (int64, error) {
	return sqldb.From(t).Exec(ctx, `DELETE FROM oauth_devices WHERE (account_id, id) IN (
	SELECT account_id, id FROM oauth_devices WHERE expires_at < $1 LIMIT $2)`, sqldb.Micros(before), limit)
}
