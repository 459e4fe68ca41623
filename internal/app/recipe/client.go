package recipe

import (
	"context"
	"encoding/json"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Clients registers clients for whoever has the command line.
type Clients struct {
	applications *application.Service
	by           actor.Actor
	issuer       string
	settle       func(context.Context)
}

// New makes Clients of an account. settle gives servers that run the time to hear of a change.
func New(applications *application.Service, by actor.Actor, issuer string, settle func(context.Context)) *Clients {
	return &Clients{applications: applications, by: by, issuer: issuer, settle: settle}
}

// Made is a client that was just registered. Secret is shown this once; a public client has none.
type Made struct {
	ID, Secret, Issuer string
}

// Plain is a client without a recipe, as the command line names it.
type Plain struct {
	ID, Name  string
	Redirects []string
	Logout    []string
	Scopes    []string
	Grants    []string // short names, see grantNames
	Resources []string
	Serves    []string // APIs that it is, whose tokens it may introspect and exchange
	Method    string
	Algorithm string
	Format    string // of access tokens: jwt or opaque
	Native    bool
	Third     bool
	DPoP      bool
	// A workload that stands for the client: whose tokens (workload_identity).
	WorkloadIssuer, WorkloadSubject, WorkloadAudience string
	WorkloadKeys                                      []byte // the issuer's key set, where Admit cannot reach it
}

// grantNames are the grants as people write them.
var grantNames = map[string]string{
	"code": application.GrantCode, "refresh": application.GrantRefresh, "client-credentials": application.GrantClientCredentials,
	"device": application.GrantDevice, "exchange": application.GrantExchange, "jwt-bearer": application.GrantJWTBearer,
}

// Registration is the application that p describes.
func (p Plain) Registration() (application.Application, error) {
	o := application.OAuth{
		AuthMethod: application.AuthMethod(p.Method), Scopes: p.Scopes, Resources: p.Resources, IntrospectionAudiences: p.Serves, Native: p.Native, ThirdParty: p.Third, DPoPBound: p.DPoP,
		IDTokenAlg: p.Algorithm, AccessTokenFormat: application.TokenFormat(p.Format), PostLogoutRedirectURLs: p.Logout,
	}
	for _, name := range p.Grants {
		grant, ok := grantNames[name]
		if !ok {
			return application.Application{}, fault.New(fault.Invalid, fault.CodeInvalidRequest, "--grant is code, refresh, client-credentials, device, exchange or jwt-bearer.")
		}
		o.GrantTypes = append(o.GrantTypes, grant)
	}
	if p.WorkloadIssuer != "" {
		o.AuthMethod = application.AuthWorkload
		o.Workloads = []application.Workload{{Issuer: p.WorkloadIssuer, Subject: p.WorkloadSubject, Audience: p.WorkloadAudience, JWKS: p.WorkloadKeys}}
	}
	if len(p.Redirects) == 0 && o.MayUse(application.GrantCode) {
		return application.Application{}, fault.New(fault.Invalid, fault.CodeInvalidRequest,
			"Say where people come back to after signing in: --redirect https://app.example.com/callback. A client without people has other grants: --grant client-credentials")
	}
	return application.Application{ID: ident.ApplicationID(p.ID), Name: p.Name, RedirectURLs: p.Redirects, OAuth: o}, nil
}

// Onto is what a recipe registers, with what the command line says otherwise: id, name, more redirects, resources.
func (p Plain) Onto(a application.Application) application.Application {
	a.ID = ident.ApplicationID(p.ID)
	if p.Name != "" {
		a.Name = p.Name
	}
	a.RedirectURLs = append(a.RedirectURLs, p.Redirects...)
	a.OAuth.PostLogoutRedirectURLs = append(a.OAuth.PostLogoutRedirectURLs, p.Logout...)
	a.OAuth.Resources, a.OAuth.DPoPBound, a.OAuth.ThirdParty = p.Resources, p.DPoP, p.Third
	a.OAuth.AccessTokenFormat = application.TokenFormat(p.Format)
	if p.Algorithm != "" {
		a.OAuth.IDTokenAlg = p.Algorithm
	}
	return a
}

// Add registers an application and, where it proves itself with one, makes its secret.
func (c *Clients) Add(ctx context.Context, a application.Application) (Made, error) {
	made, err := c.applications.Create(ctx, c.by, a)
	if fault.Is(err, fault.Conflict) {
		return Made{}, fault.Newf(fault.Conflict, application.CodeExists, "The client id %s is, or was, in use. Choose another with --id app_…", a.ID)
	}
	if err != nil {
		return Made{}, err
	}
	out := Made{ID: string(made.ID), Issuer: c.issuer}
	if m := made.OAuth.AuthMethod; m == application.AuthSecretBasic || m == application.AuthSecretPost {
		out.Secret, err = c.Secret(ctx, out.ID, time.Time{})
		return out, err
	}
	c.settle(ctx)
	return out, nil
}

// Secret makes another secret for a client. Those that it has stay as they are, so that it can be replaced
// without a gap. The zero expiry is none.
func (c *Clients) Secret(ctx context.Context, id string, expires time.Time) (string, error) {
	_, value, err := c.applications.AddSecret(ctx, c.by, ident.ApplicationID(id), expires)
	if err != nil {
		return "", named(err)
	}
	c.settle(ctx)
	return value.Reveal(), nil
}

// named says of what there is none.
func named(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, fault.CodeNotFound, "There is no client of that id. admit client list shows those that there are.")
	}
	return err
}

// RemoveSecret takes a secret away, by its id.
func (c *Clients) RemoveSecret(ctx context.Context, id, secretID string) error {
	return c.applications.RemoveSecret(ctx, c.by, ident.ApplicationID(id), secretID)
}

// Line is a client in one line.
type Line struct {
	ID, Name, Method string
	Redirects        []string
}

// List lists the clients of the account.
func (c *Clients) List(ctx context.Context) (out []Line, err error) {
	for q := (application.Query{Limit: application.MaxLimit}); ; {
		page, next, err := c.applications.List(ctx, c.by.Account, q)
		if err != nil {
			return nil, err
		}
		for _, a := range page {
			out = append(out, Line{string(a.ID), a.Name, string(a.OAuth.Filled().AuthMethod), a.RedirectURLs})
		}
		if next == "" {
			return out, nil
		}
		q.After = next
	}
}

// Show is a client with what its settings mean, as JSON: times as people write them, no hashes.
func (c *Clients) Show(ctx context.Context, id string) ([]byte, error) {
	a, err := c.applications.Get(ctx, c.by.Account, ident.ApplicationID(id))
	if err != nil {
		return nil, named(err)
	}
	o := a.OAuth.Filled()
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var settings map[string]any
	if err := json.Unmarshal(text, &settings); err != nil {
		return nil, err
	}
	delete(settings, "registrationHash")
	for name, life := range map[string]time.Duration{"accessTokenLife": o.AccessTokenLife, "refreshTokenIdle": o.RefreshTokenIdle, "refreshTokenLife": o.RefreshTokenLife} {
		settings[name] = life.String()
	}
	if secrets, ok := settings["secrets"].([]any); ok {
		for _, s := range secrets {
			delete(s.(map[string]any), "hash")
		}
	}
	return json.MarshalIndent(struct {
		ID        string         `json:"clientId"`
		Name      string         `json:"name"`
		Issuer    string         `json:"issuer"`
		Redirects []string       `json:"redirectUrls,omitempty"`
		OAuth     map[string]any `json:"oauth"`
	}{string(a.ID), a.Name, c.issuer, a.RedirectURLs, settings}, "", "  ")
}
