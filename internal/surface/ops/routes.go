package ops

import (
	"net/http"

	"github.com/admit-id/admit/internal/kit/web"
)

// Routes lists what the public listener serves.
func (s *Surface) Routes() []web.Route {
	route := func(path string, auth web.Auth, h web.Handler) web.Route {
		return web.Route{Method: http.MethodGet, Pattern: path, Auth: auth, Scope: web.Installation,
			Limit: web.LimitPage, CORS: web.NoCORS, Handler: h}
	}
	routes := []web.Route{
		route("/healthz", web.Public, s.healthz),
		route("/readyz", web.Public, s.readyz),
	}
	if s.deps.Loopback {
		routes = append(routes, route("/metrics", web.Local, s.metrics))
	}
	return routes
}
