// Package wire owns what every noun of /v1 shares on the wire: links, pages, times,
// durations, statuses, references, and the declaration of a route that needs one permission.
package wire

import (
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/cursor"
	"github.com/admit-id/admit/internal/kit/ident"
)

// API is what every noun needs of its surroundings.
type API struct {
	Issuers Issuers
	Cursors *cursor.Sealer
	Guard   Guard
}

// Issuers knows an account's absolute base URL, without a slash at its end.
type Issuers interface {
	Issuer(ident.AccountID) string
}

// Guard judges callers; access.Engine implements it.
type Guard interface {
	Allow(a actor.Actor, action, resource string) error
}
