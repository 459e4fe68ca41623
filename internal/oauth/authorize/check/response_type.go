package check

import (
	"context"

	"github.com/admit-id/admit/internal/oauth"
)

var responseType = Check{
	Name: "response_type", Standard: "RFC 6749 section 4.1.1, RFC 9700 section 2.1.2",
	Rule:  "response_type is code. There is no implicit and no hybrid flow.",
	Codes: []oauth.Code{oauth.InvalidRequest, oauth.UnsupportedResponseType},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		switch kind := r.get("response_type"); {
		case kind == "code", kind == "" && r.Extension:
			return nil
		case kind == "":
			return refuse(oauth.InvalidRequest, "The parameter response_type is missing. It must be code.")
		}
		return refuse(oauth.UnsupportedResponseType, "response_type must be code.")
	},
}
