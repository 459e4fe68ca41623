package decide

import (
	"net/http"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Permissions answers questions about users. access.Engine implements it.
type Permissions interface {
	AllowAsking(a actor.Actor, user ident.UserID) error
	Check(account ident.AccountID, user ident.UserID, resource, action string) (bool, error)
	CheckMany(account ident.AccountID, questions []access.Question) []access.Answer
	Permissions(account ident.AccountID, user ident.UserID, resource string) ([]access.Permission, error)
	Roles(account ident.AccountID, user ident.UserID, resource string) ([]ident.RoleID, error)
	Resources(account ident.AccountID, user ident.UserID, l access.Listing) (resources []string, more bool, err error)
}

func (s *Surface) permissionRoutes() []web.Route {
	const needs = "READ Authress:UserPermissions/{userId} or self"
	base := web.Route{Method: http.MethodGet, Auth: web.Bearer, Permission: needs, Scope: web.Account,
		Limit: web.LimitNone, CORS: web.RegisteredOrigins, Hot: true}
	check, list, roles, resources := base, base, base, base
	check.Pattern, check.Handler = "/v1/users/{userId}/resources/{resourceUri***}/permissions/{permission}", s.checkPermission
	list.Pattern, list.Handler = "/v1/users/{userId}/resources/{resourceUri***}/permissions", s.listPermissions
	roles.Pattern, roles.Handler = "/v1/users/{userId}/resources/{resourceUri***}/roles", s.listUserRoles
	resources.Pattern, resources.Handler = "/v1/users/{userId}/resources", s.listUserResources
	return []web.Route{check, list, roles, resources}
}

var (
	errNotAllowed = fault.New(fault.NotFound, fault.CodeNotFound,
		"The user does not have any permissions to the resource including the one requested.")
	bodyAllowed = []byte("{}")
)

// checkPermission answers 200 when the user may, 404 when they may not.
func (s *Surface) checkPermission(w http.ResponseWriter, r *http.Request) error {
	if r.URL.RawQuery != "" {
		at, text, err := moment(r.URL.Query())
		if err != nil {
			return err
		}
		if text != "" {
			return s.checkAt(w, r, at)
		}
	}
	a, user := web.ActorOf(r), ident.UserID(web.PathValue(r, "userId"))
	if err := s.d.Permissions.AllowAsking(a, user); err != nil {
		return err
	}
	allowed, err := s.d.Permissions.Check(a.Account, user, web.PathValue(r, "resourceUri"), web.PathValue(r, "permission"))
	if err != nil {
		return err
	}
	if !allowed {
		return errNotAllowed
	}
	return web.JSONBytes(w, http.StatusOK, bodyAllowed)
}

type permissionsWire struct {
	Account     wire.AccountRef   `json:"account"`
	UserID      ident.UserID      `json:"userId"`
	Permissions []wire.Permission `json:"permissions"`
	Links       *wire.Links       `json:"links"`
}

func (s *Surface) listPermissions(w http.ResponseWriter, r *http.Request) error {
	if err := nowOnly(r); err != nil {
		return err
	}
	a, user, resource := web.ActorOf(r), ident.UserID(web.PathValue(r, "userId")), web.PathValue(r, "resourceUri")
	if err := s.d.Permissions.AllowAsking(a, user); err != nil {
		return err
	}
	held, err := s.d.Permissions.Permissions(a.Account, user, resource)
	if err != nil {
		return err
	}
	if len(held) == 0 {
		return errNotAllowed
	}
	out := permissionsWire{Account: wire.AccountRef{AccountID: a.Account}, UserID: user,
		Links: s.api.SelfLinks(r, "users", string(user), "resources", resource, "permissions")}
	for _, p := range held {
		out.Permissions = append(out.Permissions, wire.Permission(p))
	}
	return web.JSON(w, http.StatusOK, out)
}

type userRolesWire struct {
	UserID ident.UserID   `json:"userId"`
	Roles  []wire.RoleRef `json:"roles"`
	Links  *wire.Links    `json:"links"`
}

func (s *Surface) listUserRoles(w http.ResponseWriter, r *http.Request) error {
	if err := nowOnly(r); err != nil {
		return err
	}
	a, user, resource := web.ActorOf(r), ident.UserID(web.PathValue(r, "userId")), web.PathValue(r, "resourceUri")
	if err := s.d.Permissions.AllowAsking(a, user); err != nil {
		return err
	}
	held, err := s.d.Permissions.Roles(a.Account, user, resource)
	if err != nil {
		return err
	}
	if len(held) == 0 {
		return errNotAllowed
	}
	out := userRolesWire{UserID: user, Links: s.api.SelfLinks(r, "users", string(user), "resources", resource, "roles")}
	for _, id := range held {
		out.Roles = append(out.Roles, wire.RoleRef{RoleID: id})
	}
	return web.JSON(w, http.StatusOK, out)
}
