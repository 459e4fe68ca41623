package front

import (
	"net/http"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/oidc/wire"
)

// The paths under the account's issuer.
const (
	PathAuthorize = "/oauth/authorize"
	PathPush      = "/oauth/par"
	pathResume    = "/oauth/resume"
	PathHome      = "/{$}" // of extensions
)

// Routes declares the endpoints. The authorization endpoint is open to posts of other sites
// (OpenID Connect Core section 3.1.2.1), and no page may read its answers (OAuth 2.1 section 3.1).
func (s *Surface) Routes() []web.Route {
	page := func(method, path string, h web.Handler) web.Route {
		return web.Route{Method: method, Pattern: path, Auth: web.Public, Scope: web.Account, Limit: web.LimitLogin, CORS: web.NoCORS,
			Handler: withoutHead(h), Errors: s.deps.Pages.Error, MaxBody: wire.MaxForm}
	}
	return []web.Route{
		page(http.MethodGet, PathAuthorize, s.authorize),
		page(http.MethodPost, PathAuthorize, s.authorize),
		page(http.MethodGet, PathHome, s.extension),
		page(http.MethodGet, pathResume, s.resume),
		{Method: http.MethodPost, Pattern: PathPush, Auth: web.Public, Scope: web.Account, Limit: web.LimitLogin, CORS: web.RegisteredOrigins,
			Handler: s.push, Errors: wire.Error, MaxBody: wire.MaxForm},
	}
}

// withoutHead answers HEAD without asking what stands behind the address: link previews send it,
// and it must not use up a pushed request (I-24).
func withoutHead(h web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusOK)
			return nil
		}
		return h(w, r)
	}
}
