package v1

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Sessions lists and ends the sessions of people. *session.Service does.
type Sessions interface {
	Page(ctx context.Context, q session.ListQuery) ([]session.Session, error)
	// RootOf returns the chain that a session belongs to, or nothing.
	RootOf(ctx context.Context, account ident.AccountID, id ident.SessionID) (ident.SessionID, error)
	EndOne(ctx context.Context, a actor.Actor, user ident.UserID, id ident.SessionID) error
}

func (s *Surface) sessionRoutes() []web.Route {
	const all = "/v1/users/{userId}/sessions"
	self := func(method, path, permission string, h web.Handler) web.Route {
		return web.Route{Method: method, Pattern: path, Permission: permission, Handler: h, Auth: web.Bearer, Scope: web.Account, Limit: web.LimitNone, CORS: web.RegisteredOrigins}
	}
	return []web.Route{
		self(http.MethodGet, all, "READ Authress:Users/{userId} or self", s.listSessions),
		self(http.MethodDelete, all+"/{sessionId}", "UPDATE Authress:Users/{userId} or self", s.endSession),
	}
}

type sessionWire struct {
	SessionID    ident.SessionID `json:"sessionId"`
	Device       string          `json:"device,omitempty"`
	Address      string          `json:"address,omitempty"`
	Place        *placeWire      `json:"place,omitempty"`
	Methods      []string        `json:"methods"`
	ACR          string          `json:"acr"`
	Applications []string        `json:"applications"`
	Tenant       ident.TenantID  `json:"tenantId,omitempty"`
	Created      string          `json:"createdTime"`
	LastUsed     string          `json:"lastUsedTime"`
	Expires      string          `json:"expirationTime"`
	Current      bool            `json:"current"`
}

// placeWire is where an address roughly is, in English.
type placeWire struct {
	City        string `json:"city,omitempty"`
	Country     string `json:"country"`
	CountryCode string `json:"countryCode,omitempty"`
}

func (s *Surface) placeOf(address string) *placeWire {
	p := s.d.Places.Of(address, "en")
	if !p.Known() {
		return nil
	}
	return &placeWire{p.City, p.Country, p.Code}
}

type sessionsWire struct {
	Sessions   []sessionWire    `json:"sessions"`
	Pagination *wire.Pagination `json:"pagination,omitempty"`
	Links      *wire.Links      `json:"links"`
}

func (s *Surface) listSessions(w http.ResponseWriter, r *http.Request) error {
	a, id := web.ActorOf(r), ident.UserID(r.PathValue("userId"))
	if err := s.allowSelfOr(a, "READ", id); err != nil {
		return err
	}
	if _, err := s.d.Users.Get(r.Context(), a.Account, id); err != nil {
		return err
	}
	p, err := s.api.ReadPage(r, r.URL.Query(), wire.PageLimits{Normal: 20, Most: session.MaxListed}, wire.Path("users", string(id), "sessions"))
	if err != nil {
		return err
	}
	q := session.ListQuery{Account: a.Account, User: id, Limit: p.Limit}
	if began, after, ok := strings.Cut(p.After, " "); ok {
		micros, err := strconv.ParseInt(began, 10, 64)
		if err != nil {
			return err // only what this server has sealed is opened
		}
		q.Before, q.After = time.UnixMicro(micros), ident.SessionID(after)
	}
	list, err := s.d.Sessions.Page(r.Context(), q)
	if err != nil {
		return err
	}
	mine, err := s.d.Sessions.RootOf(r.Context(), a.Account, a.Session)
	if err != nil {
		return err
	}
	out := sessionsWire{Sessions: make([]sessionWire, len(list))}
	for i, one := range list {
		out.Sessions[i] = sessionWire{
			SessionID: one.ID, Device: one.Device, Address: one.Address, Place: s.placeOf(one.Address), Methods: some(one.AMR()), ACR: one.ACR(), Applications: some(one.Applications), Tenant: one.Tenant(),
			Created: wire.Timestamp(one.CreatedAt), LastUsed: wire.Timestamp(one.LastSeen), Expires: wire.Timestamp(one.ExpiresAt), Current: mine != "" && one.Root == mine,
		}
	}
	next := ""
	if n := len(list); n == p.Limit {
		next = strconv.FormatInt(list[n-1].CreatedAt.UnixMicro(), 10) + " " + string(list[n-1].ID)
	}
	out.Links, out.Pagination = s.api.Finish(r, p, next)
	return web.JSON(w, http.StatusOK, out)
}

// endSession ends one session of a person. Another person's is none of theirs.
func (s *Surface) endSession(w http.ResponseWriter, r *http.Request) error {
	a, id := web.ActorOf(r), ident.UserID(r.PathValue("userId"))
	if err := s.allowSelfOr(a, "UPDATE", id); err != nil {
		return err
	}
	err := s.d.Sessions.EndOne(r.Context(), a, id, ident.SessionID(r.PathValue("sessionId")))
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, fault.CodeNotFound, "The user has no such session.")
	}
	if err != nil {
		return err
	}
	return wire.Done(w, r)
}
