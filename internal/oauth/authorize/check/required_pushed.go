package check

import (
	"context"

	"github.com/admit-id/admit/internal/oauth"
)

var requiredPushed = Check{
	Name: "required pushed request", Standard: "RFC 9126 section 6",
	Rule:  "A client that must push its requests has pushed this one.",
	Codes: []oauth.Code{oauth.InvalidRequest},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		if r.Client.Settings.RequirePAR && !r.Pushed && r.Stage != Push {
			return refuse(oauth.InvalidRequest, "This client must push its authorization requests (RFC 9126).")
		}
		return nil
	},
}
