package person

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Words are the sign-in policies of an account as the command line reads and writes them: members by their
// names in /v1. A member that is not there says nothing.
type Words struct {
	f  *Features
	by actor.Actor
}

// Words are those of the actor's account.
func (f *Features) Words(by actor.Actor) Words { return Words{f, by} }

// PolicyMembers are the members of a policy by name.
type PolicyMembers map[string]any

// PolicyScope is whose policy it is: of a tenant or of an application, or else of the account.
type PolicyScope struct{ Tenant, Application string }

func (w Words) scope(s PolicyScope) (policy.Scope, error) {
	if s.Tenant != "" && s.Application != "" {
		return policy.Scope{}, fault.New(fault.Invalid, fault.CodeInvalidRequest, "A policy is of a tenant or of an application, not of both.")
	}
	return policy.Scope{Account: w.by.Account, Tenant: ident.TenantID(s.Tenant), Application: ident.ApplicationID(s.Application)}, nil
}

// Show returns what is written for the scope itself.
func (w Words) Show(ctx context.Context, s PolicyScope) (PolicyMembers, error) {
	scope, err := w.scope(s)
	if err != nil {
		return nil, err
	}
	p, err := w.f.Policies.Get(ctx, scope)
	if err != nil {
		return nil, err
	}
	return members(p)
}

// Effective returns what holds for sign-ins of the scope, together with the account's words.
func (w Words) Effective(ctx context.Context, s PolicyScope) (PolicyMembers, error) {
	if _, err := w.Show(ctx, s); err != nil { // there is no such scope
		return nil, err
	}
	return members(w.f.Directory.Of(w.by.Account, ident.TenantID(s.Tenant), ident.ApplicationID(s.Application)))
}

// Set writes some members of a scope's policy and leaves the others, and returns what is written then.
func (w Words) Set(ctx context.Context, s PolicyScope, change PolicyMembers) (PolicyMembers, error) {
	all, err := w.Show(ctx, s)
	if err != nil {
		return nil, err
	}
	maps.Copy(all, change)
	text, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return w.Replace(ctx, s, text)
}

// Replace writes a scope's policy anew, from JSON as /v1 takes it.
func (w Words) Replace(ctx context.Context, s PolicyScope, text []byte) (PolicyMembers, error) {
	scope, err := w.scope(s)
	if err != nil {
		return nil, err
	}
	p, err := policy.Read(text)
	if err != nil {
		return nil, err
	}
	if p, err = w.f.Policies.Put(ctx, w.by, scope, p); err != nil {
		return nil, err
	}
	return members(p)
}

func members(p policy.Policy) (out PolicyMembers, err error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(text, &out)
}
