package v1_test

import (
	"strings"
	"testing"
)

func TestLinkedIdentitiesThroughTheAPI(t *testing.T) {
	e := newEstate(t)
	const link = `{"issuer":"https://token.actions.example","preferredAudience":"https://login.example.com"}`
	for _, who := range []string{"usr_other", "usr_manager"} { // the manager may not give everything
		e.want(t, 403, who, "POST", "/v1/identities", link)
	}
	e.want(t, 401, "", "POST", "/v1/identities", link)
	a := e.want(t, 201, "usr_owner", "POST", "/v1/identities", link)
	id, prefix := a.body["identityId"].(string), a.body["userIdPrefix"].(string)
	if a.body["userIdExpression"] != "{sub}" || !strings.HasPrefix(prefix, "iss_") || !strings.HasSuffix(prefix, "|") {
		t.Fatal(a.text)
	}
	if again := e.want(t, 200, "usr_owner", "POST", "/v1/identities", link, "User-Agent", "Authress SDK; Terraform; 1;"); again.body["identityId"] != id {
		t.Error(again.text)
	}
	e.want(t, 409, "usr_owner", "POST", "/v1/identities", strings.Replace(link, "{", `{"userIdExpression":"{email}",`, 1))
	for _, bad := range []string{``, `{}`, `{"issuer":"https://token.actions.example"}`, `{"issuer":"https://token.actions.example","preferredAudience":"*"}`, `{"jwt":"x"}`,
		`{"issuer":"http://token.actions.example","preferredAudience":"a"}`, `{"issuer":"https://login.example.com","preferredAudience":"a"}`} {
		e.want(t, 400, "usr_owner", "POST", "/v1/identities", bad)
	}
	if star := e.want(t, 400, "usr_owner", "POST", "/v1/identities", `{"issuer":"https://a.example","preferredAudience":"*"}`); !strings.Contains(star.text, "audience") {
		t.Error(star.text)
	}
	list := e.want(t, 200, "usr_manager", "GET", "/v1/identities", "")
	if all := list.body["identities"].([]any); len(all) != 1 || list.body["links"] == nil || all[0].(map[string]any)["audience"] != "https://login.example.com" {
		t.Fatal(list.text)
	}
	e.want(t, 403, "usr_other", "GET", "/v1/identities", "")
	e.want(t, 403, "usr_other", "DELETE", "/v1/identities/"+id, "")
	e.want(t, 404, "usr_owner", "DELETE", "/v1/identities/idn_none", "")
	e.want(t, 204, "usr_manager", "DELETE", "/v1/identities/"+id, "")
	e.want(t, 404, "usr_owner", "DELETE", "/v1/identities/"+id, "")
}
