package check

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/oauth"
)

// URN begins the request_uri of a pushed request.
const URN = "urn:ietf:params:oauth:request_uri:"

var pushed = Check{
	Name: "request_uri", Standard: "RFC 9126 sections 2.1 and 4, RFC 9101 section 5.2",
	Rule:  "A request_uri is one that this client was given for a pushed request, less than 90 seconds ago, and was not used before. Its parameters replace those of the address. No other request_uri is taken, and none is ever fetched.",
	Codes: []oauth.Code{oauth.InvalidRequest, oauth.InvalidRequestURI, oauth.RequestURINotSupported},
	run: func(ctx context.Context, t *Tools, r *Request) error {
		uri := r.get("request_uri")
		if uri == "" || r.Stage == Return {
			return nil
		}
		switch {
		case r.Stage == Push:
			return refuse(oauth.InvalidRequest, "A pushed request has no request_uri (RFC 9126 section 2.1).")
		case r.get("request") != "":
			return refuse(oauth.InvalidRequest, "Send request or request_uri, not both (RFC 9101 section 5).")
		case !strings.HasPrefix(uri, URN):
			// The other parameters stand in the address, so the client can be told where they say (OpenID Connect Core section 3.1.2.6).
			for _, c := range []Check{redirectURI, responseMode} {
				if err := c.run(ctx, t, r); err != nil {
					return err
				}
			}
			return refuse(oauth.RequestURINotSupported, "Only the request_uri of a pushed authorization request is taken (RFC 9126).")
		}
		found, err := t.TakePushed(ctx, r.Account, r.Client.ID, uri)
		if fault.Is(err, fault.NotFound) {
			return refuse(oauth.InvalidRequestURI, "The request_uri is unknown, was used before, or is older than 90 seconds. Push the request again.")
		}
		if err != nil {
			return err
		}
		r.Params, r.Pushed, r.Signed = found.Params, true, found.Signed
		return nil
	},
}
