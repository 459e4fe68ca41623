package dbsc

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// Policies tells what an account wants, and a tenant that a session's person signed in for.
type Policies func(account ident.AccountID, tenant ident.TenantID) Policy

// Guard implements session.Bindings.
type Guard struct {
	store  Store
	policy Policies
}

// NewGuard makes a guard, to which every policy is Offered until Follow.
func NewGuard(s Store) *Guard {
	return &Guard{s, func(ident.AccountID, ident.TenantID) Policy { return Offered }}
}

// Follow makes the guard ask for policies. It is called before the guard is asked anything.
func (g *Guard) Follow(p Policies) { g.policy = p }

// Allows implements session.Bindings.
func (g *Guard) Allows(ctx context.Context, t tx.Tx, s session.Session, beside []secret.Text) (bool, error) {
	b, err := g.store.ByRoot(ctx, t, s.Account, s.Root)
	if fault.Is(err, fault.NotFound) {
		return g.unbound(s, t.Now()), nil
	}
	if err != nil {
		return false, err
	}
	now := t.Now()
	for _, value := range beside {
		if hash := hashOf(value); b.Cookie.good(hash, now) || b.Former.good(hash, now) {
			return true, nil
		}
	}
	return now.Before(b.Created.Add(Overlap)), nil
}

// Bound implements session.Bindings.
func (g *Guard) Bound(ctx context.Context, t tx.Tx, s session.Session) (bool, error) {
	_, err := g.store.ByRoot(ctx, t, s.Account, s.Root)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Continued implements session.Bindings.
func (g *Guard) Continued(ctx context.Context, t tx.Tx, s session.Session) error {
	return g.store.Extend(ctx, t, s.Account, s.Root, s.AbsoluteExpiry)
}

func (g *Guard) unbound(s session.Session, now time.Time) bool {
	return now.Before(s.CreatedAt.Add(BindWithin)) || g.policy(s.Account, s.Tenant()) != Required
}
