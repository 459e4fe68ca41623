package check

import (
	"context"
	"slices"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/oauth"
)

var idTokenHint = Check{
	Name: "id_token_hint", Standard: "OpenID Connect Core section 3.1.2.1",
	Rule:  "id_token_hint is an ID token of this issuer for this client, expired or not. It says who it must be, and proves nothing.",
	Codes: []oauth.Code{oauth.InvalidRequest},
	run: func(ctx context.Context, t *Tools, r *Request) error {
		token := r.get("id_token_hint")
		if token == "" {
			return nil
		}
		hint, err := t.Hint(ctx, r.Account, token)
		if fault.Is(err, fault.Unavailable) {
			return err
		}
		if err != nil || !slices.Contains(hint.Audience, r.Client.ID) {
			return oauth.Fail(oauth.InvalidRequest, "id_token_hint is no ID token of this issuer for this client.").With(err)
		}
		if r.Subject != "" && r.Subject != hint.User {
			return refuse(oauth.InvalidRequest, "id_token_hint and claims name different people.")
		}
		r.Subject = hint.User
		return nil
	},
}
