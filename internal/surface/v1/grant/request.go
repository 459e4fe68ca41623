package grant

import (
	"context"
	"net/http"

	"github.com/admit-id/admit/internal/access/request"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Requests is what request.Service does with access requests.
type Requests interface {
	Create(ctx context.Context, a actor.Actor, r request.Request) (request.Request, error)
	Get(ctx context.Context, a actor.Actor, id request.ID) (request.Request, error)
	List(ctx context.Context, a actor.Actor, s request.Status, after string, limit int) ([]request.Request, string, error)
	Decide(ctx context.Context, a actor.Actor, id request.ID, s request.Status) (request.Request, error)
	Delete(ctx context.Context, a actor.Actor, id request.ID) error
}

func (s *Surface) requestRoutes() []web.Route {
	route := func(method, pattern, needs string, h web.Handler) web.Route {
		return web.Route{Method: method, Pattern: pattern, Permission: needs, Handler: h, Auth: web.Bearer,
			Scope: web.Account, Limit: web.LimitNone, CORS: web.RegisteredOrigins, MaxBody: maxRecordBody}
	}
	const (
		one  = "/v1/requests/{requestId}"
		give = "GRANT and DELEGATE of all that it asks for"
	)
	return []web.Route{
		route(http.MethodPost, "/v1/requests", "self, or CREATE Authress:AccessRequests", s.createRequest),
		route(http.MethodGet, "/v1/requests", "READ Authress:AccessRequests/*; without it, those of oneself and those with "+give, s.listRequests),
		route(http.MethodGet, one, "READ Authress:AccessRequests/{requestId}, to have made it, or "+give, s.getRequest),
		route(http.MethodPatch, one, give+"; to deny, UPDATE Authress:AccessRequests/{requestId} suffices", s.decideRequest),
		route(http.MethodDelete, one, "UPDATE Authress:AccessRequests/{requestId}, or to have made it while it is open", s.deleteRequest),
	}
}

type requestWire struct {
	RequestID   request.ID        `json:"requestId"`
	Status      request.Status    `json:"status"`
	LastUpdated string            `json:"lastUpdated"`
	CreatedTime string            `json:"createdTime"`
	Access      requestAccess     `json:"access"`
	Tags        map[string]string `json:"tags,omitempty"`
	RequestedBy *wire.UserRef     `json:"requestedBy,omitempty"`
	RecordID    ident.RecordID    `json:"recordId,omitempty"`
	Links       *wire.Links       `json:"links"`
}

type requestAccess struct {
	Users      []wire.UserRef  `json:"users"`
	Statements []statementWire `json:"statements"`
}

// requestInput is what callers may set; what only Admit sets is ignored when it is sent.
type requestInput struct {
	Access requestAccess     `json:"access"`
	Tags   map[string]string `json:"tags"`
}

func (s *Surface) requestWire(r *http.Request, req request.Request) requestWire {
	out := requestWire{RequestID: req.ID, Status: req.Status, LastUpdated: wire.Timestamp(req.LastUpdated), CreatedTime: wire.Timestamp(req.CreatedAt),
		Access: requestAccess{wire.UserRefs(req.Users), statementWires(req.Statements)},
		Tags:   req.Tags, RecordID: req.Record, Links: s.api.SelfLinks(r, "requests", string(req.ID))}
	if req.By != "" {
		out.RequestedBy = &wire.UserRef{UserID: req.By}
	}
	return out
}

func (s *Surface) sendRequest(w http.ResponseWriter, r *http.Request, status int, req request.Request) error {
	wire.SetLastModified(w, req.LastUpdated)
	return web.JSON(w, status, s.requestWire(r, req))
}

func (s *Surface) createRequest(w http.ResponseWriter, r *http.Request) error {
	var in requestInput
	if err := web.DecodeJSON(r, &in, maxRecordBody); err != nil {
		return err
	}
	req, err := s.d.Requests.Create(r.Context(), web.ActorOf(r), request.Request{
		Users: wire.Users(in.Access.Users), Statements: statements(in.Access.Statements), Tags: in.Tags})
	if err != nil {
		return err
	}
	return s.sendRequest(w, r, wire.Created(r), req)
}

func (s *Surface) getRequest(w http.ResponseWriter, r *http.Request) error {
	req, err := s.d.Requests.Get(r.Context(), web.ActorOf(r), request.ID(r.PathValue("requestId")))
	if err != nil {
		return err
	}
	return s.sendRequest(w, r, http.StatusOK, req)
}

func (s *Surface) decideRequest(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Status request.Status `json:"status"`
	}
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	req, err := s.d.Requests.Decide(r.Context(), web.ActorOf(r), request.ID(r.PathValue("requestId")), in.Status)
	if err != nil {
		return err
	}
	return s.sendRequest(w, r, http.StatusOK, req)
}

func (s *Surface) deleteRequest(w http.ResponseWriter, r *http.Request) error {
	if err := s.d.Requests.Delete(r.Context(), web.ActorOf(r), request.ID(r.PathValue("requestId"))); err != nil {
		return err
	}
	return wire.Done(w, r)
}

type requestsWire struct {
	Records    []requestWire    `json:"records"`
	Pagination *wire.Pagination `json:"pagination,omitempty"`
	Links      *wire.Links      `json:"links"`
}

func (s *Surface) listRequests(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	status := request.Status(wire.Value(q, "status"))
	p, err := s.api.ReadPage(r, q, wire.PageLimits{Normal: 20, Most: 20}, "/v1/requests", "status", string(status))
	if err != nil {
		return err
	}
	list, next, err := s.d.Requests.List(r.Context(), web.ActorOf(r), status, p.After, p.Limit)
	if err != nil {
		return err
	}
	out := requestsWire{Records: make([]requestWire, len(list))}
	for i, req := range list {
		out.Records[i] = s.requestWire(r, req)
	}
	out.Links, out.Pagination = s.api.Finish(r, p, next)
	return web.JSON(w, http.StatusOK, out)
}
