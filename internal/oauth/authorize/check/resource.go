package check

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/oauth"
)

const (
	maxResources = 20
	maxResource  = 1024 // bytes
)

var resource = Check{
	Name: "resource", Standard: "RFC 8707 section 2",
	Rule:  "Every resource is an absolute URI without a fragment, and one that the client's tokens may be for.",
	Codes: []oauth.Code{oauth.InvalidTarget},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		for _, one := range r.Params["resource"] {
			u, err := url.Parse(one)
			if err != nil || !u.IsAbs() || strings.ContainsRune(one, '#') || len(one) > maxResource {
				return refuse(oauth.InvalidTarget, "A resource must be an absolute URI without a fragment.")
			}
			if len(r.Resources) == maxResources || !slices.Contains(r.Client.Settings.Resources, one) {
				return refuse(oauth.InvalidTarget, "A resource is not one that this client may have tokens for.")
			}
			if !slices.Contains(r.Resources, one) {
				r.Resources = append(r.Resources, one)
			}
		}
		return nil
	},
}
