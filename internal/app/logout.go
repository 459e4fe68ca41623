package app

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/consent"
	"github.com/admit-id/admit/internal/oauth/consent/consentdb"
	"github.com/admit-id/admit/internal/oauth/device"
	"github.com/admit-id/admit/internal/oauth/device/devicedb"
	"github.com/admit-id/admit/internal/oauth/logout"
	"github.com/admit-id/admit/internal/oauth/logout/deliver"
	"github.com/admit-id/admit/internal/oauth/logout/logoutdb"
	"github.com/admit-id/admit/internal/surface/oidc/back"
)

func (a *App) newDevices() *device.Service {
	return device.New(device.Deps{
		DB: a.db, Store: devicedb.Store{}, Keys: a.keys, Clients: a.f.oauth.parties, Sessions: a.f.sessions, Consents: consent.New(a.db, consentdb.Store{}), Enough: a.f.logins.Answers,
	})
}

func (a *App) buildLogout() {
	x, o := &a.f, &a.f.oauth
	o.logouts = logout.New(logout.Deps{
		DB: a.db, Store: logoutdb.Store{}, Clients: o.parties, Sessions: x.sessions, Cuts: x.sessions, Hints: x.tokens,
		Grants: o.families, Devices: o.devices, Issuer: x.accountDirectory.Issuer,
	})
}

// logoutSender tells clients of logouts. They are told where they are registered to be, by any node.
func (a *App) logoutSender() *deliver.Sender {
	return &deliver.Sender{
		DB: a.db, Store: logoutdb.Store{}, Clients: a.f.oauth.parties, Tokens: a.f.tokens, HTTP: a.outbound, Log: a.log,
	}
}

func (a *App) deviceSurface() *back.Device {
	return back.NewDevice(back.DeviceDeps{
		Clients: a.f.oauth.parties, Proofs: a.f.proofs, Devices: a.f.oauth.devices, Issuer: a.f.accountDirectory.Issuer,
	})
}

// joinSession notes which clients take part in a session, when tokens of it are issued. Only those
// that want to be told of its end are noted; what a metadata document wants is looked up then.
func (a *App) joinSession(ctx context.Context, t tx.Tx, e event.Event) error {
	session, client := ident.SessionID(e.Detail["session"]), e.Detail["client"]
	if session == "" || e.Detail["user"] == "" || e.Detail["grantType"] == "refresh_token" {
		return nil
	}
	if !strings.HasPrefix(client, "https://") {
		found, ok := a.f.applicationDirectory.Get(e.Account, ident.ApplicationID(client))
		if !ok || !logout.Notified(oauth.Client{Settings: found.OAuth}) {
			return nil
		}
	}
	living, err := a.f.sessions.ByID(ctx, t, e.Account, session)
	if err != nil {
		return err
	}
	return a.f.oauth.logouts.Join(ctx, t, logout.Party{
		Account: e.Account, Session: session, Root: living.Root, Client: client, User: ident.UserID(e.Detail["user"]),
	})
}
