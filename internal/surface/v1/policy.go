package v1

import (
	"context"
	"net/http"

	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
)

// Policies is what policy.Service does.
type Policies interface {
	Get(ctx context.Context, scope policy.Scope) (policy.Policy, error)
	Put(ctx context.Context, by actor.Actor, scope policy.Scope, p policy.Policy) (policy.Policy, error)
}

func (s *Surface) policyRoutes() []web.Route {
	const account, tenant, application = "/v1/sign-in-policy", "/v1/tenants/{tenantId}/sign-in-policy", "/v1/applications/{applicationId}/sign-in-policy"
	return []web.Route{
		s.api.Guarded(http.MethodGet, account, "READ Authress:Configuration", s.getPolicy),
		s.api.Guarded(http.MethodPut, account, "UPDATE Authress:Configuration", s.putPolicy),
		s.api.Guarded(http.MethodGet, tenant, "READ Authress:Tenants/{tenantId}", s.getPolicy),
		s.api.Guarded(http.MethodPut, tenant, "UPDATE Authress:Tenants/{tenantId}", s.putPolicy),
		s.api.Guarded(http.MethodGet, application, "READ Authress:Applications/{applicationId}", s.getPolicy),
		s.api.Guarded(http.MethodPut, application, "UPDATE Authress:Applications/{applicationId}", s.putPolicy),
	}
}

// policyScope is what the address names.
func policyScope(r *http.Request) policy.Scope {
	return policy.Scope{
		Account: web.AccountOf(r), Tenant: ident.TenantID(r.PathValue("tenantId")), Application: ident.ApplicationID(r.PathValue("applicationId")),
	}
}

func (s *Surface) getPolicy(w http.ResponseWriter, r *http.Request) error {
	p, err := s.d.Policies.Get(r.Context(), policyScope(r))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, p)
}

func (s *Surface) putPolicy(w http.ResponseWriter, r *http.Request) error {
	text, err := web.ReadBody(r, web.DefaultMaxBody)
	if err != nil {
		return err
	}
	body, err := policy.Read(text)
	if err != nil {
		return err
	}
	p, err := s.d.Policies.Put(r.Context(), web.ActorOf(r), policyScope(r), body)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, p)
}
