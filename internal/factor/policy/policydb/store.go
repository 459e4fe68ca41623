// Package policydb owns the SQL of sign-in policies, one text for both databases.
package policydb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations returns the schema of this feature.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "policy/0001", Tenanted: []string{"sign_in_policies"}, SQL: `
CREATE TABLE sign_in_policies (
	account_id TEXT NOT NULL,
	tenant_id TEXT NOT NULL,
	application_id TEXT NOT NULL,
	policy TEXT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, tenant_id, application_id));`}}
}

// Store implements policy.Store. The zero value is ready.
type Store struct{}

var _ policy.Store = Store{}

const columns = `account_id, tenant_id, application_id, policy`

// Put implements policy.Store.
func (Store) Put(ctx context.Context, t tx.Tx, e policy.Entry) error {
	text, err := json.Marshal(e.Policy)
	if err != nil {
		return err
	}
	_, err = sqldb.From(t).Exec(ctx, `INSERT INTO sign_in_policies (`+columns+`, updated_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, tenant_id, application_id) DO UPDATE SET policy = $4, updated_at = $5`,
		string(e.Account), string(e.Tenant), string(e.Application), string(text), sqldb.Micros(t.Now()))
	return err
}

// Get implements policy.Store.
func (Store) Get(ctx context.Context, t tx.Tx, s policy.Scope) (policy.Policy, error) {
	found, err := sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM sign_in_policies
WHERE account_id = $1 AND tenant_id = $2 AND application_id = $3`, string(s.Account), string(s.Tenant), string(s.Application))
	if err != nil || len(found) == 0 {
		return policy.Policy{}, err
	}
	return found[0].Policy, nil
}

// List implements policy.Store.
func (Store) List(ctx context.Context, t tx.Tx, account ident.AccountID) ([]policy.Entry, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM sign_in_policies WHERE account_id = $1 ORDER BY tenant_id, application_id`, string(account))
}

// All implements policy.Store.
func (Store) All(ctx context.Context, t tx.Tx) ([]policy.Entry, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM sign_in_policies ORDER BY account_id, tenant_id, application_id`)
}

// Remove implements policy.Store.
func (Store) Remove(ctx context.Context, t tx.Tx, s policy.Scope) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `DELETE FROM sign_in_policies WHERE account_id = $1 AND tenant_id = $2 AND application_id = $3`,
		string(s.Account), string(s.Tenant), string(s.Application))
	return n > 0, err
}

// scan reads a policy. One that cannot be read is an error, not the default.
func scan(r sqldb.Row) (policy.Entry, error) {
	var e policy.Entry
	var text string
	if err := r.Scan((*string)(&e.Account), (*string)(&e.Tenant), (*string)(&e.Application), &text); err != nil {
		return e, err
	}
	if err := json.Unmarshal([]byte(text), &e.Policy); err != nil {
		return e, fmt.Errorf("the sign-in policy of %s: %w", e.Key(), err)
	}
	return e, nil
}
