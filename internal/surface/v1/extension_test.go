package v1_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestExtensionsThroughTheAPI(t *testing.T) {
	e := newEstate(t)
	const body = `{"name":"Shop","tags":{"k":"v"},"application":{"applicationId":"app_default","redirectUrls":["https://shop.example/cb"]},"client":{"clientId":"sc_x","rateLimits":[{"duration":"PT1H","quota":1000}]}}`
	a := e.want(t, 201, "usr_owner", "POST", "/v1/extensions", body)
	id := a.body["extensionId"].(string)
	app, client := a.body["application"].(map[string]any), a.body["client"].(map[string]any)
	if !strings.HasPrefix(id, "ext_") || app["applicationId"] == "app_default" || !strings.HasPrefix(client["clientId"].(string), "sc_") || client["clientId"] == "sc_x" {
		t.Fatal(a.text)
	}
	if fmt.Sprint(app["redirectUrls"], client["rateLimits"]) != "[https://shop.example/cb] [map[duration:PT1H quota:1000]]" || a.body["createdTime"] == "" || a.body["links"] == nil || app["links"] == nil || client["links"] == nil {
		t.Fatal(a.text)
	}
	path := "/v1/extensions/" + id
	e.want(t, 200, "usr_owner", "GET", "/v1/applications/"+app["applicationId"].(string), "")
	e.want(t, 200, "usr_owner", "GET", "/v1/clients/"+client["clientId"].(string), "")
	for _, list := range []string{"/v1/extensions", "/v1/extensions/", "/v1/extensions/?limit=5"} {
		if l := e.want(t, 200, "usr_manager", "GET", list, ""); len(l.body["extensions"].([]any)) != 1 {
			t.Error(l.text)
		}
	}
	// I-14: where codes go is judged, also by way of an extension.
	e.want(t, 403, "usr_manager", "POST", "/v1/extensions", body)
	e.want(t, 201, "usr_manager", "POST", "/v1/extensions", `{"name":"Local","application":{"redirectUrls":["http://localhost:3000/cb"]}}`)
	e.want(t, 403, "usr_manager", "PUT", path, strings.Replace(body, "shop.example", "evil.example", 1))
	u := e.want(t, 200, "usr_manager", "PUT", path, strings.Replace(body, `"Shop"`, `"Shop 2"`, 1))
	if u.body["name"] != "Shop 2" {
		t.Error(u.text)
	}
	for _, bad := range []string{``, `{}`, `{"name":""}`, `{"name":"x","extensionId":"ext_other"}`, `{"name":"x","application":{"redirectUrls":["https://*.x.example"]}}`, `{"name":"x","client":{"rateLimits":[{"duration":"PT1S","quota":1}]}}`} {
		e.want(t, 400, "usr_owner", "PUT", path, bad)
	}
	for _, route := range []string{"POST /v1/extensions", "GET /v1/extensions", "GET /v1/extensions/", "GET " + path, "PUT " + path, "DELETE " + path} {
		method, p, _ := strings.Cut(route, " ")
		e.want(t, 403, "usr_other", method, p, `{"name":"x"}`)
		e.want(t, 401, "", method, p, `{"name":"x"}`)
	}
	e.want(t, 204, "usr_owner", "DELETE", path, "")
	for _, gone := range []string{path, "/v1/applications/" + app["applicationId"].(string), "/v1/clients/" + client["clientId"].(string)} {
		e.want(t, 404, "usr_owner", "GET", gone, "")
		e.want(t, 404, "usr_owner", "DELETE", gone, "")
	}
}
