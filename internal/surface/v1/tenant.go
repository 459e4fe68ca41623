package v1

import (
	"context"
	"net/http"
	"time"

	"github.com/admit-id/admit/internal/account/tenant"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Tenants is what tenant.Service does.
type Tenants interface {
	Create(ctx context.Context, by actor.Actor, in tenant.Input) (tenant.Tenant, error)
	Update(ctx context.Context, by actor.Actor, in tenant.Input) (tenant.Tenant, error)
	Get(ctx context.Context, account ident.AccountID, id ident.TenantID) (tenant.Tenant, error)
	List(ctx context.Context, account ident.AccountID, q tenant.Query) ([]tenant.Tenant, ident.TenantID, error)
	Delete(ctx context.Context, by actor.Actor, id ident.TenantID) error
	AddMember(ctx context.Context, by actor.Actor, id ident.TenantID, user ident.UserID) error
	RemoveMember(ctx context.Context, by actor.Actor, id ident.TenantID, user ident.UserID) error
}

func (s *Surface) tenantRoutes() []web.Route {
	const one = "/v1/tenants/{tenantId}"
	return []web.Route{
		s.api.Guarded(http.MethodPost, "/v1/tenants", "CREATE Authress:Tenants", s.createTenant),
		s.api.Guarded(http.MethodGet, "/v1/tenants", "READ Authress:Tenants/*", s.listTenants),
		s.api.Guarded(http.MethodGet, one, "READ Authress:Tenants/{tenantId}", s.getTenant),
		s.api.Guarded(http.MethodPut, one, "UPDATE Authress:Tenants/{tenantId}", s.updateTenant),
		s.api.Guarded(http.MethodDelete, one, "UPDATE Authress:Tenants/{tenantId}", s.deleteTenant),
		s.api.Guarded(http.MethodPatch, one+"/users", "UPDATE Authress:Tenants/{tenantId}", s.addTenantUser),
		s.api.Guarded(http.MethodDelete, one+"/users/{userId}", "UPDATE Authress:Tenants/{tenantId}", s.removeTenantUser),
	}
}

// tenantWire is a tenant in both directions.
type tenantWire struct {
	TenantID    ident.TenantID    `json:"tenantId,omitempty"`
	Lookup      string            `json:"tenantLookupIdentifier,omitempty"`
	Data        *tenantData       `json:"data,omitempty"`
	Domains     []tenantDomain    `json:"domains"`
	Connection  *tenantConnection `json:"connection,omitempty"`
	Tokens      *tenantTokens     `json:"tokenConfiguration,omitempty"`
	CreatedTime string            `json:"createdTime,omitempty"`
	Links       *wire.Links       `json:"links,omitempty"`
}

type tenantData struct {
	Name string `json:"name,omitempty"`
}

type tenantDomain struct {
	Domain string `json:"domain"`
}

type tenantConnection struct {
	ConnectionID ident.ConnectionID `json:"connectionId,omitempty"`
}

type tenantTokens struct {
	AccessToken *wire.Duration `json:"accessTokenDuration,omitempty"`
	Session     *wire.Duration `json:"sessionDuration,omitempty"`
}

// input reads what the caller wrote; claiming a domain is for those who may give everything.
func (s *Surface) tenantInput(r *http.Request, b tenantWire) tenant.Input {
	in := tenant.Input{
		Tenant:       tenant.Tenant{ID: b.TenantID, Lookup: b.Lookup},
		AllowDomains: func() error { return s.d.Acting.AllowActingAsAnyone(web.ActorOf(r)) },
	}
	if b.Data != nil {
		in.Name = b.Data.Name
	}
	for _, d := range b.Domains {
		in.Domains = append(in.Domains, d.Domain)
	}
	if b.Connection != nil {
		in.Connection = b.Connection.ConnectionID
	}
	if b.Tokens != nil {
		wire.Set(&in.TokenLife, (*time.Duration)(b.Tokens.AccessToken))
		wire.Set(&in.SessionLife, (*time.Duration)(b.Tokens.Session))
	}
	return in
}

func (s *Surface) tenantWire(r *http.Request, n tenant.Tenant) tenantWire {
	out := tenantWire{
		TenantID: n.ID, Lookup: n.Lookup, Data: &tenantData{n.Name}, Domains: make([]tenantDomain, len(n.Domains)),
		CreatedTime: wire.Timestamp(n.CreatedAt), Links: s.api.SelfLinks(r, "tenants", string(n.ID)),
	}
	for i, d := range n.Domains {
		out.Domains[i].Domain = d
	}
	if n.Connection != "" {
		out.Connection = &tenantConnection{n.Connection}
	}
	if n.TokenLife > 0 || n.SessionLife > 0 {
		out.Tokens = &tenantTokens{}
		if n.TokenLife > 0 {
			out.Tokens.AccessToken = (*wire.Duration)(&n.TokenLife)
		}
		if n.SessionLife > 0 {
			out.Tokens.Session = (*wire.Duration)(&n.SessionLife)
		}
	}
	return out
}

func (s *Surface) createTenant(w http.ResponseWriter, r *http.Request) error {
	var body tenantWire
	if err := web.DecodeJSON(r, &body, web.DefaultMaxBody); err != nil {
		return err
	}
	n, err := s.d.Tenants.Create(r.Context(), web.ActorOf(r), s.tenantInput(r, body))
	if err != nil {
		return err
	}
	return web.JSON(w, wire.Created(r), s.tenantWire(r, n))
}

func (s *Surface) getTenant(w http.ResponseWriter, r *http.Request) error {
	n, err := s.d.Tenants.Get(r.Context(), web.AccountOf(r), ident.TenantID(r.PathValue("tenantId")))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.tenantWire(r, n))
}

