package wire

import (
	"net/http"
	"strings"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/web"
)

// Guarded declares a route whose caller needs one permission: needs is "ACTION
// Authress:Kind", "ACTION Authress:Kind/*" or "ACTION Authress:Kind/{pathValue}". What the
// declaration says is what is asked, so the two cannot differ.
func (x *API) Guarded(method, pattern, needs string, h web.Handler) web.Route {
	action, resource, _ := strings.Cut(needs, " ")
	kind, id, _ := strings.Cut(strings.TrimPrefix(resource, "Authress:"), "/")
	name := strings.Trim(id, "{}")
	target := func(r *http.Request) string {
		switch {
		case id == "":
			return access.System(kind)
		case name == id: // "*"
			return access.System(kind, id)
		}
		return access.System(kind, r.PathValue(name))
	}
	return web.Route{
		Method: method, Pattern: pattern, Permission: needs, Auth: web.Bearer, Scope: web.Account, Limit: web.LimitNone, CORS: web.RegisteredOrigins,
		Handler: func(w http.ResponseWriter, r *http.Request) error {
			if err := x.Guard.Allow(web.ActorOf(r), action, target(r)); err != nil {
				return err
			}
			return h(w, r)
		},
	}
}

// Acting is access.Engine: it judges who may get the powers of a client (I-14).
type Acting interface {
	AllowActing(a actor.Actor, subject string) error
	AllowActingAsAnyone(a actor.Actor) error
	AllowLasting(a actor.Actor, action, resource string) error
}
