package check

import (
	"context"

	"github.com/admit-id/admit/internal/oauth"
)

var requiredObject = Check{
	Name: "required request object", Standard: "RFC 9101 section 10.5",
	Rule:  "A client that must sign its requests has signed this one.",
	Codes: []oauth.Code{oauth.InvalidRequest},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		if r.Client.Settings.RequireSignedRequest && !r.Signed {
			return refuse(oauth.InvalidRequest, "This client must send a signed request object (RFC 9101).")
		}
		return nil
	},
}
