package login_test

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
)

// tenants is a world's tenants: who arrives for one by name must be a member, or come by a closed
// connection.
type tenants struct{ w *world }

func (n tenants) Get(account ident.AccountID, id ident.TenantID) (login.Tenant, bool) {
	found, ok := n.w.tenants[id]
	return found, ok && account == acc
}

func (n tenants) ByLookup(account ident.AccountID, lookup string) (login.Tenant, bool) {
	return n.Get(account, n.w.lookups[lookup])
}

func (n tenants) ByDomain(account ident.AccountID, domain string) (login.Tenant, bool) {
	if _, after, ok := strings.Cut(domain, "@"); ok {
		domain = after
	}
	return n.Get(account, n.w.lookups["@"+domain])
}

func (n tenants) Admit(_ context.Context, _ tx.Tx, a login.Arrival) (ident.TenantID, error) {
	n.w.arrivals = append(n.w.arrivals, a)
	for id, found := range n.w.tenants {
		if found.Connection == a.Connection && a.Closed && (a.Wanted == "" || a.Wanted == id) {
			n.w.members[string(id)+"/"+string(a.User)] = true
			return id, nil
		}
	}
	if a.Wanted != "" && !n.w.members[string(a.Wanted)+"/"+string(a.User)] {
		return "", fault.New(fault.Forbidden, "NotTenantMember", "no")
	}
	return a.Wanted, nil
}

func (n tenants) IsMember(_ context.Context, _ tx.Tx, _ ident.AccountID, id ident.TenantID, user ident.UserID) (bool, error) {
	return n.w.members[string(id)+"/"+string(user)], nil
}

type invitation struct {
	login.Invitation
	preset, reserved ident.UserID
}

type invites struct{ w *world }

func (i invites) Look(_ context.Context, _ tx.Tx, account ident.AccountID, id secret.Text) (login.Invitation, error) {
	found, ok := i.w.invites[id.Reveal()]
	if !ok || account != acc {
		return login.Invitation{}, fault.New(fault.NotFound, fault.CodeNotFound, "no")
	}
	return found.Invitation, nil
}

func (i invites) byKey(key string) *invitation {
	for _, found := range i.w.invites {
		if found.Key == key {
			return found
		}
	}
	return &invitation{}
}

func (i invites) Preset(_ context.Context, _ tx.Tx, _ ident.AccountID, key string) (ident.UserID, error) {
	return i.byKey(key).preset, nil
}

func (i invites) Reserve(_ context.Context, _ tx.Tx, _ ident.AccountID, key string, user ident.UserID) (bool, error) {
	found := i.byKey(key)
	ok := found.reserved == ""
	found.reserved = user
	return ok, nil
}
