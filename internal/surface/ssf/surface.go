// Package ssf owns the transmitter of OpenID Shared Signals Framework 1.0 on the wire: its configuration,
// the streams of receivers, and the polling of events (RFC 8936).
//
// Entry points: Surface.Routes. Handlers are in stream.go, status.go and poll.go.
//
// Never: what is told (signal), which change of Admit tells it (internal/app/signals), pushing (signal/deliver).
package ssf

import (
	"context"
	"net/http"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/signal"
)

// The addresses, which the configuration tells.
const (
	pathConfiguration = "/.well-known/ssf-configuration"
	pathKeys          = "/.well-known/jwks.json"
	pathStreams       = "/v1/streams"
	pathStatus        = "/v1/streams/status"
	pathVerification  = "/v1/streams/verification"
	pathEvents        = "/v1/streams/{streamId}/events"
)

// Guard judges callers; access.Engine implements it.
type Guard interface {
	Allow(a actor.Actor, action, resource string) error
}

// Tokens verifies the caller's token again; token.Verifier does.
type Tokens interface {
	Verify(ctx context.Context, account ident.AccountID, bearer string) (actor.Actor, error)
}

// Streams is what signal.Service does with streams.
type Streams interface {
	Create(ctx context.Context, by actor.Actor, in signal.Settings) (signal.Stream, error)
	Get(ctx context.Context, by actor.Actor, id string) (signal.Stream, error)
	List(ctx context.Context, by actor.Actor) ([]signal.Stream, error)
	Change(ctx context.Context, by actor.Actor, id string, in signal.Settings, whole bool) (signal.Stream, error)
	Delete(ctx context.Context, by actor.Actor, id string) error
}

// Events is what signal.Service does with what is told.
type Events interface {
	SetStatus(ctx context.Context, by actor.Actor, id string, to signal.Status, reason string) (signal.Stream, error)
	Verify(ctx context.Context, by actor.Actor, id, state string) error
	Poll(ctx context.Context, by actor.Actor, id string, p signal.Polling, sign signal.Signer) ([]signal.Token, bool, error)
}

// Deps is what the surface asks.
type Deps struct {
	Streams  Streams
	Events   Events
	Guard    Guard
	Tokens   Tokens
	Sign     signal.Signer
	Issuer   func(ident.AccountID) string
	Draining func() bool // this node stops: whoever waits is answered
}

// Surface serves the transmitter.
type Surface struct{ d Deps }

// New makes the surface.
func New(d Deps) *Surface { return &Surface{d} }

// Routes declares the transmitter. A stream that another service client has made is none, whatever the
// caller may do.
func (s *Surface) Routes() []web.Route {
	route := func(method, path, needs string, h web.Handler) web.Route {
		return web.Route{Method: method, Pattern: path, Permission: needs, Handler: h, Auth: web.Bearer, Scope: web.Account, Limit: web.LimitNone, CORS: web.NoCORS}
	}
	const read, update = "READ Authress:Streams/{stream_id}", "UPDATE Authress:Streams/{stream_id}"
	return []web.Route{
		{Method: http.MethodGet, Pattern: pathConfiguration, Auth: web.Public, Scope: web.Account, Limit: web.LimitDocument, CORS: web.AnyOrigin,
			Hot: true, Lasting: true, Handler: s.configuration},
		route(http.MethodPost, pathStreams, "CREATE Authress:Streams", s.create),
		route(http.MethodGet, pathStreams, read+", or READ Authress:Streams/* for all", s.read),
		route(http.MethodPatch, pathStreams, update, s.update),
		route(http.MethodPut, pathStreams, update, s.replace),
		route(http.MethodDelete, pathStreams, update, s.remove),
		route(http.MethodGet, pathStatus, read, s.status),
		route(http.MethodPost, pathStatus, update, s.setStatus),
		route(http.MethodPost, pathVerification, update, s.verify),
		route(http.MethodPost, pathEvents, "READ Authress:Streams/{streamId}", s.poll),
	}
}

type configurationWire struct {
	Version      string       `json:"spec_version"`
	Issuer       string       `json:"issuer"`
	Keys         string       `json:"jwks_uri"`
	Methods      []string     `json:"delivery_methods_supported"`
	Streams      string       `json:"configuration_endpoint"`
	Status       string       `json:"status_endpoint"`
	Verification string       `json:"verification_endpoint"`
	Critical     []string     `json:"critical_subject_members"`
	Schemes      []schemeWire `json:"authorization_schemes"`
	Subjects     string       `json:"default_subjects"`
}

type schemeWire struct {
	URN string `json:"spec_urn"`
}

var cacheConfiguration = []string{"public, max-age=3600"}

// configuration is the Transmitter Configuration Metadata (SSF 1.0 section 7.1).
func (s *Surface) configuration(w http.ResponseWriter, r *http.Request) error {
	base := s.d.Issuer(web.AccountOf(r))
	w.Header()["Cache-Control"] = cacheConfiguration
	return web.JSON(w, http.StatusOK, configurationWire{
		Version: "1_0", Issuer: base, Keys: base + pathKeys, Methods: []string{string(signal.Push), string(signal.Poll)},
		Streams: base + pathStreams, Status: base + pathStatus, Verification: base + pathVerification,
		Critical: signal.Critical, Schemes: []schemeWire{{"urn:ietf:rfc:6749"}}, Subjects: "ALL",
	})
}

// allow judges the caller for one stream, before anything tells whether there is such a stream.
func (s *Surface) allow(r *http.Request, action, id string) error {
	if id != "" {
		return s.d.Guard.Allow(web.ActorOf(r), action, access.System("Streams", id))
	}
	if err := s.d.Guard.Allow(web.ActorOf(r), action, access.System("Streams", "*")); err != nil {
		return err
	}
	return fault.New(fault.Invalid, fault.CodeInvalidRequest, "stream_id is missing.")
}

// streamID is the one of the query.
func streamID(r *http.Request) (string, error) {
	q := r.URL.Query()["stream_id"]
	switch len(q) {
	case 0:
		return "", nil
	case 1:
		return q[0], nil
	}
	return "", fault.New(fault.Invalid, fault.CodeInvalidRequest, "stream_id stands there more than once.")
}
