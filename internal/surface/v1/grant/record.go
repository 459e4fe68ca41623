package grant

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
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

type recordWire struct {
	RecordID    ident.RecordID    `json:"recordId"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Capacity    float64           `json:"capacity"`
	LastUpdated string            `json:"lastUpdated,omitempty"`
	Status      access.Status     `json:"status,omitempty"`
	Account     *wire.AccountRef  `json:"account,omitempty"`
	Users       []wire.UserRef    `json:"users"`
	Admins      []wire.UserRef    `json:"admins"`
	Groups      []wire.GroupRef   `json:"groups"`
	Statements  []statementWire   `json:"statements"`
	Tags        map[string]string `json:"tags,omitempty"`
	Links       *wire.Links       `json:"links,omitempty"`
}

type statementWire struct {
	Roles     []ident.RoleID     `json:"roles"`
	Resources []wire.ResourceRef `json:"resources"`
	Users     []wire.UserRef     `json:"users,omitempty"`
	Groups    []wire.GroupRef    `json:"groups,omitempty"`
	StartsAt  moment             `json:"startsAt,omitzero"`
	ExpiresAt moment             `json:"expiresAt,omitzero"`
}

// UnmarshalJSON implements json.Unmarshaler. Members that a statement does not have are refused: a
// misspelled expiresAt would make a grant without an end.
func (s *statementWire) UnmarshalJSON(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	for name := range members {
		if !slices.Contains([]string{"roles", "resources", "users", "groups", "startsAt", "expiresAt"}, name) {
			return fault.Newf(fault.Invalid, fault.CodeInvalidRequest,
				"A statement has no member %q; it has roles, resources, users, groups, startsAt and expiresAt.", name)
		}
	}
	type plain statementWire
	return json.Unmarshal(b, (*plain)(s))
}

// moment is a time in ISO 8601 (RFC 3339). It is read with any offset, which must be there, and
// written in UTC; null and absent are the zero time, and only null was said.
type moment struct {
	time.Time
	said bool
}

var errMoment = fault.New(fault.Invalid, fault.CodeInvalidRequest,
	"startsAt and expiresAt are times with their zone, such as 2030-01-31T12:00:00Z.")

// UnmarshalJSON implements json.Unmarshaler.
func (m *moment) UnmarshalJSON(b []byte) error {
	m.said = true
	if err := m.Time.UnmarshalJSON(b); err != nil {
		return errMoment
	}
	if m.IsZero() && string(b) != "null" {
		m.Time = time.Unix(0, 0) // the year 1 was said; it must not read as "no bound"
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (m moment) MarshalJSON() ([]byte, error) { return json.Marshal(wire.Timestamp(m.Time)) }

// recordInput is what callers may set; what only Admit sets is ignored when it is sent.
type recordInput struct {
	RecordID    ident.RecordID    `json:"recordId"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Users       []wire.UserRef    `json:"users"`
	Admins      []wire.UserRef    `json:"admins"`
	Groups      []wire.GroupRef   `json:"groups"`
	Statements  []statementWire   `json:"statements"`
	Tags        map[string]string `json:"tags"`
}

func (in *recordInput) record() access.Record {
	r := access.Record{ID: in.RecordID, Name: in.Name, Description: in.Description, Tags: in.Tags,
		Users: wire.Users(in.Users), Admins: wire.Users(in.Admins), Groups: wire.Groups(in.Groups)}
	r.Statements = statements(in.Statements)
	for i := range in.Statements {
		r.Unsaid = append(r.Unsaid, !in.Statements[i].StartsAt.said && !in.Statements[i].ExpiresAt.said)
	}
	return r
}

func statements(in []statementWire) []access.Statement {
	var list []access.Statement
	for _, st := range in {
		out := access.Statement{Roles: st.Roles, Users: wire.Users(st.Users), Groups: wire.Groups(st.Groups),
			StartsAt: st.StartsAt.Time, ExpiresAt: st.ExpiresAt.Time}
		for _, resource := range st.Resources {
			out.Resources = append(out.Resources, resource.ResourceURI)
		}
		list = append(list, out)
	}
	return list
}

func (s *Surface) recordWire(r *http.Request, rec access.Record) recordWire {
	out := recordWire{RecordID: rec.ID, Name: rec.Name, Description: rec.Description, Capacity: rec.Capacity,
		LastUpdated: wire.Timestamp(rec.LastUpdated), Status: rec.Status, Account: &wire.AccountRef{AccountID: web.AccountOf(r)},
		Users: wire.UserRefs(rec.Users), Admins: wire.UserRefs(rec.Admins), Groups: wire.GroupRefs(rec.Groups),
		Statements: statementWires(rec.Statements), Tags: rec.Tags,
		Links: s.api.SelfLinks(r, "records", string(rec.ID))}
	return out
}

func statementWires(list []access.Statement) []statementWire {
	out := make([]statementWire, len(list))
	for i, st := range list {
		to := &out[i]
		to.StartsAt.Time, to.ExpiresAt.Time = st.StartsAt, st.ExpiresAt
		to.Roles, to.Resources = st.Roles, make([]wire.ResourceRef, len(st.Resources))
		for k, text := range st.Resources {
			to.Resources[k].ResourceURI = text
		}
		if len(st.Users) > 0 {
			to.Users = wire.UserRefs(st.Users)
		}
		if len(st.Groups) > 0 {
			to.Groups = wire.GroupRefs(st.Groups)
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
	return s.sendRecord(w, r, wire.Created(r), rec)
}

func (s *Surface) sendRecord(w http.ResponseWriter, r *http.Request, status int, rec access.Record) error {
	wire.SetLastModified(w, rec.LastUpdated)
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
	since, err := wire.UnmodifiedSince(r)
	if err != nil {
		return err
	}
	var in recordInput
	if err := web.DecodeJSON(r, &in, maxRecordBody); err != nil {
		return err
	}
	if in.RecordID, err = wire.SameID(ident.RecordID(r.PathValue("recordId")), in.RecordID); err != nil {
		return err
	}
	rec, err := s.d.Records.ReplaceRecord(r.Context(), web.ActorOf(r), in.record(), since)
	if err != nil {
		return err
	}
	return s.sendRecord(w, r, http.StatusOK, rec)
}

func (s *Surface) deleteRecord(w http.ResponseWriter, r *http.Request) error {
	if err := s.d.Records.DeleteRecord(r.Context(), web.ActorOf(r), ident.RecordID(r.PathValue("recordId"))); err != nil {
		return err
	}
	return wire.Done(w, r)
}

type recordsWire struct {
	Records    []recordWire     `json:"records"`
	Pagination *wire.Pagination `json:"pagination,omitempty"`
	Links      *wire.Links      `json:"links"`
}

func (s *Surface) listRecords(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	status := access.Status(wire.Value(q, "status"))
	switch status {
	case access.Active, access.Deleted:
	case "":
		status = access.Active
	default:
		return fault.New(fault.Invalid, fault.CodeInvalidRequest, "status is ACTIVE or DELETED.")
	}
	p, err := s.api.ReadPage(r, q, wire.PageLimits{Normal: 20, Most: 20}, "/v1/records", "status", wire.Value(q, "status"))
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
	out.Links, out.Pagination = s.api.Finish(r, p, wire.NextAfter(ids, more))
	return web.JSON(w, http.StatusOK, out)
}
