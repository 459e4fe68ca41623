package v1_test

import (
	"strings"
	"testing"
)

// TestMessagesName: who sends something wrong reads which member it was, and what it should have been.
func TestMessagesName(t *testing.T) {
	a := newAPI(t)
	const record = `{"name":"n","users":[{"userId":"ann"}],"statements":[{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"a"}],%}]}`
	for _, test := range []struct {
		status             int
		method, path, body string
		says               string
	}{
		{400, "POST", "/v1/records", strings.ReplaceAll(record, "%", `"startsAt":"tomorrow"`), "startsAt and expiresAt are times"},
		{400, "POST", "/v1/records", strings.ReplaceAll(record, "%", `"expiresAt":"2030-01-31 12:00"`), "startsAt and expiresAt are times"},
		{400, "POST", "/v1/records", strings.ReplaceAll(record, "%", `"expiresAt":1893456000`), "startsAt and expiresAt are times"},
		{422, "POST", "/v1/requests", `{}`, "access.users"},
		{422, "POST", "/v1/requests", `{"access":{"userId":"ann","statements":[]}}`, "access.users"},
		{400, "POST", "/v1/roles", `{"name":5}`, "name"},
	} {
		out := a.want(test.status, owner, test.method, test.path, test.body)
		if title, _ := out["title"].(string); !strings.Contains(title, test.says) {
			t.Errorf("%s %s %s: %q", test.method, test.path, test.body, title)
		}
		if test.path == "/v1/requests" { // whoever may ask only for themselves hears the same
			a.want(test.status, "user:ann", test.method, test.path, test.body)
		}
	}
}
