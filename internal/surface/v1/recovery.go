package v1

import (
	"context"
	"net/http"

	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Recoveries begin and end the wait of people who lost every second factor. person.Recoveries do.
type Recoveries interface {
	Pending(ctx context.Context, account ident.AccountID, user ident.UserID) (regain.Recovery, error)
	Grant(ctx context.Context, by actor.Actor, user ident.UserID) (regain.Recovery, error)
	Cancel(ctx context.Context, by actor.Actor, user ident.UserID) error
}

func (s *Surface) recoveryRoutes() []web.Route {
	const one = "/v1/users/{userId}/recovery"
	return []web.Route{
		s.api.Guarded(http.MethodGet, one, "READ Authress:Users/{userId}", s.getRecovery),
		s.api.Guarded(http.MethodPost, one, "UPDATE Authress:Users/{userId}", s.grantRecovery),
		s.api.Guarded(http.MethodDelete, one, "UPDATE Authress:Users/{userId}", s.cancelRecovery),
	}
}

// recoveryWire tells nothing by which somebody could get in.
type recoveryWire struct {
	Requested     string `json:"requestedTime"`
	Ready         string `json:"readyTime"`
	Expires       string `json:"expirationTime"`
	Administrator bool   `json:"administrator"`
}

func recoveryOf(r regain.Recovery) recoveryWire {
	return recoveryWire{wire.Timestamp(r.RequestedAt), wire.Timestamp(r.ReadyAt), wire.Timestamp(r.ExpiresAt), r.Granted}
}

// ofUser finds the user of the address, who must be one of the account's own.
func (s *Surface) ofUser(r *http.Request) (actor.Actor, ident.UserID, error) {
	a, id := web.ActorOf(r), ident.UserID(r.PathValue("userId"))
	_, err := s.d.Users.Get(r.Context(), a.Account, id)
	return a, id, err
}

func (s *Surface) getRecovery(w http.ResponseWriter, r *http.Request) error {
	a, id, err := s.ofUser(r)
	if err != nil {
		return err
	}
	found, err := s.d.Recoveries.Pending(r.Context(), a.Account, id)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, recoveryOf(found))
}

func (s *Surface) grantRecovery(w http.ResponseWriter, r *http.Request) error {
	a, id, err := s.ofUser(r)
	if err != nil {
		return err
	}
	begun, err := s.d.Recoveries.Grant(r.Context(), a, id)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, recoveryOf(begun))
}

func (s *Surface) cancelRecovery(w http.ResponseWriter, r *http.Request) error {
	a, id, err := s.ofUser(r)
	if err != nil {
		return err
	}
	if err := s.d.Recoveries.Cancel(r.Context(), a, id); err != nil {
		return err
	}
	return wire.Done(w, r)
}
