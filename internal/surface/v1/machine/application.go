package machine

import (
	"context"
	"net/http"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Applications is what application.Service does.
type Applications interface {
	Create(ctx context.Context, by actor.Actor, a application.Application) (application.Application, error)
	Get(ctx context.Context, account ident.AccountID, id ident.ApplicationID) (application.Application, error)
	Update(ctx context.Context, by actor.Actor, id ident.ApplicationID, change func(application.Application) (application.Application, error)) (application.Application, error)
	Delete(ctx context.Context, by actor.Actor, id ident.ApplicationID) error
	List(ctx context.Context, account ident.AccountID, q application.Query) ([]application.Application, ident.ApplicationID, error)
}

// ClientSecrets is what application.Service does with the secrets of applications.
type ClientSecrets interface {
	AddSecret(ctx context.Context, by actor.Actor, id ident.ApplicationID, expires time.Time) (application.ClientSecret, secret.Text, error)
	RemoveSecret(ctx context.Context, by actor.Actor, id ident.ApplicationID, secretID string) error
}

func (s *Surface) applicationRoutes() []web.Route {
	const one = "/v1/applications/{applicationId}"
	const update = "UPDATE Authress:Applications/{applicationId}"
	return []web.Route{
		s.api.Guarded(http.MethodPost, "/v1/applications", "CREATE Authress:Applications", s.createApplication),
		s.api.Guarded(http.MethodGet, "/v1/applications", "READ Authress:Applications/*", s.listApplications),
		s.api.Guarded(http.MethodGet, one, "READ Authress:Applications/{applicationId}", s.getApplication),
		s.api.Guarded(http.MethodPut, one, update, s.updateApplication),
		s.api.Guarded(http.MethodDelete, one, update, s.deleteApplication),
		s.api.Guarded(http.MethodPost, one+"/secrets", update, s.addClientSecret),
		s.api.Guarded(http.MethodDelete, one+"/secrets/{secretId}", update, s.removeClientSecret),
	}
}

type applicationWire struct {
	ApplicationID ident.ApplicationID     `json:"applicationId"`
	Name          string                  `json:"name"`
	RedirectURLs  []string                `json:"redirectUrls"`
	SessionType   application.SessionType `json:"sessionType"`
	Tags          map[string]string       `json:"tags,omitempty"`
	Active        bool                    `json:"isActiveApplication"`
	CreatedTime   string                  `json:"createdTime"`
	LastUpdated   string                  `json:"lastUpdated"`
	Links         *wire.Links             `json:"links,omitempty"`

	// Of Admit.
	RedirectMode        application.Mode `json:"redirectMode"`
	AllowLoopbackTokens bool             `json:"allowLoopbackTokens"`
	CookieDomain        string           `json:"cookieDomain,omitempty"`
	OAuth               *oauthWire       `json:"oauth"`
}

// applicationInput is what a caller may set. Admit's own members are pointers: an SDK that
// does not know them must not reset them when it writes back what it read.
type applicationInput struct {
	ApplicationID ident.ApplicationID     `json:"applicationId"`
	Name          string                  `json:"name"`
	RedirectURLs  []string                `json:"redirectUrls"`
	SessionType   application.SessionType `json:"sessionType"`
	Tags          map[string]string       `json:"tags"`

	RedirectMode        *application.Mode `json:"redirectMode"`
	AllowLoopbackTokens *bool             `json:"allowLoopbackTokens"`
	CookieDomain        *string           `json:"cookieDomain"`
	OAuth               *oauthWire        `json:"oauth"`
}

// onto puts the input over an application.
func (in *applicationInput) onto(a application.Application) application.Application {
	a.Name, a.RedirectURLs, a.SessionType, a.Tags = in.Name, in.RedirectURLs, in.SessionType, in.Tags
	wire.Set(&a.RedirectMode, in.RedirectMode)
	wire.Set(&a.AllowLoopbackTokens, in.AllowLoopbackTokens)
	wire.Set(&a.CookieDomain, in.CookieDomain)
	if in.OAuth != nil {
		a.OAuth = in.OAuth.onto(a.OAuth)
	}
	return a
}

func (s *Surface) sendApplication(w http.ResponseWriter, r *http.Request, status int, a application.Application) error {
	wire.SetLastModified(w, a.UpdatedAt)
	return web.JSON(w, status, s.applicationWire(r, a))
}

func (s *Surface) applicationWire(r *http.Request, a application.Application) applicationWire {
	out := applicationWire{
		ApplicationID: a.ID, Name: a.Name, RedirectURLs: a.RedirectURLs, SessionType: a.SessionType, Tags: a.Tags, Active: a.Active,
		CreatedTime: wire.Timestamp(a.CreatedAt), LastUpdated: wire.Timestamp(a.UpdatedAt), Links: s.api.SelfLinks(r, "applications", string(a.ID)),
		RedirectMode: a.RedirectMode, AllowLoopbackTokens: a.AllowLoopbackTokens, CookieDomain: a.CookieDomain,
		OAuth: newOAuthWire(a.OAuth),
	}
	if out.RedirectURLs == nil {
		out.RedirectURLs = []string{}
	}
	return out
}

// allowSending judges whether the caller may let people's codes and tokens go where they did not
// go before. Whoever is there can act as anyone who follows a link to the sign-in (I-14).
func (s *Surface) allowSending(r *http.Request, before, after application.Application) (application.Application, error) {
	if after.ID != "" && after.ProvesOtherwise(before) { // a new id of chance has been given nothing
		if err := s.allowProving(r, after.ID); err != nil {
			return after, err
		}
	}
	if !after.SendsBeyond(before) {
		return after, nil
	}
	return after, s.d.Acting.AllowActingAsAnyone(web.ActorOf(r))
}

func (s *Surface) createApplication(w http.ResponseWriter, r *http.Request) error {
	var in applicationInput
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	next, err := s.allowSending(r, application.Application{}, in.onto(application.Application{ID: in.ApplicationID}))
	if err != nil {
		return err
	}
	a, err := s.d.Applications.Create(r.Context(), web.ActorOf(r), next)
	if err != nil {
		return err
	}
	return s.sendApplication(w, r, wire.Created(r), a)
}

func (s *Surface) getApplication(w http.ResponseWriter, r *http.Request) error {
	a, err := s.d.Applications.Get(r.Context(), web.AccountOf(r), ident.ApplicationID(r.PathValue("applicationId")))
	if err != nil {
		return err
	}
	return s.sendApplication(w, r, http.StatusOK, a)
}

func (s *Surface) updateApplication(w http.ResponseWriter, r *http.Request) error {
	var in applicationInput
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	id, err := wire.SameID(ident.ApplicationID(r.PathValue("applicationId")), in.ApplicationID)
	if err != nil {
		return err
	}
	a, err := s.d.Applications.Update(r.Context(), web.ActorOf(r), id, func(old application.Application) (application.Application, error) {
		return s.allowSending(r, old, in.onto(old))
	})
	if err != nil {
		return err
	}
	return s.sendApplication(w, r, http.StatusOK, a)
}

func (s *Surface) deleteApplication(w http.ResponseWriter, r *http.Request) error {
	if err := s.d.Applications.Delete(r.Context(), web.ActorOf(r), ident.ApplicationID(r.PathValue("applicationId"))); err != nil {
		return err
	}
	return wire.Done(w, r)
}

type applicationsWire struct {
	Applications []applicationWire `json:"applications"`
	Pagination   *wire.Pagination  `json:"pagination,omitempty"`
	Links        *wire.Links       `json:"links"`
}

func (s *Surface) listApplications(w http.ResponseWriter, r *http.Request) error {
	p, err := s.api.ReadPage(r, r.URL.Query(), wire.PageLimits{Normal: application.DefaultLimit, Most: application.MaxLimit}, "/v1/applications")
	if err != nil {
		return err
	}
	list, next, err := s.d.Applications.List(r.Context(), web.AccountOf(r),
		application.Query{After: ident.ApplicationID(p.After), Limit: p.Limit, Filter: p.Filter})
	if err != nil {
		return err
	}
	out := applicationsWire{Applications: make([]applicationWire, len(list))}
	for i, a := range list {
		out.Applications[i] = s.applicationWire(r, a)
	}
	out.Links, out.Pagination = s.api.Finish(r, p, string(next))
	return web.JSON(w, http.StatusOK, out)
}
