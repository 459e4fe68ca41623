package check

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/oauth"
)

const maxACR = 20

var acrValues = Check{
	Name: "acr_values", Standard: "OpenID Connect Core section 3.1.2.1, RFC 9470 section 5",
	Rule:  "acr_values is a list of at most 20 wishes; what was reached stands in the token. The client's default_acr_values stand in for a missing one. Only the claims parameter makes one essential.",
	Codes: []oauth.Code{oauth.InvalidRequest},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		list := strings.Fields(r.get("acr_values"))
		if len(list) > maxACR {
			return refuse(oauth.InvalidRequest, "acr_values has at most 20 values.")
		}
		if len(list) == 0 && len(r.ACR) == 0 {
			list = r.Client.Settings.DefaultACR
		}
		r.ACR = append(r.ACR, list...)
		return nil
	},
}
