package hosted

import (
	"net/http"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/login"
)

// A service client's link arrives where providers' answers do. Its page asks first, with the
// ticket and nothing of the address in its form.
func TestHandoverAsksFirst(t *testing.T) {
	f := &fakeLogin{views: map[string]login.View{"FinishUpstream": {
		State: login.StateLink, ID: "login_1", Email: "crm|<b>7", Ticket: secret.New("TICKET"), NewBrowser: secret.New("browser-9"), ReturnURL: "https://app.example.test/",
	}}}
	h := handler(t, f, acme, false)
	a := get(t, h, "/login?state=login_1&code=STATEMENT&iss=https%3A%2F%2Flogin.example.test%2Fv1%2Fclients%2Fsc_1")
	if a.StatusCode != http.StatusOK || f.given["FinishUpstream"] != "login_1|STATEMENT|https://login.example.test/v1/clients/sc_1||" {
		t.Fatal(a.StatusCode, f.given)
	}
	for _, want := range []string{`action="/login/handover"`, `name="token" value="TICKET"`, "crm|&lt;b&gt;7"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(a.body, "STATEMENT") {
		t.Error("the page repeats the statement")
	}
	if !strings.Contains(strings.Join(a.Header.Values("Set-Cookie"), "\n"), "__Host-admit-browser=browser-9") {
		t.Error("the browser is not marked")
	}
	if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https:") {
		t.Errorf("the form cannot lead to the application: %s", csp)
	}
	if a := get(t, h, "/login/link?token=abc"); !strings.Contains(a.body, `action="/login/link"`) {
		t.Error("the mail's link posts elsewhere")
	}
}
