package attack

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// half proves an address for an application and returns the browser and the page that comes then.
func (w *world) half(address string, app map[string]any, cookies map[string]string) (*person, answer) {
	w.t.Helper()
	p := w.person()
	for name, value := range cookies {
		p.cookies[name] = value
	}
	if a := p.start(app); a.status != 200 {
		w.t.Fatalf("start: %d %s", a.status, a.body)
	}
	form := fields(p.browse("GET", "/login?state="+p.request, "").body)
	form.Set("state", p.request)
	form.Set("email", address)
	if a := p.browse("POST", "/login/email?state="+p.request, form.Encode()); a.status != 303 {
		w.t.Fatalf("address: %d %.400s", a.status, a.body)
	}
	form.Set("code", w.newestCode(address))
	return p, p.browse("POST", "/login/code?state="+p.request, form.Encode())
}

// at follows redirects of ours, and tells the page's text and whether the application was reached instead.
func (p *person) at(a answer) (page string, there bool) {
	for range 4 {
		if strings.HasPrefix(a.header.Get("Location"), strings.TrimSuffix(application, "/")) {
			return "", true
		}
		if a.status != 303 {
			return a.body, false
		}
		u, _ := url.Parse(a.header.Get("Location"))
		a = p.browse("GET", u.RequestURI(), "")
	}
	return a.body, false
}

var secondStep = regexp.MustCompile(`action="/login/totp[^"]*"`)

// MFA-04: a browser that one application remembers is let off the second step there. Another application, whose
// policy remembers nobody, asks for it: on the page and in silent renewal. And the second factor does not go from
// under a password that is long enough only together with it.
func TestMFA04_TheSecondStepOfEachApplication(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		w.allowPasswords()
		ann := w.signIn("ann@x.example")
		ann.id = subject(ann.access)
		seed := ann.enrol(t)
		const otherOrigin = "http://localhost:3999"
		other := w.party("", otherOrigin+"/back").id
		for of, days := range map[string]string{"": "30", "/applications/" + other: "-1"} {
			if a := w.admin("PUT", "/v1"+of+"/sign-in-policy", `{"rememberDays":`+days+`}`); a.status != 200 {
				t.Fatalf("the policy of %q: %d %s", of, a.status, a.body)
			}
		}
		strong, a := w.half("ann@x.example", nil, nil)
		if page, there := strong.at(a); there || !secondStep.MatchString(page) {
			t.Fatalf("no second step: %.300s", page)
		}
		a = strong.browse("POST", "/login/totp?state="+strong.request, url.Values{"state": {strong.request}, "code": {codeOf(t, seed, time.Now().Add(30*time.Second))}, "remember": {"1"}}.Encode())
		if _, there := strong.at(a); !there {
			t.Fatalf("the second step: %d %s", a.status, a.header.Get("Location"))
		}
		device := map[string]string{}
		for name, value := range strong.cookies {
			if strings.HasSuffix(name, "admit-device") {
				device[name] = value
			}
		}
		if len(device) != 1 {
			t.Fatal("the browser is not remembered")
		}
		b, a := w.half("ann@x.example", nil, device)
		if page, there := b.at(a); !there {
			t.Fatalf("asked again where the browser is remembered: %.300s", page)
		}
		if status := b.renewsAt(strings.TrimSuffix(application, "/")); status != 200 {
			t.Errorf("renewal where it was let off: %d", status)
		}
		if status := b.renewsAt(otherOrigin); status != 404 {
			t.Errorf("renewal where nobody is remembered: %d", status)
		}
		if a := b.start(map[string]any{"applicationId": other, "redirectUrl": otherOrigin + "/back"}); a.status != 200 {
			t.Fatalf("start: %d %s", a.status, a.body)
		}
		if a := b.browse("GET", "/login?state="+b.request, ""); a.status != 200 || !secondStep.MatchString(a.body) {
			t.Errorf("let in where nobody is remembered: %d %s", a.status, a.header.Get("Location"))
		}

		strong.id = ann.id
		app := regexp.MustCompile(`value="(otp_[a-z0-9]+)"`).FindStringSubmatch(strong.browse("GET", "/settings/security", "").body)
		if app == nil {
			t.Fatal("the app is not listed")
		}
		const short = "rain+on+tin"
		if got := went(strong.change("/settings/password", "password="+short)); got != "done=password" {
			t.Fatalf("a short password beside an app: %s", got)
		}
		if got := went(strong.change("/settings/apps/remove", "id="+app[1])); got != "problem=password_alone" {
			t.Errorf("the app under a short password: %s", got)
		}
		if page := strong.browse("GET", "/settings/security?problem=password_alone", "").body; !strings.Contains(page, "at least 15 characters") {
			t.Error("the page does not say why")
		}
		var cookies []string
		for name, value := range strong.cookies {
			cookies = append(cookies, name+"="+value)
		}
		a = w.send("DELETE", "/api/session/devices/"+app[1], "", "Cookie", strings.Join(cookies, "; "), "Origin", strings.TrimSuffix(application, "/"))
		if a.status != 409 || !strings.Contains(a.body, "ShortPassword") {
			t.Errorf("by the API: %d %s", a.status, a.body)
		}
		for _, step := range [][3]string{{"/settings/password/remove", "", "done=password_removed"}, {"/settings/apps/remove", "id=" + app[1], "done=app_removed"}} {
			if got := went(strong.change(step[0], step[1])); got != step[2] {
				t.Errorf("%s: %s", step[0], got)
			}
		}
	})
}

// renewsAt is a silent renewal by a page of an origin. The cookie that it gives is kept.
func (p *person) renewsAt(origin string) int {
	p.w.t.Helper()
	a := p.w.send("PATCH", "/api/session", "{}", "Content-Type", "application/json", "Origin", origin, "Cookie", p.jar())
	for _, line := range a.header.Values("Set-Cookie") {
		name, rest, _ := strings.Cut(line, "=")
		if value, _, _ := strings.Cut(rest, ";"); value != "" {
			p.cookies[name] = value
		}
	}
	return a.status
}
