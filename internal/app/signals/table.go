package signals

import (
	"context"

	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/factor/recovery"
	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login/link"
	"github.com/admit-id/admit/internal/oauth/logout"
	"github.com/admit-id/admit/internal/serviceclient"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/signal"
	"github.com/admit-id/admit/internal/user"
)

// maxIDs is of how many ids of one chain of sessions receivers are told.
const maxIDs = 20

// Subscribe is the table of which event is which signal, inside the unit of work that emitted it.
func (s *Signals) Subscribe(bus *tx.Bus) {
	bus.Subscribe(session.EventEnded, s.sessionEnded)
	bus.Subscribe(session.EventReplaced, s.sessionEnded)
	bus.Subscribe("session.started", s.sessionStarted)
	bus.Subscribe(session.EventUserEnded, s.person(signal.SessionRevoked, nil))
	bus.Subscribe(logout.EventAccount, func(ctx context.Context, t tx.Tx, e event.Event) error {
		return s.tell(ctx, t, e, signal.SessionRevoked, "", "", nil)
	})
	bus.Subscribe(user.EventDeleted, s.person(signal.AccountPurged, nil))
	bus.Subscribe(regain.EventRequested, s.person(signal.RecoveryActivated, nil))
	bus.Subscribe(user.EventAddressChanged, s.person(signal.RecoveryChanged, nil))
	bus.Subscribe(link.EventAddressRestored, s.person(signal.RecoveryChanged, nil))

	bus.Subscribe(passkey.EventRegistered, s.passkey("create"))
	bus.Subscribe(passkey.EventRemoved, s.passkey("delete"))
	bus.Subscribe(totp.EventRegistered, s.credential("app", "create"))
	bus.Subscribe(totp.EventRemoved, s.credential("app", "delete"))
	bus.Subscribe(recovery.EventCreated, s.credential("recovery-code", "create"))
	bus.Subscribe(recovery.EventRemoved, s.credential("recovery-code", "delete"))
	bus.Subscribe(password.EventSet, func(ctx context.Context, t tx.Tx, e event.Event) error {
		change := "update"
		if e.Detail["first"] != "" {
			change = "create"
		}
		return s.credential("password", change)(ctx, t, e)
	})
	bus.Subscribe(password.EventImported, s.credential("password", "create"))
	bus.Subscribe(password.EventRemoved, s.credential("password", "delete"))

	bus.Subscribe(serviceclient.EventDeleted, s.ForgetClient)
}

// person tells of a person, who is the target of the event.
func (s *Signals) person(k signal.Kind, claims map[string]any) tx.Handler {
	return func(ctx context.Context, t tx.Tx, e event.Event) error {
		return s.tell(ctx, t, e, k, ident.UserID(e.Target), "", claims)
	}
}

// credential tells that a credential of the target was changed (CAEP 1.0 section 3.3).
func (s *Signals) credential(kind, change string) tx.Handler {
	return s.person(signal.CredentialChange, map[string]any{"credential_type": kind, "change_type": change})
}

// passkey is credential for passkeys, of which an event tells the form and the model.
func (s *Signals) passkey(change string) tx.Handler {
	return func(ctx context.Context, t tx.Tx, e event.Event) error {
		claims := map[string]any{"credential_type": "fido2-" + e.Detail["form"], "change_type": change}
		if model := e.Detail["model"]; model != "" && model != noModel {
			claims["fido2_aaguid"] = model
		}
		return s.tell(ctx, t, e, signal.CredentialChange, ident.UserID(e.Target), "", claims)
	}
}

const noModel = "00000000-0000-0000-0000-000000000000"

func (s *Signals) tell(ctx context.Context, t tx.Tx, e event.Event, k signal.Kind, who ident.UserID, of ident.SessionID, claims map[string]any) error {
	return s.Tell(ctx, t, e.Account, k, func() ([]signal.Signal, error) {
		return []signal.Signal{{User: who, Session: of, Claims: initiated(k, e, who, claims)}}, nil
	})
}

// initiated adds who did it (CAEP 1.0 section 2), where the kind of event says so.
func initiated(k signal.Kind, e event.Event, who ident.UserID, claims map[string]any) map[string]any {
	out := map[string]any{}
	for name, value := range claims {
		out[name] = value
	}
	if k&(signal.SessionRevoked|signal.CredentialChange|signal.AssuranceChange) == 0 {
		return out
	}
	switch e.Actor.Kind {
	case actor.User:
		if out["initiating_entity"] = "admin"; e.Actor.ID == string(who) {
			out["initiating_entity"] = "user"
		}
	case actor.ServiceClient, actor.Operator:
		out["initiating_entity"] = "admin"
	case actor.System:
		out["initiating_entity"] = "system"
	}
	return out
}

// sessionEnded tells of every id under which a client may know the chain.
func (s *Signals) sessionEnded(ctx context.Context, t tx.Tx, e event.Event) error {
	root, who := ident.SessionID(e.Detail["root"]), ident.UserID(e.Detail["user"])
	return s.Tell(ctx, t, e.Account, signal.SessionRevoked, func() ([]signal.Signal, error) {
		ids, err := s.told.IDs(ctx, t, e.Account, root, maxIDs)
		out := make([]signal.Signal, len(ids))
		for i, id := range ids {
			out[i] = signal.Signal{User: who, Session: id, Claims: initiated(signal.SessionRevoked, e, who, nil)}
		}
		return out, err
	})
}

// sessionStarted tells that somebody has proved more than before in the same browser (CAEP 1.0 section 3.4).
func (s *Signals) sessionStarted(ctx context.Context, t tx.Tx, e event.Event) error {
	if e.Detail["root"] == "" { // a first proof, as most are
		return nil
	}
	return s.Tell(ctx, t, e.Account, signal.AssuranceChange, func() ([]signal.Signal, error) {
		now, err := s.d.Sessions.ByID(ctx, t, e.Account, ident.SessionID(e.Target))
		if err != nil {
			return nil, err
		}
		was, err := s.told.Before(ctx, t, now)
		if fault.Is(err, fault.NotFound) || err == nil && was.ACR() == now.ACR() {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		direction := "increase"
		if session.Fulfils(was.ACR(), now.ACR()) {
			direction = "decrease"
		}
		return []signal.Signal{{User: now.User, Session: now.ID, Claims: map[string]any{
			"namespace": "urn:admit:acr", "current_level": now.ACR(), "previous_level": was.ACR(), "change_direction": direction, "initiating_entity": "user",
		}}}, nil
	})
}
