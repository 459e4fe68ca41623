package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// HandlerTimeout is how long a handler may work on one request.
const HandlerTimeout = 20 * time.Second

// ServeHTTP is the chain that every request passes, in this order: id and address, route,
// security headers, freshness, account, CORS, limit, body, caller, handler.
func (rt *Router) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	start := rt.deps.Clock.Now()
	e := &exchange{Context: r.Context(), ResponseWriter: rw, router: rt, id: ident.New("")}
	e.conn = connOf(e.Context)
	e.address = clientAddress(r, e.conn.address(r), rt.deps.TrustedProxies)
	w := (*writer)(e)
	f, err := rt.root.match(rawPath(r))
	l := f.methods[r.Method]
	if l == nil && r.Method == http.MethodHead {
		l = f.methods[http.MethodGet]
	}
	rt.secure(rw.Header(), e, l)
	rw.Header()["Date"] = dateOf(start)
	if l != nil && rt.deps.Tracer != nil {
		var end func(int)
		r, end = rt.deps.Tracer.Start(r, r.Method, l.route.Pattern)
		e.Context = r.Context()
		defer func() { end(e.status) }()
	}
	if l == nil || !l.route.Hot {
		e.conn.watch()
	}
	if l == nil || !l.route.Hot && !l.route.Stream {
		ctx, cancel := context.WithTimeout(e.Context, HandlerTimeout)
		defer cancel()
		e.Context = ctx
	}
	r = r.WithContext(e)
	defer rt.finish(w, r, e, l, start)
	if err == nil {
		err = rt.serve(w, r, e, &f, l)
	}
	if err != nil {
		rt.fail(w, r, e, l, err)
	}
}

// rawPath returns the path's bytes as the client sent them.
func rawPath(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		return path
	}
	return r.URL.EscapedPath()
}

func (rt *Router) secure(h http.Header, e *exchange, l *leaf) {
	h["X-Content-Type-Options"] = valueNoSniff
	if l == nil || l.route.CORS != AnyOrigin { // a document for everybody refers to nothing
		h["Referrer-Policy"] = valueReferrer
	}
	h["Cache-Control"] = valueNoStore
	h["Vary"] = valueVary
	e.idHeader[0] = e.id
	h["X-Request-Id"] = e.idHeader[:]
	if rt.draining.Load() {
		h["Connection"] = valueClose
	}
	if rt.deps.HTTPS {
		h["Strict-Transport-Security"] = valueHSTS
	}
}

func (rt *Router) serve(w *writer, r *http.Request, e *exchange, f *found, l *leaf) error {
	if l == nil || l.route.Scope == Account {
		if err := rt.enter(r, e, l != nil && l.route.Lasting); err != nil {
			return err
		}
	}
	if l == nil {
		return rt.noRoute(w, r, e, f)
	}
	route := &l.route
	rt.cors(w.Header(), r, route.CORS, e.account)
	if err := checkQuery(r.URL.RawQuery); err != nil {
		return err
	}
	if route.Limit != LimitNone {
		if err := rt.spend(w, route.Limit, e); err != nil {
			return err
		}
	}
	if r.ContentLength != 0 {
		if err := limitBody(w, r, route.MaxBody); err != nil {
			return err
		}
	}
	if err := rt.admit(w, r, e, route); err != nil {
		return err
	}
	for i, name := range l.names {
		value, err := decode(f.values[i], i == f.resource, name == personParam)
		if err != nil {
			return err
		}
		if route.Hot {
			e.values[i] = value
		} else {
			r.SetPathValue(name, value)
		}
	}
	if route.Hot {
		e.hot = l
	}
	return route.Handler(w, r)
}

// enter finds the account that the host names. Nothing is decided from memory that may be old.
func (rt *Router) enter(r *http.Request, e *exchange, lasting bool) error {
	if !lasting && rt.deps.Fresh != nil && !rt.deps.Fresh() {
		return errStale
	}
	account, ok := rt.deps.Accounts.ByHost(r.Host)
	if !ok {
		return errHost
	}
	e.account = account
	e.actor = actor.Actor{Account: account, RequestID: e.id, Address: e.conn.text(e.address)}
	return nil
}

func (rt *Router) noRoute(w *writer, r *http.Request, e *exchange, f *found) error {
	if f.methods != nil && r.Method == http.MethodOptions {
		return rt.preflight(w, r, f.methods, e.account)
	}
	rt.cors(w.Header(), r, RegisteredOrigins, e.account)
	if err := rt.spend(w, LimitPage, e); err != nil {
		return err
	}
	if f.methods != nil {
		return methodNotAllowed(w, f.methods)
	}
	return errNotFound
}

