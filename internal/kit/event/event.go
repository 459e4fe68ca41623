// Package event owns the shape of what happened. An event is emitted inside the
// transaction of the change it tells of; the audit trail keeps every one, and
// app/subscriptions.go lists who else reacts.
package event

import (
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Event says who did what to which thing. Detail carries no secret and no personal
// datum beyond identifiers.
type Event struct {
	Type    string // "access.record.created": feature, noun, past participle
	Account ident.AccountID
	Actor   actor.Actor
	Target  string // identifier of the thing
	Detail  map[string]string
}

// New makes an event in the actor's account. Detail is given as pairs of key and value.
func New(a actor.Actor, kind, target string, detail ...string) Event {
	e := Event{Type: kind, Account: a.Account, Actor: a, Target: target}
	for i := 0; i+1 < len(detail); i += 2 {
		if e.Detail == nil {
			e.Detail = map[string]string{}
		}
		e.Detail[detail[i]] = detail[i+1]
	}
	return e
}
