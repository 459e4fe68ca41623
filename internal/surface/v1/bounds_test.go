package v1_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestPutThatDropsBounds: SDKs that do not know startsAt and expiresAt leave them out of what they
// read. A grant for a time must not become lasting by that.
func TestPutThatDropsBounds(t *testing.T) {
	a := newAPI(t)
	const bound = `{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"docs/1"},{"resourceUri":"docs/2"}],"users":[{"userId":"ann"}],"expiresAt":"2100-01-01T00:00:00Z"}`
	const other = `{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"other"}],"users":[{"userId":"ann"}]}`
	record := func(statements string) string { return fmt.Sprintf(`{"name":"r","statements":[%s]}`, statements) }
	ends := func(body map[string]any) (out []any) {
		for _, s := range body["statements"].([]any) {
			out = append(out, s.(map[string]any)["expiresAt"])
		}
		return out
	}
	a.want(201, owner, "POST", "/v1/records", `{"recordId":"rec_b","name":"r","statements":[`+bound+`,`+other+`]}`)
	const until = "2100-01-01T00:00:00.000Z"
	const path = "/v1/records/rec_b"

	dropped := `{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"docs/2"},{"resourceUri":"docs/1"}],"users":[{"userId":"ann"}]}`
	if got := ends(a.want(200, owner, "PUT", path, record(other+","+dropped))); got[0] != nil || got[1] != until {
		t.Errorf("the bounds are %v; want them kept, wherever the statement stands", got)
	}
	if got := ends(a.want(200, owner, "PUT", path, record(dropped+","+dropped))); got[0] != until || got[1] != nil {
		t.Errorf("the bounds are %v; a statement that comes twice keeps them once", got)
	}
	a.want(200, owner, "PUT", path, record(bound))
	changed := `{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"docs/1"},{"resourceUri":"docs/3"}],"users":[{"userId":"ann"}]}`
	a.want(422, owner, "PUT", path, record(changed))
	a.want(422, owner, "PUT", path, record(`{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"docs/1"},{"resourceUri":"docs/2"}],"users":[{"userId":"ann"},{"userId":"bob"}]}`))
	if got := ends(a.want(200, owner, "PUT", path, record(changed[:len(changed)-1]+`,"expiresAt":null}`))); got[0] != nil {
		t.Errorf("the bound is %v; null takes it away", got)
	}
	a.want(200, owner, "PUT", path, record(other)) // what never was bound needs no word
}

// TestMisspelledBounds: a member that a statement does not have is no grant without an end.
func TestMisspelledBounds(t *testing.T) {
	a := newAPI(t)
	for _, member := range []string{"expireAt", "ExpiresAt", "expires", "startAt", "condition"} {
		body := fmt.Sprintf(`{"name":"r","statements":[{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"docs/1"}],"users":[{"userId":"ann"}],%q:"2100-01-01T00:00:00Z"}]}`, member)
		got := a.want(400, owner, "POST", "/v1/records", body)
		if title, _ := got["title"].(string); member != "ExpiresAt" && !strings.Contains(title, member) {
			t.Errorf("%s: the answer says %q", member, title)
		}
	}
}

// A query is answered whole or not at all: a name that stands twice, and a time where there is no past, are refused.
func TestNoPartOfAQueryIsIgnored(t *testing.T) {
	a := newAPI(t)
	const who = "/v1/users/ann"
	for _, path := range []string{
		"/v1/roles?limit=1&limit=2", "/v1/records?status=ACTIVE&status=DELETED", "/v1/records?filter=a&filter=b", "/v1/groups?cursor=&cursor=", "/v1/users?tenantId=a&tenantId=b",
		who + "/resources?resourceUri=a&resourceUri=b", who + "/resources?resourceUri=a&permissions=x:read&permissions=x:write", "/v1/resources/a/subjects?permission=x:read&permission=x:write",
		"/v1/changes?resourceUri=a&resourceUri=b", "/v1/requests?status=OPEN&status=DENIED",
		"/v1/roles?at=2026-03-03T12:00:00Z", "/v1/records?at=2026-03-03T12:00:00Z", "/v1/records/rec_1?at=2026-03-03T12:00:00Z", "/v1/groups/grp_1?at=", "/v1/resources/a?at=2026-03-03T12:00:00Z",
		"/v1/resources/a/users?at=2026-03-03T12:00:00Z", who + "?at=2026-03-03T12:00:00Z", who + "/resources?resourceUri=a&at=2026-03-03T12:00:00Z", who + "/resources/a/roles?at=x", who + "/resources/a/permissions?at=x",
		who + "/resources/a/permissions/x:read?at=2026-03-03T12:00:00Z&at=2026-03-04T12:00:00Z", "/v1/changes?at=2026-03-03T12:00:00Z",
	} {
		a.want(400, owner, "GET", path, "")
	}
	a.want(400, owner, "DELETE", "/v1/records/rec_1?at=2026-03-03T12:00:00Z", "")
	a.want(200, owner, "GET", "/v1/roles?limit=1&filter=&other=1", "")
}
