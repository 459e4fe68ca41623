package grant

import (
	"context"
	"net/http"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Resources is what claim.Service does with configurations of resources and claims.
type Resources interface {
	Get(ctx context.Context, a actor.Actor, resource string) (claim.Config, error)
	List(ctx context.Context, a actor.Actor, after string, limit int) ([]claim.Config, bool, error)
	Configure(ctx context.Context, a actor.Actor, c claim.Config) (claim.Config, error)
	Claim(ctx context.Context, a actor.Actor, collection, id string) (access.Record, error)
}

// ResourceUsers tells who was given something on a resource; history.Service does.
type ResourceUsers interface {
	ResourceUsers(ctx context.Context, a actor.Actor, resource string, p access.Page) ([]history.ResourceUser, bool, error)
}

func (s *Surface) resourceRoutes() []web.Route {
	route := func(method, pattern, needs string, h web.Handler) web.Route {
		return web.Route{Method: method, Pattern: pattern, Permission: needs, Handler: h, Auth: web.Bearer,
			Scope: web.Account, Limit: web.LimitNone, CORS: web.RegisteredOrigins}
	}
	const one = "/v1/resources/{resourceUri***}"
	return []web.Route{
		route(http.MethodGet, "/v1/resources", "READ Authress:ResourcePermissions/*", s.listResources),
		route(http.MethodGet, one, "READ Authress:ResourcePermissions/{resourceUri}", s.getResource),
		route(http.MethodPut, one, "GRANT * Authress:ResourcePermissions/{resourceUri}, and GRANT (for CLAIM also DELEGATE) * of what it opens", s.putResource),
		route(http.MethodGet, one+"/users", "READ Authress:ResourcePermissions/{resourceUri}", s.resourceUsers),
		route(http.MethodPost, "/v1/claims", "CLAIM on the collection, or DELEGATE * on the resource", s.createClaim),
	}
}

type resourceWire struct {
	ResourceURI string            `json:"resourceUri"`
	Permissions []resourceSetting `json:"permissions"`
	LastUpdated string            `json:"lastUpdated,omitempty"`
	Links       *wire.Links       `json:"links,omitempty"`
}

type resourceSetting struct {
	Action string `json:"action"`
	Allow  bool   `json:"allow"`
}

func (s *Surface) resourceWire(r *http.Request, c claim.Config) resourceWire {
	out := resourceWire{ResourceURI: c.Resource, Permissions: make([]resourceSetting, len(c.Permissions)),
		LastUpdated: wire.Timestamp(c.LastUpdated), Links: s.api.SelfLinks(r, "resources", c.Resource)}
	for i, p := range c.Permissions {
		out.Permissions[i] = resourceSetting(p)
	}
	return out
}

func (s *Surface) getResource(w http.ResponseWriter, r *http.Request) error {
	c, err := s.d.Resources.Get(r.Context(), web.ActorOf(r), r.PathValue("resourceUri"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.resourceWire(r, c))
}

func (s *Surface) putResource(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Permissions []resourceSetting `json:"permissions"`
	}
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	c := claim.Config{Resource: r.PathValue("resourceUri")}
	for _, p := range in.Permissions {
		c.Permissions = append(c.Permissions, claim.Permission(p))
	}
	c, err := s.d.Resources.Configure(r.Context(), web.ActorOf(r), c)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.resourceWire(r, c))
}

type resourcesWire struct {
	Resources  []resourceWire   `json:"resources"`
	Pagination *wire.Pagination `json:"pagination,omitempty"`
	Links      *wire.Links      `json:"links"`
}

// listResources answers many at once, because the SDKs do not page here.
func (s *Surface) listResources(w http.ResponseWriter, r *http.Request) error {
	p, err := s.api.ReadPage(r, r.URL.Query(), wire.PageLimits{Normal: 1000, Most: 1000}, "/v1/resources")
	if err != nil {
		return err
	}
	list, more, err := s.d.Resources.List(r.Context(), web.ActorOf(r), p.After, p.Limit)
	if err != nil {
		return err
	}
	out, names := resourcesWire{Resources: make([]resourceWire, len(list))}, make([]string, len(list))
	for i, c := range list {
		out.Resources[i], names[i] = s.resourceWire(r, c), c.Resource
	}
	out.Links, out.Pagination = s.api.Finish(r, p, wire.NextAfter(names, more))
	return web.JSON(w, http.StatusOK, out)
}

type resourceUsersWire struct {
	Users      []resourceUserWire `json:"users"`
	Pagination *wire.Pagination   `json:"pagination,omitempty"`
	Links      *wire.Links        `json:"links"`
}

type resourceUserWire struct {
	UserID ident.UserID   `json:"userId"`
	Roles  []wire.RoleRef `json:"roles"`
}

func (s *Surface) resourceUsers(w http.ResponseWriter, r *http.Request) error {
	resource := r.PathValue("resourceUri")
	p, err := s.api.ReadPage(r, r.URL.Query(), wire.PageLimits{Normal: 20, Most: 20}, wire.Path("resources", resource, "users"))
	if err != nil {
		return err
	}
	list, more, err := s.d.ResourceUsers.ResourceUsers(r.Context(), web.ActorOf(r), resource, access.Page{After: p.After, Limit: p.Limit})
	if err != nil {
		return err
	}
	out, ids := resourceUsersWire{Users: make([]resourceUserWire, len(list))}, make([]ident.UserID, len(list))
	for i, u := range list {
		to := &out.Users[i]
		to.UserID, to.Roles, ids[i] = u.User, make([]wire.RoleRef, len(u.Roles)), u.User
		for k, role := range u.Roles {
			to.Roles[k].RoleID = role
		}
	}
	out.Links, out.Pagination = s.api.Finish(r, p, wire.NextAfter(ids, more))
	return web.JSON(w, http.StatusOK, out)
}

func (s *Surface) createClaim(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		CollectionResource string `json:"collectionResource"`
		ResourceID         string `json:"resourceId"`
	}
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	if _, err := s.d.Resources.Claim(r.Context(), web.ActorOf(r), in.CollectionResource, in.ResourceID); err != nil {
		return err
	}
	return web.JSONBytes(w, wire.Created(r), []byte("{}"))
}