func (s *Surface) updateTenant(w http.ResponseWriter, r *http.Request) error {
	var body tenantWire
	err := web.DecodeJSON(r, &body, web.DefaultMaxBody)
	if err != nil {
		return err
	}
	if body.TenantID, err = wire.SameID(ident.TenantID(r.PathValue("tenantId")), body.TenantID); err != nil {
		return err
	}
	n, err := s.d.Tenants.Update(r.Context(), web.ActorOf(r), s.tenantInput(r, body))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.tenantWire(r, n))
}

func (s *Surface) deleteTenant(w http.ResponseWriter, r *http.Request) error {
	if err := s.d.Tenants.Delete(r.Context(), web.ActorOf(r), ident.TenantID(r.PathValue("tenantId"))); err != nil {
		return err
	}
	return wire.Done(w, r)
}

type tenantsWire struct {
	Tenants    []tenantWire     `json:"tenants"`
	Pagination *wire.Pagination `json:"pagination,omitempty"`
	Links      *wire.Links      `json:"links"`
}

func (s *Surface) listTenants(w http.ResponseWriter, r *http.Request) error {
	p, err := s.api.ReadPage(r, r.URL.Query(), wire.PageLimits{Normal: tenant.DefaultLimit, Most: tenant.MaxLimit}, "/v1/tenants")
	if err != nil {
		return err
	}
	list, next, err := s.d.Tenants.List(r.Context(), web.AccountOf(r),
		tenant.Query{After: ident.TenantID(p.After), Limit: p.Limit, Filter: p.Filter})
	if err != nil {
		return err
	}
	out := tenantsWire{Tenants: make([]tenantWire, len(list))}
	for i, n := range list {
		out.Tenants[i] = s.tenantWire(r, n)
	}
	out.Links, out.Pagination = s.api.Finish(r, p, string(next))
	return web.JSON(w, http.StatusOK, out)
}

func (s *Surface) addTenantUser(w http.ResponseWriter, r *http.Request) error {
	var body wire.UserRef
	if err := web.DecodeJSON(r, &body, web.DefaultMaxBody); err != nil {
		return err
	}
	if body.UserID == "" {
		return fault.New(fault.Invalid, fault.CodeInvalidRequest, "userId names the person to add.")
	}
	if err := s.d.Tenants.AddMember(r.Context(), web.ActorOf(r), ident.TenantID(r.PathValue("tenantId")), body.UserID); err != nil {
		return err
	}
	return wire.Done(w, r)
}

func (s *Surface) removeTenantUser(w http.ResponseWriter, r *http.Request) error {
	err := s.d.Tenants.RemoveMember(r.Context(), web.ActorOf(r), ident.TenantID(r.PathValue("tenantId")), ident.UserID(r.PathValue("userId")))
	if err != nil {
		return err
	}
	return wire.Done(w, r)
}
