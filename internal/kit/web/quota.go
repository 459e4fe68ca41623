package web

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
)

// Quota holds service clients to what they may ask. If a client has asked too much, it returns
// how long until it may ask again.
type Quota interface {
	Take(account ident.AccountID, client ident.ServiceClientID) (wait time.Duration, ok bool)
}

// WriteBudget is how many writes one person may ask of one node. What they write leaves versions
// and audit entries behind, so that what they take away again costs too.
var WriteBudget = ratelimit.Rule{Count: 600, Per: time.Minute}

// Writers holds people to WriteBudget.
type Writers struct{ limiter *ratelimit.Limiter }

// NewWriters gives everybody WriteBudget times scale.
func NewWriters(c clock.Clock, scale float64) *Writers {
	return &Writers{ratelimit.New(c, []ratelimit.Rule{WriteBudget}, scale)}
}

func (p *Writers) take(a actor.Actor) (wait time.Duration, ok bool) {
	return p.limiter.AllowName(0, string(a.Account)+"\x00"+a.ID)
}

// WithQuota returns the routes with each that takes a bearer held to the quota of the service
// client that calls, and each that writes to WriteBudget of the person who calls, before its
// handler does anything.
func WithQuota(routes []Route, q Quota, people *Writers) []Route {
	out := make([]Route, len(routes))
	for i, route := range routes {
		if next, writes := route.Handler, writes(route); route.Auth == Bearer {
			route.Handler = func(w http.ResponseWriter, r *http.Request) error {
				wait, ok := time.Duration(0), true
				switch a := ActorOf(r); {
				case a.Kind == actor.ServiceClient:
					wait, ok = q.Take(a.Account, ident.ServiceClientID(a.ID))
				case a.Kind == actor.User && writes:
					wait, ok = people.take(a)
				}
				if !ok {
					retryAfter(w, wait)
					return errLimited
				}
				return next(w, r)
			}
		}
		out[i] = route
	}
	return out
}

// writes tells whether a route of the API may change something. Hot ones answer questions from
// memory, whatever their method.
func writes(r Route) bool {
	return r.Method != http.MethodGet && !r.Hot && strings.HasPrefix(r.Pattern, "/v1/")
}

func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header()["Retry-After"] = []string{strconv.Itoa(max(1, int(math.Ceil(wait.Seconds()))))}
}
