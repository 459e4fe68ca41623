package loginapi

import (
	"context"
	"net/http"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/web"
)

// Links drops identities. *link.Service does.
type Links interface {
	// Unlink drops the identity that a connection's id, or the subject there, stands for.
	Unlink(ctx context.Context, by actor.Actor, name string) error
}

// linker is who is signed in and wants to link an identity: the person of a token, or of the session whose
// page asks. The route is for everybody, so that both are judged here.
func (s *Surface) linker(r *http.Request) (actor.Actor, error) {
	account := web.AccountOf(r)
	if len(r.Header["Authorization"]) > 0 {
		a, err := s.deps.Tokens.Verify(r.Context(), account, web.BearerOf(r))
		if err == nil && (a.Kind != actor.User || a.Delegated || a.Bound != nil) { // of a bound token the proof is not looked at here
			err = fault.New(fault.Unauthenticated, fault.CodeUnauthenticated, "Only a person's own token, which is bound to no key, links an identity.")
		}
		return a, err
	}
	if _, ok := s.caller(r); !ok {
		return actor.Actor{}, errOrigin
	}
	found, err := s.deps.Sessions.Peek(r.Context(), account, s.cookie(r))
	if err != nil {
		return actor.Actor{}, err
	}
	return actor.Actor{Kind: actor.User, Account: account, ID: string(found.User), Session: found.ID}, nil
}

// unlink is DELETE /api/session/identities/{identityId} and, of older SDKs, DELETE /api/identities/{identityId}.
func (s *Surface) unlink(w http.ResponseWriter, r *http.Request) error {
	a := web.ActorOf(r)
	switch a.Kind {
	case actor.User:
		if a.Delegated {
			return errDelegated
		}
	case actor.Anonymous:
		found, err := s.deps.Sessions.Peek(r.Context(), web.AccountOf(r), s.cookie(r))
		if err != nil {
			return err
		}
		a.Kind, a.Account, a.ID, a.Session = actor.User, web.AccountOf(r), string(found.User), found.ID
		web.SetActor(r, a)
	default:
		return fault.New(fault.Forbidden, fault.CodeForbidden, "Only a person has linked identities.")
	}
	if err := s.deps.Links.Unlink(r.Context(), a, r.PathValue("identityId")); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, struct{}{})
}
