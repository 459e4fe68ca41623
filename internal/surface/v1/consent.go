package v1

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth/consent"
	"github.com/admit-id/admit/internal/surface/v1/wire"
	"github.com/admit-id/admit/internal/user"
)

// Consents is what people have allowed clients. *consent.Service has them.
type Consents interface {
	List(ctx context.Context, account ident.AccountID, user ident.UserID) ([]consent.Consent, error)
	Withdraw(ctx context.Context, by actor.Actor, user ident.UserID, client string) error
}

// Logouts ends everything of somebody or something. *logout.Service does.
type Logouts interface {
	EndUser(ctx context.Context, by actor.Actor, user ident.UserID) error
	EndClient(ctx context.Context, by actor.Actor, client string) error
	EndAccount(ctx context.Context, by actor.Actor) error
}

func (s *Surface) consentRoutes() []web.Route {
	const person, update = "/v1/users/{userId}", "UPDATE Authress:Users/{userId} or self"
	self := func(method, path, permission string, h web.Handler) web.Route {
		return web.Route{Method: method, Pattern: path, Permission: permission, Handler: h, Auth: web.Bearer, Scope: web.Account, Limit: web.LimitNone, CORS: web.RegisteredOrigins}
	}
	return []web.Route{
		self(http.MethodGet, person+"/consents", "READ Authress:Users/{userId} or self", s.listConsents),
		self(http.MethodDelete, person+"/consents/{clientId***}", update, s.withdrawConsent),
		self(http.MethodDelete, person+"/sessions", update, s.endUser),
		s.api.Guarded(http.MethodDelete, "/v1/applications/{applicationId}/sessions", "UPDATE Authress:Applications/{applicationId}", s.endApplication),
		s.api.Guarded(http.MethodDelete, "/v1/accounts/{accountId}/sessions", "UPDATE Authress:Accounts/{accountId}", s.endAccount),
	}
}

type consentWire struct {
	ClientID        string       `json:"clientId"`
	Name            string       `json:"name"`
	Answers         []answerWire `json:"answers"`
	CreatedTime     string       `json:"createdTime"`
	LastUpdatedTime string       `json:"lastUpdated"`
}

// answerWire is one yes. Answers are not added up.
type answerWire struct {
	Scopes    []string          `json:"scopes"`
	Resources []string          `json:"resources"`
	Details   []json.RawMessage `json:"authorizationDetails"`
	Time      string            `json:"time"`
}

func (s *Surface) listConsents(w http.ResponseWriter, r *http.Request) error {
	a, id := web.ActorOf(r), ident.UserID(r.PathValue("userId"))
	if err := s.allowSelfOr(a, "READ", id); err != nil {
		return err
	}
	if _, err := s.d.Users.Get(r.Context(), a.Account, id); err != nil {
		return err
	}
	list, err := s.d.Consents.List(r.Context(), a.Account, id)
	if err != nil {
		return err
	}
	out := struct {
		Consents []consentWire `json:"consents"`
		Links    *wire.Links   `json:"links"`
	}{make([]consentWire, len(list)), s.api.SelfLinks(r, "users", string(id), "consents")}
	for i, c := range list {
		one := consentWire{c.Client, c.Name, make([]answerWire, len(c.Answers)), wire.Timestamp(c.CreatedAt), wire.Timestamp(c.UpdatedAt)}
		for j, answer := range c.Answers {
			one.Answers[j] = answerWire{some(answer.Scopes), some(answer.Resources), some(answer.Details), wire.Timestamp(answer.At)}
		}
		out.Consents[i] = one
	}
	return web.JSON(w, http.StatusOK, out)
}

// some is a list that is never null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (s *Surface) withdrawConsent(w http.ResponseWriter, r *http.Request) error {
	a, id := web.ActorOf(r), ident.UserID(r.PathValue("userId"))
	if err := s.allowSelfOr(a, "UPDATE", id); err != nil {
		return err
	}
	if err := s.d.Consents.Withdraw(r.Context(), a, id, r.PathValue("clientId")); err != nil {
		return err
	}
	return wire.Done(w, r)
}

// endUser logs a person out everywhere. Nobody keeps a list of whom a linked issuer names.
func (s *Surface) endUser(w http.ResponseWriter, r *http.Request) error {
	a, id := web.ActorOf(r), ident.UserID(r.PathValue("userId"))
	if err := s.allowSelfOr(a, "UPDATE", id); err != nil {
		return err
	}
	if !user.Foreign(id) {
		if _, err := s.d.Users.Get(r.Context(), a.Account, id); err != nil {
			return err
		}
	}
	if err := s.d.Logouts.EndUser(r.Context(), a, id); err != nil {
		return err
	}
	return wire.Done(w, r)
}

func (s *Surface) endApplication(w http.ResponseWriter, r *http.Request) error {
	a, id := web.ActorOf(r), ident.ApplicationID(r.PathValue("applicationId"))
	if _, err := s.d.Machine.Applications.Get(r.Context(), a.Account, id); err != nil {
		return err
	}
	if err := s.d.Logouts.EndClient(r.Context(), a, string(id)); err != nil {
		return err
	}
	return wire.Done(w, r)
}

func (s *Surface) endAccount(w http.ResponseWriter, r *http.Request) error {
	if _, err := ownAccount(r); err != nil {
		return err
	}
	if err := s.d.Logouts.EndAccount(r.Context(), web.ActorOf(r)); err != nil {
		return err
	}
	return wire.Done(w, r)
}
