package grant

import (
	"context"
	"net/http"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Groups is what access.Service does with groups.
type Groups interface {
	CreateGroup(ctx context.Context, a actor.Actor, g access.Group) (access.Group, error)
	GetGroup(ctx context.Context, a actor.Actor, id ident.GroupID) (access.Group, error)
	ReplaceGroup(ctx context.Context, a actor.Actor, g access.Group, since time.Time) (access.Group, error)
	DeleteGroup(ctx context.Context, a actor.Actor, id ident.GroupID) error
	ListGroups(ctx context.Context, a actor.Actor, p access.Page) ([]access.Group, bool, error)
}

func (s *Surface) groupRoutes() []web.Route {
	route := func(method, pattern, needs string, h web.Handler) web.Route {
		return web.Route{Method: method, Pattern: pattern, Permission: needs, Handler: h, Auth: web.Bearer,
			Scope: web.Account, Limit: web.LimitNone, CORS: web.RegisteredOrigins}
	}
	const one = "/v1/groups/{groupId}"
	return []web.Route{
		route(http.MethodPost, "/v1/groups", "CREATE Authress:Groups", s.createGroup),
		route(http.MethodGet, "/v1/groups", "READ Authress:Groups/*", s.listGroups),
		route(http.MethodGet, one, "READ Authress:Groups/{groupId} or its admin", s.getGroup),
		route(http.MethodPut, one, "UPDATE Authress:Groups/{groupId} or its admin, and GRANT and DELEGATE of what new members get", s.replaceGroup),
		route(http.MethodDelete, one, "UPDATE Authress:Groups/{groupId} or its admin", s.deleteGroup),
	}
}

type groupWire struct {
	GroupID     ident.GroupID     `json:"groupId"`
	Name        string            `json:"name"`
	LastUpdated string            `json:"lastUpdated,omitempty"`
	Users       []wire.UserRef    `json:"users"`
	Admins      []wire.UserRef    `json:"admins"`
	Tags        map[string]string `json:"tags,omitempty"`
	Links       *wire.Links       `json:"links,omitempty"`
}

type groupInput struct {
	GroupID ident.GroupID     `json:"groupId"`
	Name    string            `json:"name"`
	Users   []wire.UserRef    `json:"users"`
	Admins  []wire.UserRef    `json:"admins"`
	Tags    map[string]string `json:"tags"`
}

func (in *groupInput) group() access.Group {
	return access.Group{ID: in.GroupID, Name: in.Name, Users: wire.Users(in.Users), Admins: wire.Users(in.Admins), Tags: in.Tags}
}

func (s *Surface) groupWire(r *http.Request, g access.Group) groupWire {
	return groupWire{GroupID: g.ID, Name: g.Name, LastUpdated: wire.Timestamp(g.LastUpdated), Users: wire.UserRefs(g.Users),
		Admins: wire.UserRefs(g.Admins), Tags: g.Tags, Links: s.api.SelfLinks(r, "groups", string(g.ID))}
}

func (s *Surface) sendGroup(w http.ResponseWriter, r *http.Request, status int, g access.Group) error {
	wire.SetLastModified(w, g.LastUpdated)
	return web.JSON(w, status, s.groupWire(r, g))
}

func (s *Surface) createGroup(w http.ResponseWriter, r *http.Request) error {
	var in groupInput
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	g, err := s.d.Groups.CreateGroup(r.Context(), web.ActorOf(r), in.group())
	if err != nil {
		return err
	}
	return s.sendGroup(w, r, wire.Created(r), g)
}

func (s *Surface) getGroup(w http.ResponseWriter, r *http.Request) error {
	g, err := s.d.Groups.GetGroup(r.Context(), web.ActorOf(r), ident.GroupID(r.PathValue("groupId")))
	if err != nil {
		return err
	}
	return s.sendGroup(w, r, http.StatusOK, g)
}

func (s *Surface) replaceGroup(w http.ResponseWriter, r *http.Request) error {
	since, err := wire.UnmodifiedSince(r)
	if err != nil {
		return err
	}
	var in groupInput
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	if in.GroupID, err = wire.SameID(ident.GroupID(r.PathValue("groupId")), in.GroupID); err != nil {
		return err
	}
	g, err := s.d.Groups.ReplaceGroup(r.Context(), web.ActorOf(r), in.group(), since)
	if err != nil {
		return err
	}
	return s.sendGroup(w, r, http.StatusOK, g)
}

func (s *Surface) deleteGroup(w http.ResponseWriter, r *http.Request) error {
	if err := s.d.Groups.DeleteGroup(r.Context(), web.ActorOf(r), ident.GroupID(r.PathValue("groupId"))); err != nil {
		return err
	}
	return wire.Done(w, r)
}

type groupsWire struct {
	Groups     []groupWire      `json:"groups"`
	Pagination *wire.Pagination `json:"pagination,omitempty"`
	Links      *wire.Links      `json:"links"`
}

func (s *Surface) listGroups(w http.ResponseWriter, r *http.Request) error {
	p, err := s.api.ReadPage(r, r.URL.Query(), wire.PageLimits{Normal: 20, Most: 20}, "/v1/groups")
	if err != nil {
		return err
	}
	list, more, err := s.d.Groups.ListGroups(r.Context(), web.ActorOf(r), access.Page{After: p.After, Limit: p.Limit, Filter: p.Filter})
	if err != nil {
		return err
	}
	out, ids := groupsWire{Groups: make([]groupWire, len(list))}, make([]ident.GroupID, len(list))
	for i, g := range list {
		out.Groups[i], ids[i] = s.groupWire(r, g), g.ID
	}
	out.Links, out.Pagination = s.api.Finish(r, p, wire.NextAfter(ids, more))
	return web.JSON(w, http.StatusOK, out)
}
