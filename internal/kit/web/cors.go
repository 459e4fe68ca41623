package web

import (
	"net/http"
	"sort"
	"strings"

	"github.com/admit-id/admit/internal/kit/ident"
)

// Origins knows which origins an account has registered. The comparison is byte for byte.
type Origins interface {
	OriginAllowed(account ident.AccountID, origin string) bool
}

// Header values that are shared by all responses. They have no spare capacity, so that adding
// to one copies it.
var (
	valueTrue     = []string{"true"}
	valueAny      = []string{"*"}
	valueVary     = []string{"Origin"}
	valueClose    = []string{"close"}
	valueNoStore  = []string{"no-store"}
	valueNoSniff  = []string{"nosniff"}
	valueReferrer = []string{"same-origin"} // not no-referrer: browsers would then send "Origin: null" with our own forms
	valueHSTS     = []string{"max-age=63072000; includeSubDomains"}
	valueMaxAge   = []string{"7200"}
	valueExpose   = []string{"admit-consistency-token,dpop-nonce,last-modified,retry-after,www-authenticate,x-request-id"}
	valueAllowed  = []string{"accept,accept-language,admit-consistency-token,authorization,cache-control,content-type,dpop,if-unmodified-since,pragma,user-agent,x-api-key,x-powered-by,x-request-id"}
)

// cors writes the CORS headers that a class gives to this request. Vary is always there, so
// that no cache hands one origin's answer to another.
func (rt *Router) cors(h http.Header, r *http.Request, class CORS, account ident.AccountID) (allowed bool) {
	h["Vary"] = valueVary
	switch class {
	case AnyOrigin:
		h["Access-Control-Allow-Origin"] = valueAny
		return true
	case RegisteredOrigins:
		origin := r.Header["Origin"]
		if len(origin) != 1 || origin[0] == "null" || origin[0] == "" || account == "" ||
			!rt.deps.Origins.OriginAllowed(account, origin[0]) {
			return false
		}
		h["Access-Control-Allow-Origin"] = origin[:1:1]
		h["Access-Control-Allow-Credentials"] = valueTrue
		h["Access-Control-Expose-Headers"] = valueExpose
		return true
	}
	return false
}

// preflight answers OPTIONS for the routes of one path. The classes of a path's methods may
// differ; the one of the method that the browser asks for decides.
func (rt *Router) preflight(w http.ResponseWriter, r *http.Request, methods map[string]*leaf, account ident.AccountID) error {
	l := methods[r.Header.Get("Access-Control-Request-Method")]
	if l == nil {
		for _, any := range methods {
			if l == nil || any.route.CORS > l.route.CORS {
				l = any
			}
		}
	}
	h := w.Header()
	if l.route.CORS == NoCORS {
		return methodNotAllowed(w, methods)
	}
	if rt.cors(h, r, l.route.CORS, account) {
		h["Access-Control-Allow-Methods"] = []string{strings.Join(allowedMethods(methods), ",")}
		h["Access-Control-Allow-Headers"] = valueAllowed
		h["Access-Control-Max-Age"] = valueMaxAge
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func allowedMethods(methods map[string]*leaf) []string {
	var out []string
	for m := range methods {
		out = append(out, m)
	}
	if methods[http.MethodGet] != nil && methods[http.MethodHead] == nil {
		out = append(out, http.MethodHead)
	}
	sort.Strings(out)
	return append(out, http.MethodOptions)
}

// foreign tells whether a request that may change something comes from a page that may not
// cause it: neither ours nor, where the route is open to them, of a registered origin.
func (rt *Router) foreign(r *http.Request, route *Route, account ident.AccountID) bool {
	if rt.sameOrigin.Check(r) == nil {
		return false
	}
	origin := r.Header["Origin"]
	return route.CORS != RegisteredOrigins || len(origin) != 1 || origin[0] == "null" ||
		!rt.deps.Origins.OriginAllowed(account, origin[0])
}
