package v1_test

import (
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/application"
)

// An SDK that does not know the member oauth does not reset it, and secrets are seen once.
func TestOAuthOfAnApplicationThroughTheAPI(t *testing.T) {
	e := newEstate(t)
	const body = `{"applicationId":"app_shop","name":"Shop","redirectUrls":["http://localhost:3000/cb"]`
	a := e.want(t, 201, "usr_owner", "POST", "/v1/applications", body+`}`)
	o := a.body["oauth"].(map[string]any)
	if o["tokenEndpointAuthMethod"] != "none" || len(o["grantTypes"].([]any)) != 2 || len(o) != 2 {
		t.Fatal(a.text)
	}
	const path = "/v1/applications/app_shop"
	set := `,"oauth":{"tokenEndpointAuthMethod":"client_secret_basic","grantTypes":["authorization_code","client_credentials"],"scopes":["openid"],"accessTokenLife":"PT5M",
		"secrets":[{"secretId":"smuggled"}],"registered":"dynamic","claims":{"https://example.com/a":1},"thirdParty":true}}`
	a = e.want(t, 200, "usr_owner", "PUT", path, body+set)
	if strings.Contains(a.text, "smuggled") || strings.Contains(a.text, "dynamic") || !strings.Contains(a.text, `"accessTokenLife":"PT5M"`) {
		t.Fatal(a.text)
	}
	e.want(t, 403, "usr_viewer", "POST", path+"/secrets", "")
	e.want(t, 401, "", "POST", path+"/secrets", "")
	s := e.want(t, 201, "usr_owner", "POST", path+"/secrets", "")
	value, id := s.body["clientSecret"].(string), s.body["secretId"].(string)
	if !strings.HasPrefix(value, application.SecretPrefix) || s.header.Get("Cache-Control") != "no-store" {
		t.Fatal(s.header)
	}
	e.want(t, 201, "usr_owner", "POST", path+"/secrets", `{"expiresTime":"2026-12-31T00:00:00Z"}`)
	e.want(t, 400, "usr_owner", "POST", path+"/secrets", `{"expiresTime":"soon"}`)
	e.want(t, 400, "usr_owner", "POST", path+"/secrets", `{"expiresTime":"2001-01-01T00:00:00Z"}`)

	for _, read := range []answer{
		e.want(t, 200, "usr_owner", "PUT", path, body+`,"tags":{"a":"b"}}`), // what an SDK sends
		e.want(t, 200, "usr_owner", "PUT", path, body+set),                  // what somebody else sends
		e.want(t, 200, "usr_owner", "GET", path, ""),
		e.want(t, 200, "usr_owner", "GET", "/v1/applications", ""),
	} {
		if strings.Contains(read.text, value[4:20]) || strings.Contains(read.text, "hash") || !strings.Contains(read.text, id) || !strings.Contains(read.text, "client_secret_basic") {
			t.Fatal(read.text)
		}
	}
	e.want(t, 404, "usr_owner", "DELETE", path+"/secrets/sec_none", "")
	e.want(t, 403, "usr_viewer", "DELETE", path+"/secrets/"+id, "")
	e.want(t, 204, "usr_owner", "DELETE", path+"/secrets/"+id, "")
	if a = e.want(t, 200, "usr_owner", "GET", path, ""); strings.Contains(a.text, id) {
		t.Fatal(a.text)
	}
	for range application.MaxSecrets - 1 {
		e.want(t, 201, "usr_owner", "POST", path+"/secrets", "")
	}
	if a = e.want(t, 422, "usr_owner", "POST", path+"/secrets", ""); a.body["errorCode"] != application.CodeTooManySecrets {
		t.Fatal(a.text)
	}
	if a = e.want(t, 400, "usr_owner", "PUT", path, body+`,"oauth":{"dpopBoundAccessToken":true}}`); !strings.Contains(a.text, "dpopBoundAccessToken") {
		t.Fatal("a misspelled member passes: " + a.text)
	}
	for _, bad := range []string{
		`,"oauth":{"grantTypes":["client_credentials"]}}`, `,"oauth":{"tokenEndpointAuthMethod":"private_key_jwt"}}`, `,"oauth":{"jwksUri":"http://10.0.0.1/"}}`,
		`,"oauth":{"accessTokenLife":"P1Y"}}`, `,"oauth":{"idTokenSignedResponseAlg":"none"}}`, `,"oauth":{"scopes":"openid"}}`, `,"oauth":{"GrantTypes":[]}}`, `,"oauth":[]}`,
	} {
		e.want(t, 400, "usr_owner", "PUT", path, body+bad)
	}
}

