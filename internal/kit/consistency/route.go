package consistency

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/kit/web"
)

// Header carries a token: in the answer to a write, and in a question. A question may carry it
// as the query parameter Parameter instead.
const (
	Header    = "Admit-Consistency-Token"
	Parameter = "consistency"
)

var errTwice = fault.New(fault.Invalid, fault.CodeInvalidRequest, "Send one consistency token, in the header or in the query.")

// Questions lets requests to the routes carry a token. One without costs a look at the header.
func (k *Keeper) Questions(routes []web.Route) []web.Route {
	return each(routes, func(route web.Route) web.Handler {
		return func(w http.ResponseWriter, r *http.Request) error {
			if err := k.await(r); err != nil {
				return err
			}
			return route.Handler(w, r)
		}
	})
}

// Writes is Questions, and also answers a token to every success of a route that is no GET.
func (k *Keeper) Writes(routes []web.Route) []web.Route {
	return each(k.Questions(routes), func(route web.Route) web.Handler {
		if route.Method == http.MethodGet || route.Method == http.MethodHead {
			return route.Handler
		}
		return func(w http.ResponseWriter, r *http.Request) error {
			ctx, revision := tx.WatchRevision(r.Context())
			a := &answer{ResponseWriter: w, stamp: func() {
				w.Header()[Header] = []string{k.Token(web.AccountOf(r), revision.Last())}
			}}
			err := route.Handler(a, r.WithContext(ctx))
			if err == nil {
				a.begin(http.StatusOK) // a handler that wrote nothing
			}
			return err
		}
	})
}

func each(routes []web.Route, wrap func(web.Route) web.Handler) []web.Route {
	out := make([]web.Route, len(routes))
	for i, r := range routes {
		out[i] = r
		out[i].Handler = wrap(r)
	}
	return out
}

// await waits for what the request's token names, if it has one.
func (k *Keeper) await(r *http.Request) error {
	values := r.Header[Header]
	if len(values) == 0 && r.URL.RawQuery == "" {
		return nil
	}
	if strings.Contains(r.URL.RawQuery, Parameter) {
		q, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return errToken.With(err)
		}
		values = append(values[:len(values):len(values)], q[Parameter]...)
	}
	switch len(values) {
	case 0:
		return nil
	case 1:
		return k.Await(r.Context(), web.AccountOf(r), values[0])
	}
	return errTwice
}

// answer sets the header before the first byte of a success.
type answer struct {
	http.ResponseWriter
	stamp func()
	begun bool
}

func (a *answer) begin(status int) {
	if a.begun || status < 200 {
		return
	}
	a.begun = true
	if status < 300 {
		a.stamp()
	}
}

func (a *answer) WriteHeader(status int) {
	a.begin(status)
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.begin(http.StatusOK)
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
