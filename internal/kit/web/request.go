package web

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
)

// exchange is what the chain knows of one request. It is the request's context and its
// response writer at once, so that a request costs one allocation here.
type exchange struct {
	context.Context
	http.ResponseWriter
	conn     *conn // nil without a network
	id       string
	idHeader [1]string // the header's value
	address  netip.Addr
	account  ident.AccountID
	actor    actor.Actor
	router   *Router
	status   int
	hot      *leaf // a hot route, for the names of its path parameters
	values   [hotParams]string
}

// hotParams is how many path parameters a hot route can have.
const hotParams = 3

type exchangeKey struct{}

// writer is the view of an exchange that handlers write to.
type writer exchange

// Value finds the exchange itself, then whatever the server's context holds.
func (e *exchange) Value(key any) any {
	if key == (exchangeKey{}) {
		return e
	}
	return e.Context.Value(key)
}

func (w *writer) Header() http.Header { return w.ResponseWriter.Header() }

// WriteHeader sends the status once; informational ones do not count. A 503 says when to come again: in two seconds,
// unless its handler knows better.
func (w *writer) WriteHeader(status int) {
	if status >= 200 && w.status == 0 {
		w.status = status
		if h := w.Header(); status == http.StatusServiceUnavailable && len(h["Retry-After"]) == 0 {
			h["Retry-After"] = []string{"2"}
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func from(r *http.Request) *exchange {
	e, _ := r.Context().Value(exchangeKey{}).(*exchange)
	if e == nil {
		return &exchange{}
	}
	return e
}

// PathValue returns the value of a path parameter, decoded. The request itself does not have those
// of hot routes: they stay in the exchange, which costs no map.
func PathValue(r *http.Request, name string) string {
	e := from(r)
	if e.hot != nil {
		for i, n := range e.hot.names {
			if n == name {
				return e.values[i]
			}
		}
	}
	return r.PathValue(name)
}

// AccountOf returns the account that the request's host names; empty on Installation routes.
func AccountOf(r *http.Request) ident.AccountID { return from(r).account }

// ActorOf returns who is calling: what the bearer token proves, or Anonymous in the account.
// It always carries the request id and the client's address for the audit trail.
func ActorOf(r *http.Request) actor.Actor {
	a := from(r).actor
	if a.Kind == actor.Anonymous {
		a.Agent = r.UserAgent()
	}
	return a
}

// SetActor tells the log who is calling, for routes whose handler finds it out (session cookies).
func SetActor(r *http.Request, a actor.Actor) {
	e := from(r)
	a.RequestID, a.Address = e.actor.RequestID, e.actor.Address
	e.actor = a
}

// RequestID returns the request's id: random, unique, shown to the caller with every error.
func RequestID(r *http.Request) string { return from(r).id }

// ContextAddress is ClientAddress of the request that ctx belongs to; invalid when it belongs to none.
func ContextAddress(ctx context.Context) netip.Addr {
	if e, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return e.address
	}
	return netip.Addr{}
}

// ContextRequestID returns the request id that ctx carries, or "".
func ContextRequestID(ctx context.Context) string {
	if e, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return e.id
	}
	return ""
}

// ClientAddress returns where the request comes from: the socket's address, or what the
// trusted proxies say (I-21). It is invalid only for requests that did not come over a network.
func ClientAddress(r *http.Request) netip.Addr { return from(r).address }
