package check

import (
	"context"

	"github.com/admit-id/admit/internal/oauth"
)

var client = Check{
	Name: "client", Standard: "RFC 6749 section 3.1",
	Rule:  "client_id names a client of this account that is active and has people to sign in.",
	Codes: []oauth.Code{oauth.InvalidRequest, oauth.InvalidClient, oauth.UnauthorizedClient},
	run: func(ctx context.Context, t *Tools, r *Request) error {
		id := r.get("client_id")
		if id == "" {
			return refuse(oauth.InvalidRequest, "The parameter client_id is missing.")
		}
		if r.Stage == Push {
			if id != r.Client.ID {
				return refuse(oauth.InvalidRequest, "client_id is another than that of the client that has authenticated.")
			}
		} else {
			found, err := t.Clients.Client(ctx, r.Account, id)
			if err != nil {
				return err
			}
			r.Client = found
		}
		if r.Client.Kind == oauth.Service {
			return refuse(oauth.UnauthorizedClient, "A service client has no people to sign in. It gets tokens with grant_type=client_credentials.")
		}
		return nil
	},
}
