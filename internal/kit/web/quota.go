package web

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Quota holds service clients to what they may ask. If a client has asked too much, it returns
// how long until it may ask again.
type Quota interface {
	Take(account ident.AccountID, client ident.ServiceClientID) (wait time.Duration, ok bool)
}

// WithQuota returns the routes with each that takes a bearer held to the quota of the service
// client that calls, before its handler does anything.
func WithQuota(routes []Route, q Quota) []Route {
	out := make([]Route, len(routes))
	for i, route := range routes {
		if next := route.Handler; route.Auth == Bearer {
			route.Handler = func(w http.ResponseWriter, r *http.Request) error {
				if a := ActorOf(r); a.Kind == actor.ServiceClient {
					if wait, ok := q.Take(a.Account, ident.ServiceClientID(a.ID)); !ok {
						retryAfter(w, wait)
						return errLimited
					}
				}
				return next(w, r)
			}
		}
		out[i] = route
	}
	return out
}

func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header()["Retry-After"] = []string{strconv.Itoa(max(1, int(math.Ceil(wait.Seconds()))))}
}
