package app

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/account/tenant"
	"github.com/admit-id/admit/internal/account/tenant/tenantdb"
	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/user"
)

func (a *App) buildTenants() {
	store := tenantdb.Store{}
	a.f.tenantDirectory = tenant.NewDirectory(store)
	a.f.tenants = tenant.New(tenant.Deps{
		DB: a.db, Store: store, Members: tenantdb.Members{}, Directory: a.f.tenantDirectory,
		Connections: tenantConnections{a}, Users: tenantUsers{a.f.users},
	})
}

// tenantTag is on a connection that was made for one tenant; its value is the tenant's id.
const tenantTag = "tenantId"

// tenantConnections tells tenants of connections.
type tenantConnections struct{ app *App }

func (c tenantConnections) find(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ConnectionID) (connection.Connection, bool, error) {
	found, err := c.app.newConnections(tx.Join(t)).Get(ctx, account, id)
	if fault.Is(err, fault.NotFound) {
		return found, false, nil
	}
	return found, err == nil, err
}

func (c tenantConnections) Exists(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ConnectionID) (bool, error) {
	_, ok, err := c.find(ctx, t, account, id)
	return ok, err
}

func (c tenantConnections) DropOwn(ctx context.Context, t tx.Tx, by actor.Actor, id ident.ConnectionID, n ident.TenantID) error {
	found, ok, err := c.find(ctx, t, by.Account, id)
	if err != nil || !ok || found.Tags[tenantTag] != string(n) {
		return err
	}
	return c.app.newConnections(tx.Join(t)).Delete(ctx, by, id)
}

// tenantUsers tells tenants of people.
type tenantUsers struct{ users *user.Service }

func (u tenantUsers) Exists(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (bool, error) {
	_, err := u.users.Find(ctx, t, account, id)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// loginTenants tells login of tenants.
type loginTenants struct {
	*tenant.Service
	directory *tenant.Directory
}

func loginTenant(n tenant.Tenant, ok bool) (login.Tenant, bool) {
	return login.Tenant{ID: n.ID, Connection: n.Connection, SessionLife: n.SessionLife}, ok
}

func (l loginTenants) Get(account ident.AccountID, id ident.TenantID) (login.Tenant, bool) {
	return loginTenant(l.directory.Get(account, id))
}

func (l loginTenants) ByLookup(account ident.AccountID, lookup string) (login.Tenant, bool) {
	return loginTenant(l.directory.ByLookup(account, lookup))
}

func (l loginTenants) ByDomain(account ident.AccountID, domain string) (login.Tenant, bool) {
	return loginTenant(l.directory.ByDomain(account, domain))
}

func (l loginTenants) Admit(ctx context.Context, t tx.Tx, a login.Arrival) (ident.TenantID, error) {
	return l.Service.Admit(ctx, t, tenant.Arrival(a))
}

// audiences are what the application asked for, without the tenants that the account has or had: a
// token names one only because its person was let in for it.
func (l loginIssuer) audiences(g login.Grant) (out []string, life time.Duration) {
	account := g.Session.Account
	for _, wanted := range g.Audiences {
		if !l.tenants.Known(account, ident.TenantID(wanted)) {
			out = append(out, wanted)
		}
	}
	if n, ok := l.tenants.Get(account, g.Tenant); ok {
		return append(out, string(n.ID)), n.TokenLife
	}
	return out, 0
}
