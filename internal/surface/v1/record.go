package v1

import (
	"context"
	"net/http"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
)

// Records is what access.Service does with access records.
type Records interface {
	CreateRecord(ctx context.Context, a actor.Actor, r access.Record) (access.Record, error)
	GetRecord(ctx context.Context, a actor.Actor, id ident.RecordID) (access.Record, error)
	ReplaceRecord(ctx context.Context, a actor.Actor, r access.Record, since time.Time) (access.Record, error)
	DeleteRecord(ctx context.Context, a actor.Actor, id ident.RecordID) error
	ListRecords(ctx context.Context, a actor.Actor, s access.Status, p access.Page) ([]access.Record, bool, error)
}

// maxRecordBody is larger than a stored record, because its JSON here says more.
const maxRecordBody = 512 << 10

func (s *Surface) recordRoutes() []web.Route {
	route := func(method, pattern, needs string, h web.Handler) web.Route {
		return web.Route{Method: method, Pattern: pattern, Permission: needs, Handler: h, Auth: web.Bearer,
			Scope: web.Account, Limit: web.LimitNone, CORS: web.RegisteredOrigins, MaxBody: maxRecordBody}
	}
	const one = "/v1/records/{recordId}"
	return []web.Route{
		route(http.MethodPost, "/v1/records", "GRANT and DELEGATE of all that the record gives", s.createRecord),
		route(http.MethodGet, "/v1/records", "READ Authress:AccessRecords/* or admin of records", s.listRecords),
		route(http.MethodGet, one, "READ Authress:AccessRecords/{recordId} or its admin", s.getRecord),
		route(http.MethodPut, one, "UPDATE Authress:AccessRecords/{recordId} or its admin, and GRANT and DELEGATE of what it gains", s.replaceRecord),
		route(http.MethodDelete, one, "UPDATE Authress:AccessRecords/{recordId} or its admin", s.deleteRecord),
	}
}

type userRef struct {
	UserID ident.UserID `json:"userId"`
}

type groupRef struct {
	GroupID ident.GroupID `json:"groupId"`
}

type recordWire struct {
	RecordID    ident.RecordID    `json:"recordId"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Capacity    float64           `json:"capacity"`
	LastUpdated string            `json:"lastUpdated,omitempty"`
	Status      access.Status     `json:"status,omitempty"`
	Account     *accountRef       `json:"account,omitempty"`
	Users       []userRef         `json:"users"`
	Admins      []userRef         `json:"admins"`
	Groups      []groupRef        `json:"groups"`
	Statements  []statementWire   `json:"statements"`
	Tags        map[string]string `json:"tags,omitempty"`
	Links       *links            `json:"links,omitempty"`
}

type statementWire struct {
	Roles     []ident.RoleID `json:"roles"`
	Resources []resourceRef  `json:"resources"`
	Users     []userRef      `json:"users,omitempty"`
	Groups    []groupRef     `json:"groups,omitempty"`
}

// recordInput is what callers may set; what only Admit sets is ignored when it is sent.
type recordInput struct {
	RecordID    ident.RecordID    `json:"recordId"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Users       []userRef         `json:"users"`
	Admins      []userRef         `json:"admins"`
	Groups      []groupRef        `json:"groups"`
	Statements  []statementWire   `json:"statements"`
	Tags        map[string]string `json:"tags"`
}

func (in *recordInput) record() access.Record {
	r := access.Record{ID: in.RecordID, Name: in.Name, Description: in.Description, Tags: in.Tags,
		Users: users(in.Users), Admins: users(in.Admins), Groups: groups(in.Groups)}
	for _, st := range in.Statements {
		out := access.Statement{Roles: st.Roles, Users: users(st.Users), Groups: groups(st.Groups)}
		for _, resource := range st.Resources {
			out.Resources = append(out.Resources, resource.ResourceURI)
		}
		r.Statements = append(r.Statements, out)
	}
	return r
}

func (s *Surface) recordWire(r *http.Request, rec access.Record) recordWire {
	out := recordWire{RecordID: rec.ID, Name: rec.Name, Description: rec.Description, Capacity: rec.Capacity,
		LastUpdated: timestamp(rec.LastUpdated), Status: rec.Status, Account: &accountRef{web.AccountOf(r)},
		Users: userRefs(rec.Users), Admins: userRefs(rec.Admins), Groups: groupRefs(rec.Groups),
		Statements: make([]statementWire, len(rec.Statements)), Tags: rec.Tags,
		Links: s.selfLinks(r, "records", string(rec.ID))}
	for i, st := range rec.Statements {
		to := &out.Statements[i]
		to.Roles, to.Resources = st.Roles, make([]resourceRef, len(st.Resources))
		for k, text := range st.Resources {
			to.Resources[k].ResourceURI = text
		}
		if len(st.Users) > 0 {
			to.Users = userRefs(st.Users)
		}
		if len(st.Groups) > 0 {
			to.Groups = groupRefs(st.Groups)
		}
	}
	return out
}

