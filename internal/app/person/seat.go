package person

import (
	"context"
	"errors"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/oauthdb"
	"github.com/admit-id/admit/internal/oauth/pipeline"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/seat"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/user"
)

func buildSeats(d Deps) *seat.Service {
	return seat.New(sessiondb.Seats{}, d.Sessions, func(account ident.AccountID, id ident.ApplicationID) bool {
		found, ok := d.Applications.Get(account, id)
		return ok && found.SessionType == application.SingleSession
	})
}

// subscribeSeats gives the seat at an application to who signs in there, by the login protocol or OAuth.
func (f *Features) subscribeSeats(bus *tx.Bus) {
	bus.Subscribe("login.finished", func(ctx context.Context, t tx.Tx, e event.Event) error {
		return f.sit(ctx, t, e, e.Detail["application"])
	})
	bus.Subscribe(pipeline.EventIssued, func(ctx context.Context, t tx.Tx, e event.Event) error {
		switch e.Detail["grantType"] {
		case application.GrantCode, application.GrantDevice:
			return f.sit(ctx, t, e, e.Detail["client"])
		}
		return nil
	})
	families := pipeline.NewFamilies(oauthdb.Grants{}, f.d.Sessions, f.d.Keys)
	bus.Subscribe(seat.EventTaken, func(ctx context.Context, t tx.Tx, e event.Event) error {
		return families.EndForSeat(ctx, t, e.Actor, ident.SessionID(e.Target), ident.UserID(e.Detail["user"]), e.Detail["application"])
	})
	bus.Subscribe(user.EventDeleted, f.Seats.ForgetUser)
	bus.Subscribe(application.EventDeleted, f.Seats.ForgetApplication)
}

func (f *Features) sit(ctx context.Context, t tx.Tx, e event.Event, app string) error {
	id := ident.SessionID(e.Detail["session"])
	if id == "" || !f.Seats.Single(e.Account, ident.ApplicationID(app)) {
		return nil
	}
	found, err := f.d.Sessions.ByID(ctx, t, e.Account, id)
	if errors.Is(err, session.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Seats.Take(ctx, t, e.Actor, found, ident.ApplicationID(app))
}
