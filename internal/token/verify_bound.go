package token

import (
	"strings"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/jose"
)

// bindingOf returns what a token is bound to; nil is nothing. Whoever takes the token sees to the
// proof: the chain of kit/web, for every route.
func bindingOf(c jose.Claims) *actor.Binding {
	if !c.Confirmation.Bound() {
		return nil
	}
	return &actor.Binding{JKT: strings.Clone(c.Confirmation.JKT), X5T: strings.Clone(c.Confirmation.X5T)}
}