// Who may prove to be an application has what was given to it.
func TestProvingToBeAnApplicationNeedsWhatItHas(t *testing.T) {
	e := newEstate(t)
	const body = `"name":"Shop","redirectUrls":["http://localhost:3000/cb"],"oauth":{"tokenEndpointAuthMethod":"client_secret_basic"}}`
	if a := e.want(t, 201, "usr_manager", "POST", "/v1/applications", `{`+body); !strings.HasPrefix(a.body["applicationId"].(string), "app_") {
		t.Fatal(a.text)
	}
	e.want(t, 403, "usr_manager", "POST", "/v1/applications", `{"applicationId":"app_powerful",`+body)
	e.want(t, 201, "usr_owner", "POST", "/v1/applications", `{"applicationId":"app_powerful",`+body)
	e.want(t, 403, "usr_manager", "POST", "/v1/applications/app_powerful/secrets", "")
	e.want(t, 403, "usr_manager", "PUT", "/v1/applications/app_powerful", `{"name":"Shop","redirectUrls":["http://localhost:3000/cb"],"oauth":{"tokenEndpointAuthMethod":"client_secret_post"}}`)
	e.want(t, 200, "usr_manager", "PUT", "/v1/applications/app_powerful", `{"name":"Shop 2","redirectUrls":["http://localhost:3000/cb"]}`)
}

// Opening an application to other places, or to other proofs, takes more than the right to change it.
func TestOAuthOfAnApplicationNeedsMore(t *testing.T) {
	e := newEstate(t)
	const body = `{"applicationId":"app_shop","name":"Shop","redirectUrls":["http://localhost:3000/cb"]`
	const path = "/v1/applications/app_shop"
	e.want(t, 201, "usr_manager", "POST", "/v1/applications", body+`,"oauth":{"scopes":["openid"]}}`)
	for what, more := range map[string]string{
		"a back channel": `,"oauth":{"backchannelLogoutUrl":"https://elsewhere.example/out"}}`,
		"devices":        `,"oauth":{"grantTypes":["urn:ietf:params:oauth:grant-type:device_code"]}}`,
	} {
		if a := e.call(t, "usr_manager", "PUT", path, body+more); a.status != 403 {
			t.Errorf("%s: %d %s", what, a.status, a.text)
		}
		e.want(t, 200, "usr_owner", "PUT", path, body+more)
		e.want(t, 200, "usr_owner", "PUT", path, body+`,"oauth":{}}`)
	}
}

func TestOAuthOfAnAccountThroughTheAPI(t *testing.T) {
	e := newEstate(t)
	const path = "/v1/accounts/acc_default"
	if a := e.want(t, 200, "usr_owner", "GET", path, ""); !strings.Contains(a.text, `"oauth":{"dynamicRegistration":"off","clientMetadataHosts":[],"thirdPartyScopes":[],"thirdPartyResources":[]}`) {
		t.Fatal(a.text)
	}
	e.want(t, 200, "usr_owner", "PUT", path, `{"settings":{"oauth":{"dynamicRegistration":"token","clientMetadataHosts":["app.example"],"thirdPartyResources":["https://mcp.example/"]}}}`)
	a := e.want(t, 200, "usr_owner", "PUT", path, `{"name":"Acme"}`)
	if !strings.Contains(a.text, `"dynamicRegistration":"token","clientMetadataHosts":["app.example"]`) || !strings.Contains(a.text, "https://mcp.example/") {
		t.Fatal(a.text)
	}
	for _, bad := range []string{`"dynamicRegistration":"on"`, `"clientMetadataHosts":["https://app.example"]`, `"clientMetadataHosts":["10.0.0.1"]`, `"clientMetadataHosts":["*.example"]`, `"thirdPartyScopes":["a b"]`, `"thirdPartyResources":["acc_default"]`} {
		e.want(t, 400, "usr_owner", "PUT", path, `{"settings":{"oauth":{`+bad+`}}}`)
	}
	e.want(t, 403, "usr_viewer", "PUT", path, `{"settings":{"oauth":{"dynamicRegistration":"open"}}}`)
}
