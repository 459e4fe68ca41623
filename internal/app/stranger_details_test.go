package app

import (
	"testing"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
)

// A client that registers itself does not choose which authorization_details there are: their types are
// the words of the account's APIs, and nobody of the account has allowed it any (RFC 9396 section 5).
func TestStrangersHaveNoAuthorizationDetails(t *testing.T) {
	everywhere(t, func(p *testServer) {
		a, err := p.f.accounts.Get(p.Context(), ident.DefaultAccount)
		if err != nil {
			p.Fatal(err)
		}
		a.Settings.OAuth.Registration = account.RegistrationOpen
		if _, err := p.f.accounts.Update(p.Context(), actor.ForOperator(ident.DefaultAccount), a); err != nil {
			p.Fatal(err)
		}
		c := p.request("POST", "/oauth/register", `{"redirect_uris":["https://stranger.example/cb"],"authorization_details_types":["payment"],"token_endpoint_auth_method":"none"}`)
		if c.status != 201 || c.body["authorization_details_types"] != nil {
			p.Error(c.status, c.text)
		}
		r := p.post("/oauth/par", "response_type", "code", "client_id", c.body["client_id"].(string), "redirect_uri", "https://stranger.example/cb", "scope", "openid",
			"code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method", "S256", "authorization_details", `[{"type":"payment"}]`)
		if r.body["error"] != "invalid_authorization_details" {
			p.Error(r.status, r.text)
		}
	})
}
