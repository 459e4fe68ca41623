package tenant

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Query asks for a part of an account's tenants, in the order of their ids.
type Query struct {
	After  ident.TenantID // exclusive; empty from the start
	Limit  int
	Filter string // lower-case substring of SearchText; empty for all
}

// Store keeps tenants. Deleted ones are not there, but their ids stay taken.
type Store interface {
	// Insert adds a tenant without names and tells whether nobody has or had its id.
	Insert(ctx context.Context, t tx.Tx, n Tenant) (bool, error)
	// Update replaces everything but the names, and tells whether the tenant is there. Until the
	// unit of work ends nobody else changes it.
	Update(ctx context.Context, t tx.Tx, n Tenant) (bool, error)
	// Delete takes the tenant, its names and its members away and tells whether it was there.
	Delete(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.TenantID) (bool, error)
	// Get returns one tenant, or a fault of kind NotFound.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.TenantID) (Tenant, error)
	List(ctx context.Context, t tx.Tx, account ident.AccountID, q Query) ([]Tenant, error)
	// All returns every tenant of the deployment. It needs the scope tx.System.
	All(ctx context.Context, t tx.Tx) ([]Tenant, error)
	// Gone returns the ids of every deleted tenant of the deployment. It needs the scope tx.System.
	Gone(ctx context.Context, t tx.Tx) (map[ident.AccountID][]ident.TenantID, error)
	// SetNames gives the tenant exactly these names and tells whether no other of the account has one.
	SetNames(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.TenantID, names []string) (bool, error)
}

// MemberStore keeps which user is a member of which tenant: the table
// tenant_users(account_id, tenant_id, user_id).
type MemberStore interface {
	// Add tells whether the user was no member before.
	Add(ctx context.Context, t tx.Tx, account ident.AccountID, tenant ident.TenantID, user ident.UserID) (bool, error)
	// Remove tells whether the user was a member.
	Remove(ctx context.Context, t tx.Tx, account ident.AccountID, tenant ident.TenantID, user ident.UserID) (bool, error)
	Is(ctx context.Context, t tx.Tx, account ident.AccountID, tenant ident.TenantID, user ident.UserID) (bool, error)
	// Members returns at most limit of them after an id, in order.
	Members(ctx context.Context, t tx.Tx, account ident.AccountID, tenant ident.TenantID, after ident.UserID, limit int) ([]ident.UserID, error)
	// TenantsOf returns the tenants of a user, in order.
	TenantsOf(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]ident.TenantID, error)
	// Forget takes a user out of every tenant.
	Forget(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (int64, error)
}
