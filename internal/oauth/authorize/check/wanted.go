package check

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/admit-id/admit/internal/oauth"
)

// Wanted is what a request asks for.
type Wanted struct {
	Scopes    []string
	Resources []string
	Details   json.RawMessage
}

// Want lets the checks of scope, resource and authorization_details judge a form that is no
// authorization request, such as that of a device.
func Want(ctx context.Context, c oauth.Client, form url.Values) (Wanted, error) {
	r := &Request{Sent: Sent{Client: c, Params: form}}
	for _, one := range []Check{scope, resource, details} {
		if err := one.run(ctx, nil, r); err != nil {
			return Wanted{}, err
		}
	}
	return Wanted{r.Scopes, r.Resources, r.Details}, nil
}
