// Package changes owns GET /v1/changes: an account's permissions as a stream of lines, for services
// that keep a copy of their own.
//
// Never: a rule. Handlers read a request, call access/follow and write what it hands out.
package changes

import (
	"context"
	"net/http"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/follow"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Feed opens streams. follow.Service implements it.
type Feed interface {
	Open(a actor.Actor, prefix string) (*follow.Stream, error)
	Allow(a actor.Actor) error
}

// Tokens verifies the caller's token again.
type Tokens interface {
	Verify(ctx context.Context, account ident.AccountID, bearer string) (actor.Actor, error)
}

// Bodies writes things as the rest of /v1 sends them. grant.Surface implements it.
type Bodies interface {
	RecordBody(*http.Request, access.Record) any
	RoleBody(*http.Request, access.Role) any
	GroupBody(*http.Request, access.Group) any
}

// Deps is what the route calls.
type Deps struct {
	API    *wire.API
	Bodies Bodies
	Feed   Feed
	Tokens Tokens
	Clock  clock.Clock
	// Draining tells that this node stops: streams end, and their followers go elsewhere.
	Draining func() bool
}

// Surface is the route.
type Surface struct{ d Deps }

// New returns the route.
func New(d Deps) *Surface { return &Surface{d: d} }

// Routes declares it.
func (s *Surface) Routes() []web.Route {
	return []web.Route{{
		Method: http.MethodGet, Pattern: path, Handler: s.follow, Stream: true,
		Permission: "READ Authress:AccessRecords/*, Authress:Roles/*, Authress:Groups/* and Authress:ResourcePermissions/*",
		Auth:       web.Bearer, Scope: web.Account, Limit: web.LimitNone, CORS: web.RegisteredOrigins,
	}}
}

const path = "/v1/changes"
