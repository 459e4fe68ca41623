package policy

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// ChangeKind is the kind of a change of policies in the feed; the key is Scope.Key.
const ChangeKind = "policy"

// EventUpdated tells that a policy was written; the target is the account, the tenant or the application,
// detail "policy" what it says now.
const EventUpdated = "policy.updated"

// Scope is what a policy is for: an account, or one tenant or application of it.
type Scope struct {
	Account     ident.AccountID
	Tenant      ident.TenantID
	Application ident.ApplicationID
}

// Key names a scope inside its account.
func (s Scope) Key() string {
	switch {
	case s.Tenant != "":
		return tenantKey + string(s.Tenant)
	case s.Application != "":
		return "application " + string(s.Application)
	}
	return "account"
}

const tenantKey = "tenant "

// ofTenant tells whether a key is that of a tenant's policy.
func ofTenant(key string) bool { return strings.HasPrefix(key, tenantKey) }

// target is what the audit trail calls it.
func (s Scope) target() string {
	switch {
	case s.Tenant != "":
		return string(s.Tenant)
	case s.Application != "":
		return string(s.Application)
	}
	return string(s.Account)
}

// Entry is a stored policy.
type Entry struct {
	Scope
	Policy
}

// Store keeps policies.
type Store interface {
	// Put stores a policy in place of the one before.
	Put(ctx context.Context, t tx.Tx, e Entry) error
	// Get returns the policy of a scope, or the zero policy.
	Get(ctx context.Context, t tx.Tx, s Scope) (Policy, error)
	// List returns the policies of an account.
	List(ctx context.Context, t tx.Tx, account ident.AccountID) ([]Entry, error)
	// All returns every policy. It needs the system scope.
	All(ctx context.Context, t tx.Tx) ([]Entry, error)
	// Remove deletes the policy of a scope and tells whether there was one.
	Remove(ctx context.Context, t tx.Tx, s Scope) (bool, error)
}
