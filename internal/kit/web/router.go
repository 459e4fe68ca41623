package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sort"
	"sync/atomic"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Accounts knows which account answers to a host, as the Host header spells it (host or
// host:port). It never falls back to another account.
type Accounts interface {
	ByHost(host string) (ident.AccountID, bool)
}

// Limiter spends from the budget that a class gives to a client's network. When the budget is
// used up it says how long to wait.
type Limiter interface {
	Allow(class LimitClass, client netip.Addr) (wait time.Duration, ok bool)
}

// Meter hands out one recorder per route when the router is built, so that a request looks
// nothing up. Unmatched requests are recorded under the method "" and pattern "".
type Meter interface {
	Route(method, pattern string) func(status int, seconds float64)
}

// Tracer opens a span around a request. It is nil when no traces are exported.
type Tracer interface {
	Start(r *http.Request, method, pattern string) (_ *http.Request, end func(status int))
}

// Deps is what a Router works with.
type Deps struct {
	Accounts       Accounts
	Tokens         Verifier
	Origins        Origins
	Limiter        Limiter
	Clock          clock.Clock
	Log            *slog.Logger
	TrustedProxies []netip.Prefix
	HTTPS          bool // the public URL is https: send Strict-Transport-Security

	Proofs       Proofs       // optional: without it, no token that is bound to a key is taken
	Certificates Certificates // optional

	Fresh      func() bool // optional: false while this node must not decide; accounts' routes answer 503
	PageErrors ErrorWriter // optional: how a person's browser is told of unknown addresses and hosts
	Meter      Meter       // optional
	Tracer     Tracer      // optional
}

// Router is the root handler of a listener. It matches paths on their raw bytes and never
// redirects on its own.
type Router struct {
	deps       Deps
	root       node
	routes     []Route
	sameOrigin *http.CrossOriginProtection
	unmatched  func(status int, seconds float64)
	draining   atomic.Bool
}

// NewRouter checks every declaration and builds the table of routes. It returns all problems
// at once; with one of them the server must not start (I-29).
func NewRouter(d Deps, routes []Route) (*Router, error) {
	if d.Accounts == nil || d.Tokens == nil || d.Origins == nil || d.Limiter == nil || d.Clock == nil || d.Log == nil {
		return nil, errors.New("web: a router needs Accounts, Tokens, Origins, Limiter, Clock and Log")
	}
	if err := validateAll(routes); err != nil {
		return nil, err
	}
	rt := &Router{deps: d, routes: routes, sameOrigin: http.NewCrossOriginProtection()}
	var problems []error
	for _, r := range routes {
		if r.Errors == nil {
			r.Errors = JSONError
		}
		if r.MaxBody == 0 {
			r.MaxBody = DefaultMaxBody
		}
		l := &leaf{route: r, report: func(int, float64) {}}
		if d.Meter != nil {
			l.report = d.Meter.Route(r.Method, r.Pattern)
		}
		problems = append(problems, rt.root.add(l))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("web: routes: %w", err)
	}
	rt.unmatched = func(int, float64) {}
	if d.Meter != nil {
		rt.unmatched = d.Meter.Route("", "")
	}
	return rt, nil
}

// Routes lists the declarations, by path and method.
func (rt *Router) Routes() []RouteInfo {
	out := make([]RouteInfo, 0, len(rt.routes))
	for _, r := range rt.routes {
		out = append(out, r.Info())
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Path != out[j].Path {
			return out[i].Path < out[j].Path
		}
		return out[i].Method < out[j].Method
	})
	return out
}
