package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/serviceclient"
)

func (p *testServer) request(method, path, body string, header ...string) reply {
	p.Helper()
	r := httptest.NewRequest(method, "http://localhost:4000"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return p.send(r)
}

// A client that registers itself proves itself like any other, is a third party's, and is unknown to
// the login protocol, where nobody would be asked for consent.
func TestAClientRegistersItself(t *testing.T) {
	everywhere(t, func(p *testServer) {
		const metadata = `{"redirect_uris":["https://stranger.example/cb"],"client_name":"Stranger","scope":"openid email admin"}`
		if r := p.request("POST", "/oauth/register", metadata); r.status != 404 {
			p.Fatal(r.status, r.text)
		}
		if d := p.request("GET", "/.well-known/openid-configuration", ""); d.body["registration_endpoint"] != nil || d.body["client_id_metadata_document_supported"] != nil {
			p.Fatal(d.text)
		}
		a, err := p.f.accounts.Get(p.Context(), ident.DefaultAccount)
		if err != nil {
			p.Fatal(err)
		}
		a.Settings.OAuth.Registration = account.RegistrationOpen
		if _, err := p.f.accounts.Update(p.Context(), actor.ForOperator(ident.DefaultAccount), a); err != nil {
			p.Fatal(err)
		}
		if d := p.request("GET", "/.well-known/openid-configuration", ""); d.body["registration_endpoint"] != "http://localhost:4000/oauth/register" {
			p.Fatal(d.text)
		}
		c := p.request("POST", "/oauth/register", metadata)
		if c.status != 201 || c.body["scope"] != "openid email" || c.body["token_endpoint_auth_method"] != "client_secret_basic" {
			p.Fatal(c.status, c.text)
		}
		id, password := c.body["client_id"].(string), c.body["client_secret"].(string)
		push := []string{
			"response_type", "code", "client_id", id, "redirect_uri", "https://stranger.example/cb", "scope", "openid",
			"code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method", "S256",
		}
		if r := p.post("/oauth/par", append(push, "Basic", id+":"+password)...); r.status != 201 {
			p.Fatal(r.status, r.text)
		}
		for what, pairs := range map[string][]string{
			"a wrong secret": append(push, "Basic", id+":"+password+"x"), "no secret": push, "the secret in the body": append(push, "client_secret", password),
			"the registration token": append(push, "Basic", id+":"+c.body["registration_access_token"].(string)),
		} {
			if r := p.post("/oauth/par", pairs...); r.status != 401 || r.body["error"] != "invalid_client" {
				p.Errorf("%s: %d %s", what, r.status, r.text)
			}
		}
		if r := p.post("/oauth/token", "grant_type", "client_credentials", "Basic", id+":"+password); r.body["error"] != "unauthorized_client" {
			p.Error(r.text)
		}
		login, err := json.Marshal(map[string]string{"redirectUrl": "https://stranger.example/cb", "applicationId": id, "codeChallenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"})
		if err != nil {
			p.Fatal(err)
		}
		if r := p.request("POST", "/api/authentication", string(login)); r.status != 400 {
			p.Error("the login protocol took it:", r.status, r.text)
		}
		r := p.request("GET", "/api/session", "", "Origin", "https://stranger.example")
		if r.header.Get("Access-Control-Allow-Origin") != "" {
			p.Error("its pages may call the login API")
		}
		token := c.body["registration_access_token"].(string)
		if a, err = p.f.accounts.Get(p.Context(), ident.DefaultAccount); err != nil {
			p.Fatal(err)
		}
		a.Settings.OAuth.Registration = ""
		if _, err := p.f.accounts.Update(p.Context(), actor.ForOperator(ident.DefaultAccount), a); err != nil {
			p.Fatal(err)
		}
		change := `{"client_id":"` + id + `",` + metadata[1:]
		if r := p.request("PUT", "/oauth/register/"+id, change, "Authorization", "Bearer "+token); r.status != 403 || r.body["error"] != "access_denied" {
			p.Error("registration is off:", r.status, r.text)
		}
		if r := p.request("GET", "/oauth/register/"+id, "", "Authorization", "Bearer "+token); r.status != 200 {
			p.Error("registration is off:", r.status, r.text)
		}
		if r := p.request("DELETE", "/oauth/register/"+id, "", "Authorization", "Bearer "+token); r.status != http.StatusNoContent {
			p.Fatal(r.status, r.text)
		}
		if r := p.post("/oauth/par", append(push, "Basic", id+":"+password)...); r.status != 401 {
			p.Error("it is gone:", r.status)
		}
	})
}

// The contract's clientSecret, at the address where SDKs look for tokens.
func TestAServiceClientBySecret(t *testing.T) {
	everywhere(t, func(p *testServer) {
		by := actor.ForOperator(ident.DefaultAccount)
		c, err := p.f.clients.Create(p.Context(), by, serviceclient.Client{Name: "Builder"})
		if err != nil {
			p.Fatal(err)
		}
		made, err := p.f.clients.CreateKey(p.Context(), by, c.ID)
		if err != nil {
			p.Fatal(err)
		}
		ask := func(value string) reply {
			body, err := json.Marshal(map[string]string{"grant_type": "client_credentials", "client_id": string(c.ID), "client_secret": value})
			if err != nil {
				p.Fatal(err)
			}
			return p.request("POST", "/api/authentication/oauth/tokens", string(body))
		}
		r := ask(made.ClientSecret.Reveal())
		if r.status != 200 || r.body["access_token"] == nil || r.body["refresh_token"] != nil {
			p.Fatal(r.status, r.text)
		}
		if r := p.post("/oauth/token", "grant_type", "client_credentials", "Basic", string(c.ID)+":"+made.ClientSecret.Reveal()); r.status != 200 {
			p.Fatal(r.status, r.text)
		}
		for _, wrong := range []string{made.AccessKey.Reveal(), made.ClientSecret.Reveal() + "x", string(made.KeyID)} {
			if r := ask(wrong); r.status != 401 {
				p.Error(r.status, r.text)
			}
		}
		if err := p.f.clients.DeleteKey(p.Context(), by, c.ID, made.KeyID); err != nil {
			p.Fatal(err)
		}
		if r := ask(made.ClientSecret.Reveal()); r.status != 401 {
			p.Error("the secret outlived its key:", r.status, r.text)
		}
	})
}
