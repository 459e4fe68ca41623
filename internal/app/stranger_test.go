package app

import (
	"net/url"
	"testing"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
)

// A client that anybody can make does not turn the logout page into a way to anywhere: nobody is signed
// in, so nobody has come from that client (RFC 9700 section 4.11).
func TestLogoutLeadsToNoStranger(t *testing.T) {
	everywhere(t, func(p *testServer) {
		a, err := p.f.accounts.Get(p.Context(), ident.DefaultAccount)
		if err != nil {
			p.Fatal(err)
		}
		a.Settings.OAuth.Registration = account.RegistrationOpen
		if _, err := p.f.accounts.Update(p.Context(), actor.ForOperator(ident.DefaultAccount), a); err != nil {
			p.Fatal(err)
		}
		const bye = "https://stranger.example/bye"
		c := p.request("POST", "/oauth/register", `{"redirect_uris":["https://stranger.example/cb"],"post_logout_redirect_uris":["`+bye+`"]}`)
		if c.status != 201 {
			p.Fatal(c.status, c.text)
		}
		q := url.Values{"client_id": {c.body["client_id"].(string)}, "post_logout_redirect_uri": {bye}}
		if r := p.request("GET", "/oauth/logout?"+q.Encode(), ""); r.status != 200 {
			p.Errorf("%d %s", r.status, r.text)
		}
	})
}
