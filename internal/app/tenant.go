package app

import (
	"context"

	"github.com/admit-id/admit/internal/account/tenant"
	"github.com/admit-id/admit/internal/account/tenant/tenantdb"
	"github.com/admit-id/admit/internal/app/bridge"
	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

func (a *App) buildTenants() {
	store := tenantdb.Store{}
	a.f.tenantDirectory = tenant.NewDirectory(store)
	a.f.tenants = tenant.New(tenant.Deps{
		DB: a.db, Store: store, Members: tenantdb.Members{}, Directory: a.f.tenantDirectory,
		Connections: tenantConnections{a}, Users: bridge.TenantUsers{Users: a.f.users},
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
