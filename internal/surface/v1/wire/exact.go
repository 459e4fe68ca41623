package wire

import (
	"net/http"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/web"
)

// ErrNowOnly refuses a time that would be ignored.
var ErrNowOnly = fault.New(fault.Invalid, fault.CodeInvalidRequest,
	"This question is answered for now only. Checks, explanations and subjects take a time.")

var errTwice = fault.New(fault.Invalid, fault.CodeInvalidRequest, "A parameter stands in the query more than once.")

// Exact refuses a query in which a name stands twice: to answer one of the two would be to ignore the other.
func Exact(routes []web.Route) []web.Route {
	return guarded(routes, func(r *http.Request) error {
		for _, values := range r.URL.Query() {
			if len(values) > 1 {
				return errTwice
			}
		}
		return nil
	})
}

// NowOnly refuses a time at routes that tell nothing of the past.
func NowOnly(routes []web.Route) []web.Route {
	return guarded(routes, func(r *http.Request) error {
		if r.URL.Query().Has("at") {
			return ErrNowOnly
		}
		return nil
	})
}

func guarded(routes []web.Route, judge func(*http.Request) error) []web.Route {
	out := make([]web.Route, len(routes))
	for i, route := range routes {
		out[i] = route
		out[i].Handler = func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.RawQuery != "" {
				if err := judge(r); err != nil {
					return err
				}
			}
			return route.Handler(w, r)
		}
	}
	return out
}
