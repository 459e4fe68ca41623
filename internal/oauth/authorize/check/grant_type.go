package check

import (
	"context"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/oauth"
)

var grantType = Check{
	Name: "grant type", Standard: "RFC 6749 section 4.1.2.1",
	Rule:  "The client has the grant type authorization_code.",
	Codes: []oauth.Code{oauth.UnauthorizedClient},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		if !r.Client.MayUse(application.GrantCode) {
			return refuse(oauth.UnauthorizedClient, "This client does not have the grant type authorization_code.")
		}
		return nil
	},
}