func (s *Surface) createRecord(w http.ResponseWriter, r *http.Request) error {
	var in recordInput
	if err := web.DecodeJSON(r, &in, maxRecordBody); err != nil {
		return err
	}
	rec, err := s.d.Records.CreateRecord(r.Context(), web.ActorOf(r), in.record())
	if err != nil {
		return err
	}
	return s.sendRecord(w, r, created(r), rec)
}

func (s *Surface) sendRecord(w http.ResponseWriter, r *http.Request, status int, rec access.Record) error {
	setLastModified(w, rec.LastUpdated)
	return web.JSON(w, status, s.recordWire(r, rec))
}

func (s *Surface) getRecord(w http.ResponseWriter, r *http.Request) error {
	rec, err := s.d.Records.GetRecord(r.Context(), web.ActorOf(r), ident.RecordID(r.PathValue("recordId")))
	if err != nil {
		return err
	}
	return s.sendRecord(w, r, http.StatusOK, rec)
}

func (s *Surface) replaceRecord(w http.ResponseWriter, r *http.Request) error {
	since, err := unmodifiedSince(r)
	if err != nil {
		return err
	}
	var in recordInput
	if err := web.DecodeJSON(r, &in, maxRecordBody); err != nil {
		return err
	}
	if in.RecordID, err = sameID(ident.RecordID(r.PathValue("recordId")), in.RecordID); err != nil {
		return err
	}
	rec, err := s.d.Records.ReplaceRecord(r.Context(), web.ActorOf(r), in.record(), since)
	if err != nil {
		return err
	}
	return s.sendRecord(w, r, http.StatusOK, rec)
}

// sameID returns the id of the path, unless the body names another.
func sameID[T ~string](path, body T) (T, error) {
	if body != "" && body != path {
		return "", fault.New(fault.Invalid, fault.CodeInvalidRequest, "The id in the body is not the one in the path.")
	}
	return path, nil
}

func (s *Surface) deleteRecord(w http.ResponseWriter, r *http.Request) error {
	if err := s.d.Records.DeleteRecord(r.Context(), web.ActorOf(r), ident.RecordID(r.PathValue("recordId"))); err != nil {
		return err
	}
	return done(w, r)
}

type recordsWire struct {
	Records    []recordWire `json:"records"`
	Pagination *pagination  `json:"pagination,omitempty"`
	Links      *links       `json:"links"`
}

func (s *Surface) listRecords(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	status := access.Status(value(q, "status"))
	switch status {
	case access.Active, access.Deleted:
	case "":
		status = access.Active
	default:
		return fault.New(fault.Invalid, fault.CodeInvalidRequest, "status is ACTIVE or DELETED.")
	}
	p, err := s.readPage(r, q, pageLimits{20, 20}, "/v1/records", "status", value(q, "status"))
	if err != nil {
		return err
	}
	list, more, err := s.d.Records.ListRecords(r.Context(), web.ActorOf(r), status, access.Page{After: p.After, Limit: p.Limit, Filter: p.Filter})
	if err != nil {
		return err
	}
	out, ids := recordsWire{Records: make([]recordWire, len(list))}, make([]ident.RecordID, len(list))
	for i, rec := range list {
		out.Records[i], ids[i] = s.recordWire(r, rec), rec.ID
	}
	out.Links, out.Pagination = s.finish(r, p, nextAfter(ids, more))
	return web.JSON(w, http.StatusOK, out)
}

func users(refs []userRef) []ident.UserID {
	out := make([]ident.UserID, len(refs))
	for i, u := range refs {
		out[i] = u.UserID
	}
	return out
}

func groups(refs []groupRef) []ident.GroupID {
	out := make([]ident.GroupID, len(refs))
	for i, g := range refs {
		out[i] = g.GroupID
	}
	return out
}

func userRefs(ids []ident.UserID) []userRef {
	out := make([]userRef, len(ids))
	for i, id := range ids {
		out[i].UserID = id
	}
	return out
}

func groupRefs(ids []ident.GroupID) []groupRef {
	out := make([]groupRef, len(ids))
	for i, id := range ids {
		out[i].GroupID = id
	}
	return out
}