// admit lets the caller in, or not, by the route's auth level.
func (rt *Router) admit(w *writer, r *http.Request, e *exchange, route *Route) error {
	switch route.Auth {
	case Public:
		return nil
	case Bearer:
		return rt.authenticate(w, r, e)
	case BearerOrCookie:
		if len(r.Header["Authorization"]) > 0 {
			return rt.authenticate(w, r, e)
		}
		fallthrough
	case SessionCookie, Browser:
		if rt.foreign(r, route, e.account) {
			return errForeign
		}
		return nil
	case Local:
		if local(r) {
			return nil
		}
		return errNotFound
	}
	return fault.Wrap("web.admit", fmt.Errorf("auth level %d", route.Auth))
}

func (rt *Router) spend(w http.ResponseWriter, class LimitClass, e *exchange) error {
	wait, ok := rt.deps.Limiter.Allow(class, e.address)
	if ok {
		return nil
	}
	retryAfter(w, wait)
	return errLimited
}

func limitBody(w *writer, r *http.Request, limit int64) error {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return errEncoding
	}
	if r.ContentLength > limit {
		w.Header()["Connection"] = valueClose
		return errTooLarge
	}
	r.Body = http.MaxBytesReader(w.ResponseWriter, r.Body, limit)
	return nil
}

// fail writes the answer to an error. Unknown hosts and addresses have no surface, so a person's
// browser gets the page writer's page.
func (rt *Router) fail(w *writer, r *http.Request, e *exchange, l *leaf, err error) {
	rt.logError(r, e, l, err)
	if w.status != 0 {
		return
	}
	write := JSONError
	switch {
	case l != nil:
		write = l.route.Errors
	case rt.deps.PageErrors != nil && wantsPage(r):
		write = rt.deps.PageErrors
	}
	write(w, r, err)
}

// finish runs last: it turns a panic into a 500, counts and logs.
func (rt *Router) finish(w *writer, r *http.Request, e *exchange, l *leaf, start time.Time) {
	if p := recover(); p != nil {
		aborted := p == any(http.ErrAbortHandler)
		if !aborted {
			rt.deps.Log.Error("panic", "request", e.id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
		if w.status != 0 || aborted {
			mustAbort()
		}
		JSONError(w, r, errInternal)
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	took := max(0, rt.deps.Clock.Now().Sub(start))
	report, level, method, pattern := rt.unmatched, slog.LevelInfo, r.Method, ""
	if l != nil {
		report, pattern = l.report, l.route.Pattern
		if l.route.Hot || l.route.Scope == Installation {
			level = slog.LevelDebug
		}
	}
	report(w.status, took.Seconds())
	if !rt.deps.Log.Enabled(r.Context(), level) {
		return
	}
	rt.deps.Log.LogAttrs(r.Context(), level, "request", slog.String("request", e.id),
		slog.String("method", method), slog.String("route", pattern), slog.Int("status", w.status),
		slog.Float64("took_ms", float64(took.Microseconds())/1000), slog.String("address", e.address.String()),
		slog.String("account", string(e.account)), slog.String("actor", e.actor.String()))
}

// mustAbort cuts the connection, so that nobody takes half an answer for a whole one.
func mustAbort() { panic(http.ErrAbortHandler) }

// expected is an error that a protocol names and a caller can cause.
type expected interface {
	error
	Expected() bool
}

// noted is a refusal that the operator should see without asking for more.
type noted interface {
	error
	Noted() bool
}

func (rt *Router) logError(r *http.Request, e *exchange, l *leaf, err error) {
	level := slog.LevelDebug
	if n, ok := errors.AsType[noted](err); ok && n.Noted() {
		level = slog.LevelInfo
	}
	if kind := fault.KindOf(err); kind == fault.Internal || kind == fault.Unavailable {
		_, own := errors.AsType[*refusal](err)
		if named, ok := errors.AsType[expected](err); ok {
			own = named.Expected()
		}
		if !own && !errors.Is(err, context.Canceled) { // the client has gone
			level = slog.LevelError
		}
	}
	if !rt.deps.Log.Enabled(e, level) {
		return
	}
	pattern := ""
	if l != nil {
		pattern = l.route.Pattern
	}
	rt.deps.Log.LogAttrs(e, level, "refused", slog.String("request", e.id),
		slog.String("method", r.Method), slog.String("route", pattern), slog.String("error", err.Error()))
}
