package check

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/oauth"
)

var redirectURI = Check{
	Name: "redirect_uri", Standard: "RFC 9700 section 2.1, RFC 8252 section 7.3",
	Rule:  "redirect_uri is there and equals a registered one byte for byte. The port of a registered http loopback address of a native client may be any.",
	Codes: []oauth.Code{oauth.InvalidRequest},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		uri := r.get("redirect_uri")
		if uri == "" {
			return refuse(oauth.InvalidRequest, "The parameter redirect_uri is missing. It must always be sent.")
		}
		if !r.Client.AllowsRedirect(uri) || strings.ContainsRune(uri, '#') {
			return refuse(oauth.InvalidRequest, "redirect_uri is not one of this client. Register it, byte for byte.")
		}
		r.RedirectURI, r.Trusted = uri, true
		r.State = soleState(r)
		return nil
	},
}

// soleState is the state that answers carry, verbatim; none when there are two.
func soleState(r *Request) string {
	if list := r.Params["state"]; len(list) == 1 && len(list[0]) <= maxState {
		return list[0]
	}
	return ""
}
