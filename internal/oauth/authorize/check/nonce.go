package check

import (
	"context"

	"github.com/admit-id/admit/internal/oauth"
)

const maxNonce = 1024 // bytes

var nonce = Check{
	Name: "nonce and state", Standard: "OpenID Connect Core section 3.1.2.1, RFC 6749 section 4.1.1",
	Rule:  "nonce has at most 1024 bytes and comes back in the ID token. state has at most 4096 and comes back verbatim.",
	Codes: []oauth.Code{oauth.InvalidRequest},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		r.Nonce = r.get("nonce")
		if len(r.Nonce) > maxNonce || len(r.get("state")) > maxState {
			return refuse(oauth.InvalidRequest, "nonce has at most 1024 and state at most 4096 bytes.")
		}
		return nil
	},
}
