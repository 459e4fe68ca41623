package app

import (
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Whoever had an access key, or the secret that was made with it, has nothing any more when it is removed:
// no token that the token endpoint gave for it either.
func TestARemovedAccessKeyLeavesNoTokens(t *testing.T) {
	everywhere(t, func(p *testServer) {
		key, err := p.CreateAccessKey(p.Context(), "ci", true)
		if err != nil {
			p.Fatal(err)
		}
		id, _, _ := strings.Cut(key.Reveal(), ".")
		clients, by := newClients(p.db), actor.ForOperator(ident.DefaultAccount)
		made, err := clients.CreateKey(p.Context(), by, ident.ServiceClientID(id))
		if err != nil {
			p.Fatal(err)
		}
		out := p.post("/oauth/token", "grant_type", "client_credentials", "Basic", id+":"+made.ClientSecret.Reveal())
		token, _ := out.body["access_token"].(string)
		if r := p.get("/v1/users", token); r.status != 200 {
			p.Fatal(out.text, r.status, r.text)
		}
		if err := clients.DeleteKey(p.Context(), by, ident.ServiceClientID(id), made.KeyID); err != nil {
			p.Fatal(err)
		}
		if r := p.get("/v1/users", token); r.status != 401 {
			p.Error(r.status, r.text)
		}
	})
}
