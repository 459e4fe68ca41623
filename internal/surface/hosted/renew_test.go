package hosted

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/login"
)

// New recovery codes are offered where the last one was used, and stand in one answer only.
func TestRenew(t *testing.T) {
	offer := login.View{State: login.StateRenew, ID: "x-1", Current: &login.Person{ID: "usr_1", Name: "Ada", Email: "ada@example.com"}}
	f := &fakeLogin{views: map[string]login.View{"EnterRecovery": offer, "View": offer}}
	h := handler(t, f, acme, false)
	a := post(t, h, "/login/recovery-code", url.Values{"state": {"x-1"}, "code": {"0000"}, "remember": {"1"}})
	redirects(t, a, "/login?remember=1&state=x-1")
	a = get(t, h, "/login?state=x-1&remember=1")
	if a.StatusCode != 200 || !strings.Contains(a.body, `action="/login/codes?state=x-1"`) || strings.Count(a.body, `name="remember" value="1"`) != 2 || strings.Contains(a.body, "<code>") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a = get(t, h, "/login?state=x-1"); strings.Contains(a.body, `name="remember"`) {
		t.Error("the browser is remembered unasked")
	}

	a = post(t, h, "/login/codes", url.Values{"state": {"x-1"}, "remember": {"1"}})
	for _, want := range []string{"<code>abcd-efgh-jkmn-pqrs</code>", "<code>0123-4567-89ab-cdef</code>", `name="remember" value="1"`, `action="/login/codes/done?state=x-1"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("no %s in %s", want, a.body)
		}
	}
	if a.StatusCode != 200 || a.Header.Get("Cache-Control") != "no-store" || strings.Contains(a.body, `href="/login`) {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.body)
	}

	f.views["View"] = leave("https://app.example.test/?code=v")
	redirects(t, post(t, h, "/login/codes/done", url.Values{"state": {"x-1"}, "remember": {"1"}}), "https://app.example.test/?code=v")
	if v := f.visits[len(f.visits)-1]; !v.Later || !v.Remember {
		t.Errorf("%+v", v)
	}
	if a := get(t, h, "/login?state=x-1"); a.StatusCode != http.StatusSeeOther || f.visits[len(f.visits)-1].Later {
		t.Errorf("%d: a GET declines", a.StatusCode)
	}
}
