package check

import (
	"context"

	"github.com/admit-id/admit/internal/oauth"
)

var repeated = Check{
	Name: "repeated", Standard: "RFC 6749 section 3.1, RFC 8707 section 2",
	Rule:  "No other parameter stands there more than once, but for resource. A state that does is not returned.",
	Codes: []oauth.Code{oauth.InvalidRequest},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		if r.Stage != Arrival || r.Pushed || r.Signed {
			return nil
		}
		sent := r.Query
		if r.Form != nil {
			sent = r.Form
		}
		for name, list := range sent {
			if len(list) > 1 && name != "resource" {
				return refuse(oauth.InvalidRequest, "A parameter stands there more than once.")
			}
		}
		return nil
	},
}
