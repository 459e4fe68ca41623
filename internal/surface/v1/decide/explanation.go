package decide

import (
	"net/http"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

func (s *Surface) explanationRoutes() []web.Route {
	base := web.Route{Method: http.MethodGet, Auth: web.Bearer, Scope: web.Account, Limit: web.LimitNone, CORS: web.RegisteredOrigins}
	explain, subjects := base, base
	explain.Pattern, explain.Handler = "/v1/users/{userId}/resources/{resourceUri***}/permissions/{permission}/explanation", s.explain
	explain.Permission = "READ Authress:UserPermissions/{userId} or self"
	subjects.Pattern, subjects.Handler = "/v1/resources/{resourceUri***}/subjects", s.listSubjects
	subjects.Permission = "READ Authress:ResourcePermissions/{resourceUri}"
	return []web.Route{explain, subjects}
}

type explanationWire struct {
	UserID      ident.UserID `json:"userId"`
	ResourceURI string       `json:"resourceUri"`
	Permission  string       `json:"permission"`
	Allowed     bool         `json:"allowed"`
	Because     []reasonWire `json:"because"`
	More        bool         `json:"more"`
	Nearest     []nearWire   `json:"nearest"`
	At          string       `json:"at"`
	Revision    int64        `json:"revision"`
	Links       *wire.Links  `json:"links"`
}

type grantWire struct {
	RecordID    ident.RecordID `json:"recordId,omitempty"`
	RecordName  string         `json:"recordName,omitempty"`
	Statement   *int           `json:"statement,omitempty"` // with the record
	GroupID     ident.GroupID  `json:"groupId,omitempty"`
	ViaGroup    bool           `json:"viaGroup"`
	Hidden      bool           `json:"hidden"`
	RoleID      ident.RoleID   `json:"roleId,omitempty"`
	ResourceURI string         `json:"resourceUri,omitempty"`
	Covers      history.Cover  `json:"covers,omitempty"`
	StartsAt    string         `json:"startsAt,omitempty"`
	ExpiresAt   string         `json:"expiresAt,omitempty"`
}

type reasonWire struct {
	grantWire
	Permission wire.Permission `json:"permission"`
}

type nearWire struct {
	grantWire
	Why        history.Miss     `json:"why"`
	Permission *wire.Permission `json:"permission,omitempty"`
	Actions    []string         `json:"actions,omitempty"`
	Since      string           `json:"since,omitempty"`
}

func newGrant(g *history.Grant) grantWire {
	out := grantWire{RecordID: g.Record, RecordName: g.RecordName, GroupID: g.Group, ViaGroup: g.ViaGroup, Hidden: g.Hidden,
		RoleID: g.Role, ResourceURI: g.Resource, Covers: g.Covers, StartsAt: second(g.StartsAt), ExpiresAt: second(g.ExpiresAt)}
	if g.Record != "" {
		out.Statement = &g.Statement
	}
	return out
}

func second(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// explain tells why the user may or may not. Either is a 200.
func (s *Surface) explain(w http.ResponseWriter, r *http.Request) error {
	at, text, err := moment(r.URL.Query())
	if err != nil {
		return err
	}
	e, err := s.d.History.Explain(r.Context(), web.ActorOf(r), questionOf(r), at)
	if err != nil {
		return err
	}
	out := explanationWire{UserID: e.Question.User, ResourceURI: e.Question.Resource, Permission: e.Question.Action, Allowed: e.Allowed,
		Because: make([]reasonWire, len(e.Because)), More: e.More, Nearest: make([]nearWire, len(e.Nearest)),
		At: wire.Timestamp(e.At), Revision: e.Revision,
		Links: s.api.SelfLinks(r, "users", string(e.Question.User), "resources", e.Question.Resource, "permissions", e.Question.Action, "explanation")}
	if text != "" {
		out.Links.Self.Href += "?at=" + e.At.UTC().Format(time.RFC3339Nano)
	}
	for i := range e.Because {
		out.Because[i] = reasonWire{newGrant(&e.Because[i].Grant), wire.Permission(e.Because[i].Permission)}
	}
	for i := range e.Nearest {
		n := &e.Nearest[i]
		out.Nearest[i] = nearWire{grantWire: newGrant(&n.Grant), Why: n.Why, Actions: n.Actions, Since: wire.Timestamp(n.Since)}
		if n.Permission != (access.Permission{}) {
			p := wire.Permission(n.Permission)
			out.Nearest[i].Permission = &p
		}
	}
	return web.JSON(w, http.StatusOK, out)
}

type subjectsWire struct {
	Subjects    []wire.UserRef   `json:"subjects"`
	Everyone    bool             `json:"everyone"`
	ResourceURI string           `json:"resourceUri"`
	Permission  string           `json:"permission"`
	At          string           `json:"at"`
	Revision    int64            `json:"revision"`
	Pagination  *wire.Pagination `json:"pagination,omitempty"`
	Links       *wire.Links      `json:"links"`
}

// listSubjects tells who may.
func (s *Surface) listSubjects(w http.ResponseWriter, r *http.Request) error {
	q, resource := r.URL.Query(), r.PathValue("resourceUri")
	permission := wire.Value(q, "permission")
	if permission == "" {
		return fault.New(fault.Invalid, fault.CodeInvalidRequest, "The query names a permission, such as ?permission=documents:read.")
	}
	at, text, err := moment(q)
	if err != nil {
		return err
	}
	p, err := s.api.ReadPage(r, q, wire.PageLimits{Normal: 100, Most: history.MaxPage}, wire.Path("resources", resource, "subjects"),
		"permission", permission, "at", text)
	if err != nil {
		return err
	}
	held, err := s.d.History.Subjects(r.Context(), web.ActorOf(r), resource, permission, at, access.Page{After: p.After, Limit: p.Limit})
	if err != nil {
		return err
	}
	out := subjectsWire{Subjects: make([]wire.UserRef, len(held.Subjects)), Everyone: held.Everyone, ResourceURI: resource,
		Permission: permission, At: wire.Timestamp(held.At), Revision: held.Revision}
	users := make([]ident.UserID, len(held.Subjects))
	for i, subject := range held.Subjects {
		users[i], out.Subjects[i].UserID = subject.User, subject.User
	}
	out.Links, out.Pagination = s.api.Finish(r, p, wire.NextAfter(users, held.More))
	return web.JSON(w, http.StatusOK, out)
}
