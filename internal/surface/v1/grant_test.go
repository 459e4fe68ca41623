package v1_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestAccessRequestsOverHTTP(t *testing.T) {
	a := newAPI(t)
	a.grant("rec_lead", "lead", "Authress:Owner", "p/1")
	const body = `{"requestId":"x","status":"APPROVED","access":{"users":[{"userId":"ann"}],"statements":[{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"/p/1/a"}],"expiresAt":"2036-01-01T00:00:00Z"}]},"tags":{"k":"v"}}`
	a.want(401, "", "POST", "/v1/requests", body)
	a.want(403, "user:bob", "POST", "/v1/requests", body)
	a.want(422, "user:ann", "POST", "/v1/requests", strings.Replace(body, "/p/1/a", "p//1", 1))
	a.want(400, "user:ann", "POST", "/v1/requests", `{"access":[]}`)
	made := a.want(201, "user:ann", "POST", "/v1/requests", body)
	id, _ := made["requestId"].(string)
	if got := fmt.Sprint(made["status"], made["access"], made["tags"], made["requestedBy"], made["links"]); id == "x" || got !=
		"OPENmap[statements:[map[expiresAt:2036-01-01T00:00:00.000Z resources:[map[resourceUri:/p/1/a]] roles:[Authress:ReadResource]]] users:[map[userId:ann]]] map[k:v] map[userId:ann] map[self:map[href:"+base+"/v1/requests/"+id+"]]" {
		t.Error(made)
	}
	path := "/v1/requests/" + id
	a.want(403, "user:ann", "PATCH", path, `{"status":"APPROVED"}`)
	a.want(403, "user:eve", "GET", path, "")
	a.want(403, "user:eve", "DELETE", path, "")
	a.want(404, owner, "GET", "/v1/requests/req_none", "")
	a.want(400, "user:lead", "PATCH", path, `{"status":"approved"}`)
	a.want(400, "user:lead", "PATCH", path, `{}`)
	if out := a.want(200, "user:lead", "GET", "/v1/requests?status=OPEN&limit=undefined", ""); len(out["records"].([]any)) != 1 {
		t.Error(out)
	}
	if out := a.want(200, "user:eve", "GET", "/v1/requests", ""); len(out["records"].([]any)) != 0 {
		t.Error(out)
	}
	a.want(400, "user:ann", "GET", "/v1/requests?status=open", "")
	a.want(404, "user:ann", "GET", "/v1/users/ann/resources/p%2F1%2Fa/permissions/read", "")
	if out := a.want(200, "user:lead", "PATCH", path, `{"status":"APPROVED"}`); out["status"] != "APPROVED" || out["recordId"] == nil {
		t.Error(out)
	}
	a.want(200, "user:ann", "GET", "/v1/users/ann/resources/p%2F1%2Fa/permissions/read", "")
	if out := a.want(409, owner, "PATCH", path, `{"status":"DENIED"}`); out["errorCode"] != "AccessRequestDecided" {
		t.Error(out)
	}
	a.want(403, "user:ann", "DELETE", path, "")
	a.want(204, owner, "DELETE", path, "")
	// Whoever has two pages follows the link; nobody else can.
	for range 3 {
		a.want(201, "user:bob", "POST", "/v1/requests", strings.ReplaceAll(body, `"ann"`, `"bob"`))
	}
	page := a.want(200, "user:bob", "GET", "/v1/requests?limit=2", "")
	next := strings.TrimPrefix(page["links"].(map[string]any)["next"].(map[string]any)["href"].(string), base)
	if out := a.want(200, "user:bob", "GET", next, ""); len(out["records"].([]any)) != 1 {
		t.Error(out)
	}
	a.want(400, "user:ann", "GET", next, "")
}

func TestResourcesOverHTTP(t *testing.T) {
	a := newAPI(t)
	const on = `{"permissions":[{"action":"PUBLIC","allow":true}]}`
	a.want(404, owner, "GET", "/v1/resources/a%2Fb", "")
	a.want(403, "user:bob", "GET", "/v1/resources/a%2Fb", "")
	a.want(403, "user:bob", "PUT", "/v1/resources/a%2Fb", on)
	for _, path := range []string{"a%2Fb", "a%2fb", "%2Fa%2Fb%2F", "a/b"} {
		if out := a.want(200, owner, "PUT", "/v1/resources/"+path, on); fmt.Sprint(out["resourceUri"], out["permissions"]) != "a/b[map[action:PUBLIC allow:true]]" {
			t.Error(path, out)
		}
	}
	a.want(200, "user:bob", "GET", "/v1/users/bob/resources/a%2Fb%2Fc/permissions/anything", "")
	for _, path := range []string{"*", "%2A", "Authress:Roles", "Authress%3ARoles", "authress%3Aroles", "*%2Fx", "a%2F%2Fb", "a%252Fb"} {
		a.want(400, owner, "PUT", "/v1/resources/"+path, on)
	}
	for _, body := range []string{"", "{}", `{"permissions":[]}`, `{"permissions":[{"action":"READ","allow":true}]}`, `{"permissions":{}}`} {
		a.want(400, owner, "PUT", "/v1/resources/a", body)
	}
	if out := a.want(200, owner, "GET", "/v1/resources", ""); len(out["resources"].([]any)) != 1 || out["links"] == nil {
		t.Error(out)
	}
	a.grant("rec_1", "ann", "Authress:ReadResource", "/a/b")
	for _, path := range []string{"a%2Fb", "a/b"} {
		if out := a.want(200, owner, "GET", "/v1/resources/"+path+"/users", ""); fmt.Sprint(out["users"]) != "[map[roles:[map[roleId:Authress:ReadResource]] userId:ann]]" {
			t.Error(out)
		}
	}
	a.want(403, "user:ann", "GET", "/v1/resources/a%2Fb/users", "")
}

func TestClaimsOverHTTP(t *testing.T) {
	a := newAPI(t)
	const body = `{"collectionResource":"/col","resourceId":"1"}`
	a.want(401, "", "POST", "/v1/claims", body)
	a.want(403, "user:ann", "POST", "/v1/claims", body)
	a.want(200, owner, "PUT", "/v1/resources/col", `{"permissions":[{"action":"CLAIM","allow":true}]}`)
	if status, raw, _ := a.raw("user:ann", "POST", "/v1/claims", body); status != 201 || string(raw) != "{}" {
		t.Errorf("%d %s", status, raw)
	}
	if out := a.want(409, "user:bob", "POST", "/v1/claims", body); out["errorCode"] != "AlreadyClaimed" {
		t.Error(out)
	}
	a.want(200, "user:ann", "GET", "/v1/users/ann/resources/col%2F1%2Fx/permissions/anything", "")
	for _, bad := range []string{"", "{}", `{"collectionResource":"col"}`, `{"collectionResource":"col","resourceId":"1/x"}`, `{"collectionResource":"*","resourceId":"1"}`, `{"collectionResource":"Authress:Roles","resourceId":"1"}`} {
		a.want(400, "user:bob", "POST", "/v1/claims", bad)
	}
}
