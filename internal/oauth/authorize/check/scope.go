package check

import (
	"context"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/oauth"
)

const maxScopes = 50

var scope = Check{
	Name: "scope", Standard: "RFC 6749 section 3.3",
	Rule:  "Every scope is one that the client may ask for. A scope says what the token's holder may ask for, never what the person may do.",
	Codes: []oauth.Code{oauth.InvalidScope},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		text := r.get("scope")
		for token := range strings.SplitSeq(text, " ") {
			if token == "" {
				continue
			}
			if len(r.Scopes) == maxScopes || !slices.Contains(r.Client.Settings.Scopes, token) {
				return refuse(oauth.InvalidScope, "A scope is not one that this client may ask for.")
			}
			if !slices.Contains(r.Scopes, token) {
				r.Scopes = append(r.Scopes, token)
			}
		}
		return nil
	},
}
