package machine

import (
	"context"
	"net/http"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/extension"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/serviceclient"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Extensions is what extension.Service does.
type Extensions interface {
	Create(ctx context.Context, by actor.Actor, e extension.Extension, judge extension.Judge) (extension.Extension, error)
	Get(ctx context.Context, account ident.AccountID, id extension.ID) (extension.Extension, error)
	Update(ctx context.Context, by actor.Actor, e extension.Extension, judge extension.Judge) (extension.Extension, error)
	Delete(ctx context.Context, by actor.Actor, id extension.ID) error
	List(ctx context.Context, account ident.AccountID, q extension.Query) ([]extension.Extension, extension.ID, error)
}

func (s *Surface) extensionRoutes() []web.Route {
	const one = "/v1/extensions/{extensionId}"
	const update = "UPDATE Authress:Extensions/{extensionId}"
	return []web.Route{
		s.api.Guarded(http.MethodPost, "/v1/extensions", "CREATE Authress:Extensions", s.createExtension),
		s.api.Guarded(http.MethodGet, "/v1/extensions", "READ Authress:Extensions/*", s.listExtensions),
		// Some SDKs write a slash at the end.
		s.api.Guarded(http.MethodGet, "/v1/extensions/{$}", "READ Authress:Extensions/*", s.listExtensions),
		s.api.Guarded(http.MethodGet, one, "READ Authress:Extensions/{extensionId}", s.getExtension),
		s.api.Guarded(http.MethodPut, one, update, s.updateExtension),
		s.api.Guarded(http.MethodDelete, one, update, s.deleteExtension),
	}
}

type extensionWire struct {
	ExtensionID extension.ID             `json:"extensionId"`
	Name        string                   `json:"name"`
	CreatedTime string                   `json:"createdTime"`
	Application extensionApplicationWire `json:"application"`
	Client      extensionClientWire      `json:"client"`
	Tags        map[string]string        `json:"tags,omitempty"`
	Links       *wire.Links              `json:"links,omitempty"`
}

type extensionApplicationWire struct {
	ApplicationID ident.ApplicationID `json:"applicationId"`
	RedirectURLs  []string            `json:"redirectUrls"`
	Links         *wire.Links         `json:"links,omitempty"`
}

type extensionClientWire struct {
	ClientID   ident.ServiceClientID `json:"clientId"`
	RateLimits []rateLimitWire       `json:"rateLimits"`
	Links      *wire.Links           `json:"links,omitempty"`
}

// extensionInput is what a caller may set. Ids and times in the body are ignored, except an
// extension's id that is not the one of the path.
type extensionInput struct {
	ExtensionID extension.ID      `json:"extensionId"`
	Name        string            `json:"name"`
	Tags        map[string]string `json:"tags"`
	Application struct {
		RedirectURLs []string `json:"redirectUrls"`
	} `json:"application"`
	Client struct {
		RateLimits []rateLimitWire `json:"rateLimits"`
	} `json:"client"`
}

func (in *extensionInput) extension() extension.Extension {
	e := extension.Extension{Name: in.Name, Tags: in.Tags, RedirectURLs: in.Application.RedirectURLs}
	for _, l := range in.Client.RateLimits {
		e.RateLimits = append(e.RateLimits, serviceclient.RateLimit(l))
	}
	return e
}

func (s *Surface) extensionWire(r *http.Request, e extension.Extension) extensionWire {
	out := extensionWire{
		ExtensionID: e.ID, Name: e.Name, CreatedTime: wire.Timestamp(e.CreatedAt), Tags: e.Tags, Links: s.api.SelfLinks(r, "extensions", string(e.ID)),
		Application: extensionApplicationWire{e.Application, e.RedirectURLs, s.api.SelfLinks(r, "applications", string(e.Application))},
		Client:      extensionClientWire{e.Client, []rateLimitWire{}, s.api.SelfLinks(r, "clients", string(e.Client))},
	}
	if out.Application.RedirectURLs == nil {
		out.Application.RedirectURLs = []string{}
	}
	for _, l := range e.RateLimits {
		out.Client.RateLimits = append(out.Client.RateLimits, rateLimitWire(l))
	}
	return out
}

// judgeSending is allowSending for an extension's application.
func (s *Surface) judgeSending(r *http.Request) extension.Judge {
	return func(before, after application.Application) (application.Application, error) {
		return s.allowSending(r, before, after)
	}
}

func (s *Surface) createExtension(w http.ResponseWriter, r *http.Request) error {
	var in extensionInput
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	e, err := s.d.Extensions.Create(r.Context(), web.ActorOf(r), in.extension(), s.judgeSending(r))
	if err != nil {
		return err
	}
	return web.JSON(w, wire.Created(r), s.extensionWire(r, e))
}

func (s *Surface) getExtension(w http.ResponseWriter, r *http.Request) error {
	e, err := s.d.Extensions.Get(r.Context(), web.AccountOf(r), extension.ID(r.PathValue("extensionId")))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.extensionWire(r, e))
}

func (s *Surface) updateExtension(w http.ResponseWriter, r *http.Request) error {
	var in extensionInput
	err := web.DecodeJSON(r, &in, web.DefaultMaxBody)
	if err != nil {
		return err
	}
	e := in.extension()
	if e.ID, err = wire.SameID(extension.ID(r.PathValue("extensionId")), in.ExtensionID); err != nil {
		return err
	}
	if e, err = s.d.Extensions.Update(r.Context(), web.ActorOf(r), e, s.judgeSending(r)); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.extensionWire(r, e))
}

func (s *Surface) deleteExtension(w http.ResponseWriter, r *http.Request) error {
	if err := s.d.Extensions.Delete(r.Context(), web.ActorOf(r), extension.ID(r.PathValue("extensionId"))); err != nil {
		return err
	}
	return wire.Done(w, r)
}

type extensionsWire struct {
	Extensions []extensionWire  `json:"extensions"`
	Pagination *wire.Pagination `json:"pagination,omitempty"`
	Links      *wire.Links      `json:"links"`
}

func (s *Surface) listExtensions(w http.ResponseWriter, r *http.Request) error {
	p, err := s.api.ReadPage(r, r.URL.Query(), wire.PageLimits{Normal: extension.DefaultLimit, Most: extension.MaxLimit}, "/v1/extensions")
	if err != nil {
		return err
	}
	list, next, err := s.d.Extensions.List(r.Context(), web.AccountOf(r), extension.Query{After: extension.ID(p.After), Limit: p.Limit})
	if err != nil {
		return err
	}
	out := extensionsWire{Extensions: make([]extensionWire, len(list))}
	for i, e := range list {
		out.Extensions[i] = s.extensionWire(r, e)
	}
	out.Links, out.Pagination = s.api.Finish(r, p, string(next))
	return web.JSON(w, http.StatusOK, out)
}
