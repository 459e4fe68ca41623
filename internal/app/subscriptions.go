package app

import (
	"context"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/follow"
	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/account/tenant"
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/extension"
	"github.com/admit-id/admit/internal/issuer"
	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/consent"
	"github.com/admit-id/admit/internal/oauth/pipeline"
	"github.com/admit-id/admit/internal/serviceclient"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// subscribe is the table of who reacts to which event, inside the unit of work that emitted it.
func subscribe(bus *tx.Bus, a *App) {
	bus.Subscribe("*", a.f.audit.Record)
	a.f.person.Subscribe(bus)

	bus.Subscribe(account.EventCreated, func(ctx context.Context, t tx.Tx, e event.Event) error {
		return a.f.applications.CreateDefault(ctx, t, ident.AccountID(e.Target))
	})
	bus.Subscribe(account.EventCreated, func(ctx context.Context, t tx.Tx, e event.Event) error {
		return a.f.signing.Create(ctx, t, ident.AccountID(e.Target))
	})

	bus.Subscribe(application.EventCreated, a.provideKeys)
	bus.Subscribe(application.EventUpdated, a.provideKeys)
	bus.Subscribe(application.EventLowered, a.startAgain)

	bus.Subscribe(connection.EventDeleted, func(ctx context.Context, t tx.Tx, e event.Event) error {
		return a.f.users.Unlink(ctx, t, e.Actor, ident.ConnectionID(e.Target))
	})
	bus.Subscribe(user.EventDeleted, a.f.access.ForgetUser)
	bus.Subscribe(user.EventDeleted, a.f.requests.ForgetUser)
	bus.Subscribe(user.EventDeleted, a.f.claims.ForgetUser)
	bus.Subscribe(user.EventDeleted, a.f.tenants.ForgetUser)
	bus.Subscribe(user.EventDeleted, a.f.invites.ForgetActor(actor.User))
	bus.Subscribe(serviceclient.EventDeleted, a.f.invites.ForgetActor(actor.ServiceClient))
	bus.Subscribe(user.EventDeleted, func(ctx context.Context, t tx.Tx, e event.Event) error {
		return a.f.sessions.EndUser(ctx, t, e.Actor, ident.UserID(e.Target))
	})
	bus.Subscribe(session.EventUserEnded, func(ctx context.Context, t tx.Tx, e event.Event) error {
		return a.f.oauth.families.EndForUser(ctx, t, e.Actor, ident.UserID(e.Target))
	})
	bus.Subscribe(session.EventUserEnded, a.f.oauth.logouts.UserEnded)
	bus.Subscribe(session.EventEnded, a.f.oauth.logouts.SessionEnded)
	bus.Subscribe(session.EventEnded, a.f.oauth.families.SessionEnded)
	bus.Subscribe(session.EventReplaced, a.f.oauth.logouts.SessionEnded)
	bus.Subscribe(pipeline.EventIssued, a.joinSession)
	bus.Subscribe(user.EventDeleted, a.f.oauth.consents.ForgetUser)
	bus.Subscribe(consent.EventWithdrawn, func(ctx context.Context, t tx.Tx, e event.Event) error {
		if err := a.f.oauth.devices.EndUser(ctx, t, e.Account, ident.UserID(e.Detail["user"])); err != nil {
			return err
		}
		return a.f.oauth.families.EndForConsent(ctx, t, e.Actor, ident.UserID(e.Detail["user"]), e.Target)
	})
	// What was given for a key is no better than the key, and no token tells which key it was given for.
	bus.Subscribe(serviceclient.EventKeyDeleted, func(ctx context.Context, t tx.Tx, e event.Event) error {
		return a.f.sessions.EndClient(ctx, t, e.Account, e.Target)
	})
	for _, deleted := range []string{application.EventDeleted, extension.EventDeleted, serviceclient.EventDeleted} {
		bus.Subscribe(deleted, a.f.oauth.devices.ForgetClient) // first: a device that is served meanwhile begins a family
		bus.Subscribe(deleted, func(ctx context.Context, t tx.Tx, e event.Event) error {
			return a.f.oauth.families.EndForClient(ctx, t, e.Actor, e.Target)
		})
		bus.Subscribe(deleted, a.f.oauth.consents.ForgetClient)
		bus.Subscribe(deleted, a.f.oauth.logouts.ForgetClient)
	}
}

// remember is the table of who keeps what in memory.
func remember(f *feed.Follower, x *features) {
	f.Subscribe(x.accountDirectory, account.ChangeKind)
	f.Subscribe(x.applicationDirectory, application.ChangeKind)
	f.Subscribe(x.ring, keyring.ChangeKind)
	f.Subscribe(x.tenantDirectory, tenant.ChangeKind)
	f.Subscribe(x.connectionDirectory, connection.FeedKind)
	f.Subscribe(x.issuerDirectory, issuer.ChangeKind)
	f.Subscribe(x.clientDirectory, serviceclient.ChangeKind)
	f.Subscribe(x.revocations, session.FeedKinds()...)
	f.Subscribe(x.oauth.people, user.ChangeKind)
	f.Subscribe(x.access, access.ChangeKinds()...)
	f.Subscribe(x.follow, follow.Kinds()...)
	x.person.Remember(f)
}
