package grant

import (
	"context"
	"net/http"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Roles is what access.Service does with roles.
type Roles interface {
	CreateRole(ctx context.Context, a actor.Actor, r access.Role) (access.Role, error)
	GetRole(ctx context.Context, a actor.Actor, id ident.RoleID) (access.Role, error)
	ReplaceRole(ctx context.Context, a actor.Actor, r access.Role) (access.Role, error)
	DeleteRole(ctx context.Context, a actor.Actor, id ident.RoleID) error
	ListRoles(ctx context.Context, a actor.Actor, p access.Page) ([]access.Role, bool, error)
}

func (s *Surface) roleRoutes() []web.Route {
	route := func(method, pattern, needs string, h web.Handler) web.Route {
		return web.Route{Method: method, Pattern: pattern, Permission: needs, Handler: h, Auth: web.Bearer,
			Scope: web.Account, Limit: web.LimitNone, CORS: web.RegisteredOrigins}
	}
	const one = "/v1/roles/{roleId}"
	return []web.Route{
		route(http.MethodPost, "/v1/roles", "CREATE Authress:Roles", s.createRole),
		route(http.MethodGet, "/v1/roles", "READ Authress:Roles/*", s.listRoles),
		route(http.MethodGet, one, "READ Authress:Roles/{roleId}", s.getRole),
		route(http.MethodPut, one, "UPDATE Authress:Roles/{roleId}, and GRANT and DELEGATE of what the role gains", s.replaceRole),
		route(http.MethodDelete, one, "UPDATE Authress:Roles/{roleId}", s.deleteRole),
	}
}

type roleWire struct {
	RoleID      ident.RoleID      `json:"roleId"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Permissions []wire.Permission `json:"permissions"`
	Links       *wire.Links       `json:"links,omitempty"`
}

type roleInput struct {
	RoleID      ident.RoleID      `json:"roleId"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Permissions []wire.Permission `json:"permissions"`
}

func (in *roleInput) role() access.Role {
	out := access.Role{ID: in.RoleID, Name: in.Name, Description: in.Description}
	for _, p := range in.Permissions {
		out.Permissions = append(out.Permissions, access.Permission(p))
	}
	return out
}

func (s *Surface) roleWire(r *http.Request, role access.Role) roleWire {
	out := roleWire{RoleID: role.ID, Name: role.Name, Description: role.Description,
		Permissions: make([]wire.Permission, len(role.Permissions)), Links: s.api.SelfLinks(r, "roles", string(role.ID))}
	for i, p := range role.Permissions {
		out.Permissions[i] = wire.Permission(p)
	}
	return out
}

func (s *Surface) createRole(w http.ResponseWriter, r *http.Request) error {
	var in roleInput
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	role, err := s.d.Roles.CreateRole(r.Context(), web.ActorOf(r), in.role())
	if err != nil {
		return err
	}
	return web.JSON(w, wire.Created(r), s.roleWire(r, role))
}

func (s *Surface) getRole(w http.ResponseWriter, r *http.Request) error {
	role, err := s.d.Roles.GetRole(r.Context(), web.ActorOf(r), ident.RoleID(r.PathValue("roleId")))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.roleWire(r, role))
}

func (s *Surface) replaceRole(w http.ResponseWriter, r *http.Request) error {
	var in roleInput
	err := web.DecodeJSON(r, &in, web.DefaultMaxBody)
	if err != nil {
		return err
	}
	if in.RoleID, err = wire.SameID(ident.RoleID(r.PathValue("roleId")), in.RoleID); err != nil {
		return err
	}
	role, err := s.d.Roles.ReplaceRole(r.Context(), web.ActorOf(r), in.role())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.roleWire(r, role))
}

func (s *Surface) deleteRole(w http.ResponseWriter, r *http.Request) error {
	if err := s.d.Roles.DeleteRole(r.Context(), web.ActorOf(r), ident.RoleID(r.PathValue("roleId"))); err != nil {
		return err
	}
	return wire.Done(w, r)
}

type rolesWire struct {
	Roles      []roleWire       `json:"roles"`
	Pagination *wire.Pagination `json:"pagination,omitempty"`
	Links      *wire.Links      `json:"links"`
}

func (s *Surface) listRoles(w http.ResponseWriter, r *http.Request) error {
	p, err := s.api.ReadPage(r, r.URL.Query(), wire.PageLimits{Normal: 100, Most: 100}, "/v1/roles")
	if err != nil {
		return err
	}
	list, more, err := s.d.Roles.ListRoles(r.Context(), web.ActorOf(r), access.Page{After: p.After, Limit: p.Limit, Filter: p.Filter})
	if err != nil {
		return err
	}
	out, ids := rolesWire{Roles: make([]roleWire, len(list))}, make([]ident.RoleID, len(list))
	for i, role := range list {
		out.Roles[i], ids[i] = s.roleWire(r, role), role.ID
	}
	out.Links, out.Pagination = s.api.Finish(r, p, wire.NextAfter(ids, more))
	return web.JSON(w, http.StatusOK, out)
}
