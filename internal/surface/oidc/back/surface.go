package back

import (
	"context"
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/dpop"
	"github.com/admit-id/admit/internal/oauth/introspection"
	"github.com/admit-id/admit/internal/oauth/party"
	"github.com/admit-id/admit/internal/oauth/pipeline"
	"github.com/admit-id/admit/internal/surface/oidc/wire"
)

// The paths, which discovery names.
const (
	PathToken      = "/oauth/token"
	PathIntrospect = "/oauth/introspect"
	PathRevoke     = "/oauth/revoke"
	PathUserinfo   = "/oauth/userinfo"
	PathJSONToken  = "/api/authentication/oauth/tokens"
)

// Tokens is the token endpoint. *pipeline.Service is it.
type Tokens interface {
	Run(ctx context.Context, r pipeline.Request) (pipeline.Result, error)
}

// Facts says what tokens say. *introspection.Service does.
type Facts interface {
	Introspect(ctx context.Context, r introspection.Request, signed bool) ([]byte, error)
	Userinfo(ctx context.Context, l *introspection.Living) (introspection.Info, error)
	Revoke(ctx context.Context, r introspection.Request) error
}

// Reader finds out what an access token says. *introspection.Reader does.
type Reader interface {
	Look(ctx context.Context, account ident.AccountID, text string) (*introspection.Living, error)
}

// Nonces makes nonces for proofs. *dpop.Service does.
type Nonces interface {
	Nonce(account ident.AccountID, kind dpop.Kind) string
}

// Deps is what the surface needs.
type Deps struct {
	Tokens Tokens
	Facts  Facts
	Reader Reader
	Nonces Nonces
	Issuer func(ident.AccountID) string
}

// Surface answers the endpoints.
type Surface struct{ d Deps }

// New makes the surface.
func New(d Deps) *Surface { return &Surface{d} }

// Routes are the endpoints. Services call some of them for every request of their own, so that the
// limit is that of documents; wrong proofs of clients are held back by party.
func (s *Surface) Routes() []web.Route {
	route := func(method, path string, cors web.CORS, h web.Handler) web.Route {
		return web.Route{Method: method, Pattern: path, Auth: web.Public, Scope: web.Account, Limit: web.LimitDocument,
			CORS: cors, Handler: h, Errors: wire.Error, MaxBody: wire.MaxForm}
	}
	hot := func(r web.Route) web.Route {
		r.Hot = true
		return r
	}
	return []web.Route{
		hot(route(http.MethodPost, PathToken, web.RegisteredOrigins, s.token)), // the audit trail has what it gives out
		hot(route(http.MethodPost, PathJSONToken, web.RegisteredOrigins, s.tokenJSON)),
		hot(route(http.MethodPost, PathIntrospect, web.NoCORS, s.introspect)),
		route(http.MethodPost, PathRevoke, web.RegisteredOrigins, s.revoke),
		hot(route(http.MethodGet, PathUserinfo, web.RegisteredOrigins, s.userinfo)),
		hot(route(http.MethodPost, PathUserinfo, web.RegisteredOrigins, s.userinfo)),
	}
}

// presented is what a request says about its client. The endpoint's address is made of the issuer,
// never of the request (I-2).
func (s *Surface) presented(r *http.Request, form url.Values, path string) party.Presented {
	p := party.Presented{
		Form: form, Authorization: r.Header["Authorization"], Endpoint: s.d.Issuer(web.AccountOf(r)) + path, Address: web.ClientAddress(r), By: web.ActorOf(r),
	}
	if p.Certificate = web.ClientCertificate(r); p.Certificate != nil {
		p.Trusted = web.CertificateTrusted(r)
	}
	return p
}

// nonce puts a fresh nonce for proofs into the answer to a client that uses them (RFC 9449 section 8).
func (s *Surface) nonce(w http.ResponseWriter, r *http.Request, err error) {
	if code := oauth.CodeOf(err); code == oauth.UseDPoPNonce || err == nil && len(r.Header["Dpop"]) > 0 {
		w.Header()["Dpop-Nonce"] = []string{s.d.Nonces.Nonce(web.AccountOf(r), dpop.ForServer)}
	}
}
