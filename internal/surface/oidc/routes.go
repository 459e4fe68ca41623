package oidc

import (
	"net/http"

	"github.com/admit-id/admit/internal/kit/web"
)

// The paths of the documents. Discovery tells them to others; SDKs build the second one themselves.
const (
	pathDiscovery  = "/.well-known/openid-configuration"
	pathMetadata   = "/.well-known/oauth-authorization-server" // RFC 8414
	pathAccessKeys = "/.well-known/openid-configuration/jwks"
	pathIDKeys     = "/.well-known/openid-configuration/id-token-jwks"
	pathKeys       = "/.well-known/jwks.json"
	pathClientKeys = "/v1/clients/{clientId}/.well-known/openid-configuration/jwks"
)

// Routes declares the documents. All are public, for any origin, and ask for no token: an SDK
// that sends one is not refused.
func (s *Surface) Routes() []web.Route {
	route := func(path string, lasting bool, h web.Handler) web.Route {
		return web.Route{Method: http.MethodGet, Pattern: path, Auth: web.Public, Scope: web.Account,
			Limit: web.LimitDocument, CORS: web.AnyOrigin, Hot: true, Lasting: lasting, Handler: h}
	}
	return []web.Route{
		route(pathDiscovery, true, s.discovery),
		route(pathMetadata, true, s.discovery),
		route(pathAccessKeys, true, s.accessKeys), // keys are published long before they sign, and long after
		route(pathIDKeys, true, s.idKeys),
		route(pathKeys, true, s.allKeys),
		route(pathClientKeys, false, s.clientKeys), // a removed key must not be shown
	}
}
