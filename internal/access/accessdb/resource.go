package accessdb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// resourceMigration makes the tables of resource configurations and claims.
func resourceMigration() sqldb.Migration {
	return sqldb.Migration{
		ID:       "access-resource/0001",
		Tenanted: []string{"access_resources", "access_claims"},
		SQL: `
CREATE TABLE access_resources (
	account_id TEXT NOT NULL,
	resource TEXT NOT NULL,
	body TEXT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, resource));
CREATE TABLE access_claims (
	account_id TEXT NOT NULL,
	resource TEXT NOT NULL,
	record_id TEXT NOT NULL,
	claimed_by TEXT NOT NULL,
	claimed_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, resource));
CREATE INDEX access_claims_by ON access_claims (account_id, claimed_by);`,
	}
}

// Resources implements access.ResourceStore and claim.Store.
type Resources struct{}

var (
	_ access.ResourceStore = Resources{}
	_ claim.Store          = Resources{}
)

type configBody struct {
	Action string `json:"a"`
	Allow  bool   `json:"l,omitempty"`
}

func scanConfig(row sqldb.Row) (claim.Config, error) {
	var (
		c       claim.Config
		text    []byte
		updated int64
	)
	if err := row.Scan(&c.Resource, &text, &updated); err != nil {
		return c, err
	}
	c.LastUpdated = sqldb.Time(updated)
	var body []configBody
	if err := json.Unmarshal(text, &body); err != nil {
		return c, fmt.Errorf("resource %s: %w", c.Resource, err)
	}
	for _, p := range body {
		c.Permissions = append(c.Permissions, claim.Permission(p))
	}
	return c, nil
}

const configColumns = `resource, body, updated_at`

// Get implements access.ResourceStore.
func (x Resources) Get(ctx context.Context, t tx.Tx, account ident.AccountID, resource string) (access.ResourceConfig, error) {
	c, err := x.Config(ctx, t, account, resource)
	if fault.Is(err, fault.NotFound) {
		return access.ResourceConfig{Resource: resource}, nil
	}
	return c.Effective(), err
}

// Each implements access.ResourceStore.
func (Resources) Each(ctx context.Context, t tx.Tx, fn func(ident.AccountID, access.ResourceConfig) error) error {
	return each(ctx, t, scanConfig, func(account ident.AccountID, c claim.Config) error { return fn(account, c.Effective()) },
		`SELECT account_id, `+configColumns+` FROM access_resources ORDER BY account_id, resource`)
}

const oneConfig = `SELECT ` + configColumns + ` FROM access_resources WHERE account_id = $1 AND resource = $2`

// Config implements claim.Store.
func (Resources) Config(ctx context.Context, t tx.Tx, account ident.AccountID, resource string) (claim.Config, error) {
	return sqldb.One(ctx, sqldb.From(t), scanConfig, oneConfig, string(account), resource)
}

// Lock implements claim.Store. SQLite has one writer, so there is nothing to lock.
func (Resources) Lock(ctx context.Context, t tx.Tx, account ident.AccountID, resource string) (claim.Config, error) {
	q, lock := sqldb.From(t), ""
	if q.Dialect() == sqldb.Postgres {
		lock = " FOR UPDATE"
	}
	return sqldb.One(ctx, q, scanConfig, oneConfig+lock, string(account), resource)
}

// Put implements claim.Store. The row comes first, so that those who write the same wait before
// they look at its versions.
func (Resources) Put(ctx context.Context, t tx.Tx, account ident.AccountID, c claim.Config) error {
	body := make([]configBody, len(c.Permissions))
	for i, p := range c.Permissions {
		body[i] = configBody(p)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, err = sqldb.From(t).Exec(ctx, `
INSERT INTO access_resources (account_id, resource, body, updated_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, resource) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at`,
		string(account), c.Resource, string(text), sqldb.Micros(c.LastUpdated))
	if err != nil {
		return err
	}
	return PutResourceVersion(ctx, t, account, c.Effective())
}

// List implements claim.Store.
func (Resources) List(ctx context.Context, t tx.Tx, account ident.AccountID, after string, limit int) ([]claim.Config, error) {
	return sqldb.List(ctx, sqldb.From(t), scanConfig, `
SELECT `+configColumns+` FROM access_resources WHERE account_id = $1 AND resource > $2 ORDER BY resource LIMIT $3`,
		string(account), after, limit)
}

// Claim implements claim.Store. The row that it writes is locked until the unit of work ends.
func (Resources) Claim(ctx context.Context, t tx.Tx, account ident.AccountID, c claim.Claimed) error {
	_, err := sqldb.From(t).Exec(ctx, `
INSERT INTO access_claims (account_id, resource, record_id, claimed_by, claimed_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, resource) DO UPDATE SET
	record_id = excluded.record_id, claimed_by = excluded.claimed_by, claimed_at = excluded.claimed_at`,
		string(account), c.Resource, string(c.Record), string(c.By), sqldb.Micros(t.Now()))
	return err
}

// Named implements claim.Store. The terms of what lies below a resource begin with its own and a slash;
// the byte after the slash is 0, so they are one range in the order of bytes, in which terms stand.
func (Resources) Named(ctx context.Context, t tx.Tx, account ident.AccountID, resource string) (bool, error) {
	q, term := sqldb.From(t), "r:"+resource
	for _, where := range []string{`term = $2`, `term > $2 || '/' AND term < $2 || '0'`} {
		found, err := sqldb.List(ctx, q, sqldb.Scalar[string], `
SELECT item_id FROM access_version_keys WHERE account_id = $1 AND `+where+` AND until = $3 LIMIT 1`, string(account), term, history.InForce)
		if err != nil || len(found) > 0 {
			return len(found) > 0, err
		}
	}
	return false, nil
}

// Count implements claim.Store.
func (Resources) Count(ctx context.Context, t tx.Tx, account ident.AccountID, by ident.UserID, most int) (int, error) {
	return sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[int], `
SELECT COUNT(*) FROM (SELECT c.resource FROM access_claims c
JOIN access_records r ON r.account_id = c.account_id AND r.record_id = c.record_id AND r.status = 'ACTIVE'
WHERE c.account_id = $1 AND c.claimed_by = $2 LIMIT $3) s`, string(account), string(by), most)
}

// Forget implements claim.Store.
func (Resources) Forget(ctx context.Context, t tx.Tx, account ident.AccountID, by ident.UserID) error {
	_, err := sqldb.From(t).Exec(ctx, `UPDATE access_claims SET claimed_by = '' WHERE account_id = $1 AND claimed_by = $2`, string(account), string(by))
	return err
}
