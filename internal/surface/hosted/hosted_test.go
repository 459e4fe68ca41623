package hosted

import (
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/surface/hosted/catalogue"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

var acme = fakeAccounts{page.Brand{Name: "Harbour", Accent: "#4f46e5"}, "https://login.example.test"}

type answer struct {
	*http.Response
	body string
}

func asked(t *testing.T, h http.Handler, r *http.Request) answer {
	t.Helper()
	if r.Host == "example.com" {
		r.Host = "login.example.test"
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	return answer{res, w.Body.String()}
}

func get(t *testing.T, h http.Handler, path string, cookies ...*http.Cookie) answer {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return asked(t, h, r)
}

// post sends a form of our own, as a browser does.
func post(t *testing.T, h http.Handler, path string, form url.Values, change ...func(*http.Request)) answer {
	t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://login.example.test")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, f := range change {
		f(r)
	}
	return asked(t, h, r)
}

var everyPage = []string{
	"/login?state=choose-1", "/login?state=many-1", "/login?state=code-1", "/login?state=code-1&problem=code_wrong", "/login?state=current-1",
	"/login?state=await-1", "/login?state=expired-1", "/login?state=other-1", "/login?state=cookie-1", "/login?state=done-1", "/login?state=failed-1", "/login?state=broken-1",
	"/login", "/login/link?token=x", "/login/link?token=other", "/login/link?token=dead", "/login/link", "/setup?token=x", "/setup?token=dead", "/setup",
	"/setup/done?state=x", "/logged-out", "/nowhere",
	"/device", "/device?user_code=BCDF-GHJK", "/device/confirm?request=dev_1", "/device/confirm?request=gone_1", "/device/done?said=allow", "/device/done?said=deny",
	"/login?state=passkey-1", "/login?state=passkey-1&password=1", "/login?state=keyonly-1", "/login?state=prove-1", "/login?state=prove-1&password=1", "/login?state=password-1", "/login?state=password-1&problem=password_wrong",
	"/login?state=second-1", "/login?state=second-1&way=totp", "/login?state=second-1&way=recovery", "/login?state=second-1&way=totp&problem=second_wrong",
	"/login?state=second-1&way=recovery&problem=second_wrong", "/login?state=secondapp-1", "/login?state=secondkey-1&problem=passkey_unknown",
	"/login?state=enrol-1", "/login?state=enrolapp-1", "/login?state=scan-1", "/login?state=accounts-1",
	"/login?state=second-1&way=lost", "/login?state=waiting-1&way=lost", "/login?state=ready-1&way=lost", "/login/recovery?token=rec_1.abc", "/login/recovery?token=x",
	"/consent?request=areq_1", "/oauth/logout", "/oauth/logout?client_id=app_tv",
}

func page404(r *http.Request) *http.Request { r.Header.Set("Accept", "text/html"); return r }

func TestEveryPageIsProtected(t *testing.T) {
	h := handler(t, &fakeLogin{}, acme, false)
	for _, path := range everyPage {
		a := asked(t, h, page404(httptest.NewRequest("GET", path, nil)))
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "same-origin", "Content-Type": "text/html; charset=utf-8",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		csp := a.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self' https:"} {
			if !strings.Contains(csp, want+";") && !strings.Contains(csp, want+" ") {
				t.Errorf("%s: the policy %q lacks %q", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "data:") || strings.Contains(csp, "localhost") && !strings.Contains(path, "choose") && !strings.Contains(path, "many") && !strings.Contains(path, "current") && !strings.Contains(path, "passkey-1") && !strings.Contains(path, "keyonly") && !strings.Contains(path, "password-1") {
			t.Errorf("%s: the policy %q is too wide", path, csp)
		}
	}
}

var (
	inline   = regexp.MustCompile(`(?i)<style|<script[^>]*>[^<]|<[a-z][^<>]*\s(?:on[a-z]+|style)\s*=|="javascript:`)
	quoted   = regexp.MustCompile(`="[^"]*"`)
	external = regexp.MustCompile(`(?i)(?:src|href)="(?:https?:)?//[^"]*"`)
	ids      = regexp.MustCompile(`\sid="([^"]+)"`)
	refs     = regexp.MustCompile(`(?:aria-describedby|aria-labelledby|for)="([^"]+)"`)
)

func TestEveryPageIsWellMade(t *testing.T) {
	h := handler(t, &fakeLogin{}, acme, false)
	titles := map[string]string{}
	for _, path := range everyPage {
		for _, l := range catalogue.Languages() {
			r := page404(httptest.NewRequest("GET", path, nil))
			r.Header.Set("Accept-Language", l.Tag)
			a := asked(t, h, r)
			if !strings.Contains(a.body, `<html lang="`+l.Tag+`">`) {
				t.Errorf("%s in %s: no lang attribute", path, l.Tag)
			}
			if n := strings.Count(a.body, "<h1"); n != 1 || strings.Count(a.body, "<main") != 1 {
				t.Errorf("%s in %s: %d headings", path, l.Tag, n)
			}
			if m := inline.FindString(a.body); m != "" {
				t.Errorf("%s: inline script or style: %q", path, m)
			}
			if m := external.FindString(strings.ReplaceAll(a.body, `href="https://app.example.test/"`, "")); m != "" {
				t.Errorf("%s asks another host: %q", path, m)
			}
			if m := regexp.MustCompile(`>(?:[a-z_]+\.)+[a-z_]+<|&lt;no value|ZgotmplZ`).FindString(a.body); m != "" {
				t.Errorf("%s in %s: a text is missing: %q", path, l.Tag, m)
			}
			known := map[string]bool{}
			for _, m := range ids.FindAllStringSubmatch(a.body, -1) {
				if known[m[1]] {
					t.Errorf("%s: id %q twice", path, m[1])
				}
				known[m[1]] = true
			}
			for _, m := range refs.FindAllStringSubmatch(a.body, -1) {
				for _, id := range strings.Fields(m[1]) {
					if !known[id] {
						t.Errorf("%s refers to %q, which is not there", path, id)
					}
				}
			}
			if l.Tag == "en" {
				title := regexp.MustCompile(`<title>([^<]+)`).FindStringSubmatch(a.body)[1]
				titles[path] = html.UnescapeString(title)
				if !strings.HasSuffix(titles[path], " · Harbour") {
					t.Errorf("%s: title %q", path, title)
				}
			}
		}
	}
	if titles["/login?state=code-1&problem=code_wrong"] != "There is a problem: Enter your code · Harbour" {
		t.Errorf("the title does not say the state: %q", titles["/login?state=code-1&problem=code_wrong"])
	}
}

func TestFields(t *testing.T) {
	h := handler(t, &fakeLogin{}, acme, false)
	box := get(t, h, "/login?state=choose-1").body
	for _, want := range []string{`type="email"`, `autocomplete="email"`, `<label for="email">`, `name="state" value="choose-1"`} {
		if !strings.Contains(box, want) {
			t.Errorf("the box lacks %s", want)
		}
	}
	code := get(t, h, "/login?state=code-1&problem=code_wrong").body
	for _, want := range []string{`autocomplete="one-time-code"`, `inputmode="numeric"`, `<label for="code">`, `aria-invalid="true"`, `aria-describedby="code-error code-hint"`, `role="alert"`, "You have 3 tries left"} {
		if !strings.Contains(code, want) {
			t.Errorf("the code page lacks %s", want)
		}
	}
	if spent := get(t, h, "/login?state=code-1&problem=too_many_tries").body; !strings.Contains(spent, `role="alert" tabindex="-1" autofocus`) {
		t.Error("the summary of the error does not take the focus")
	}
	if made := get(t, h, "/login?state=code-1&problem=%3Cb%3Ecall+0800%3C/b%3E").body; strings.Contains(made, "0800") || strings.Contains(made, "alert") {
		t.Error("an address can put words onto the page")
	}
}

// The bar is 30 KB for all that the login page transfers; nothing here is compressed.
func TestLoginPageIsSmall(t *testing.T) {
	h := handler(t, &fakeLogin{}, acme, true)
	for _, path := range []string{"/login?state=many-1", "/login?state=code-1", "/login?state=passkey-1", "/login?state=second-1"} {
		a := get(t, h, path)
		sum := len(a.body)
		for _, m := range regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`).FindAllStringSubmatch(a.body, -1) {
			part := get(t, h, html.UnescapeString(m[1]))
			if part.StatusCode != http.StatusOK {
				t.Errorf("%s: %d", m[1], part.StatusCode)
			}
			if got := part.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
				t.Errorf("%s: Cache-Control %q", m[1], got)
			}
			sum += len(part.body)
		}
		t.Logf("%s: %d bytes in all", path, sum)
		if sum > 30_000 {
			t.Errorf("%s and its parts have %d bytes; the bar is 30,000", path, sum)
		}
	}
}

func TestFormsAnswer303(t *testing.T) {
	f := &fakeLogin{}
	h := handler(t, f, acme, false)
	for _, tc := range []struct {
		path string
		form url.Values
		want string
	}{
		{"/login/email", url.Values{"state": {"choose-1"}, "email": {"ada@example.com"}}, "/login?state=choose-1"},
		{"/login/resend", url.Values{"state": {"code-1"}, "email": {"ada@example.com"}, "ui_locales": {"de"}}, "/login?problem=code_sent&state=code-1&ui_locales=de"},
		{"/login/change", url.Values{"state": {"code-1"}}, "/login?state=code-1"},
		{"/login/code", url.Values{"state": {"code-1"}, "code": {"000000"}}, "/login?problem=code_wrong&state=code-1"},
		{"/login/code", url.Values{"state": {"code-1"}, "code": {" ４８２-913 "}}, "https://app.example.test/?code=x"},
		{"/login/connection", url.Values{"state": {"choose-1"}, "connection": {"con_google"}}, "https://idp.example.test/authorize"},
		{"/login/continue", url.Values{"state": {"current-1"}}, "https://app.example.test/?code=z"},
		{"/login/restart", url.Values{"state": {"expired-1"}}, "/login?state=choose-2"},
		{"/login/link", url.Values{"token": {"abc"}}, "https://app.example.test/?code=l"},
		{"/login/handover", url.Values{"token": {"abc"}}, "https://app.example.test/?code=h"},
		{"/setup", url.Values{"token": {"abc"}}, "/login?state=plain-1"},
		{"/login", url.Values{"state": {"leg"}, "code": {"c d"}, "user": {`{"name":1}`}, "junk": {"x"}}, "/login?code=c+d&state=leg&user=%7B%22name%22%3A1%7D"},
	} {
		a := post(t, h, tc.path, tc.form)
		if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != tc.want {
			t.Errorf("POST %s: %d to %q, want 303 to %q", tc.path, a.StatusCode, a.Header.Get("Location"), tc.want)
		}
		if a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("POST %s may be cached", tc.path)
		}
	}
	if f.given["EnterCode"] != "code-1|482913" {
		t.Errorf("the code arrives as %q", f.given["EnterCode"])
	}
}

func TestMistypedAddressIsKept(t *testing.T) {
	h := handler(t, &fakeLogin{}, acme, false)
	a := post(t, h, "/login/email", url.Values{"state": {"choose-1"}, "email": {`ada"<b>`}})
	if a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.body, `value="ada&#34;&lt;b&gt;"`) || !strings.Contains(a.body, `aria-describedby="email-error"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestMissingCookie(t *testing.T) {
	f := &fakeLogin{views: map[string]login.View{"SendCode": {State: login.StateNoCookie, ID: "l_1"}}}
	h := handler(t, f, acme, false)
	if a := get(t, h, "/login?state=cookie-1"); a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, "began in another browser") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	a := post(t, h, "/login/email?state=l_1", url.Values{"state": {"l_1"}, "email": {"ada@example.com"}})
	if a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "Cookies are turned off") || !strings.Contains(a.body, `action="/login/restart?state=l_1"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// What only the answer knows is shown with it: another GET could not.
func TestProblemsInPlace(t *testing.T) {
	f := &fakeLogin{}
	h := handler(t, f, acme, false)
	a := post(t, h, "/login/code?state=code-1", url.Values{"state": {"code-1"}, "code": {"999999"}})
	if a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Send a new code") || !strings.Contains(a.body, `role="alert"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	f.views = map[string]login.View{"SendCode": {State: login.StateChoose, ID: "choose-1", EmailCode: true, Problem: login.ProblemTooManyMails, RetryAt: start.Add(25 * time.Minute)}}
	a = post(t, h, "/login/email?state=choose-1", url.Values{"state": {"choose-1"}, "email": {"ada@example.com"}})
	if a.StatusCode != http.StatusTooManyRequests || !strings.Contains(a.body, "Try again in 25 minutes.") || !strings.Contains(a.body, `value="ada@example.com"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	// Reloading by the address bar leads back to where the login stands.
	if a := get(t, h, "/login/code?state=code-1"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/login?state=code-1" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
}

func TestForeignFormsAreRefused(t *testing.T) {
	f := &fakeLogin{}
	h := handler(t, f, acme, false)
	foreign := map[string]func(*http.Request){
		"another site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"a sibling":    func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"old browser":  func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") },
	}
	for _, path := range []string{"/login/email", "/login/resend", "/login/change", "/login/code", "/login/connection", "/login/continue", "/login/restart", "/login/link", "/login/handover", "/setup", "/setup/done"} {
		for who, how := range foreign {
			if a := post(t, h, path, url.Values{"state": {"choose-1"}, "token": {"x"}}, how); a.StatusCode != http.StatusForbidden {
				t.Errorf("POST %s from %s: %d", path, who, a.StatusCode)
			}
		}
	}
	if len(f.calls) != 0 {
		t.Errorf("a foreign form reached %v", f.calls)
	}
}

func TestHeadAsksNothing(t *testing.T) {
	f := &fakeLogin{}
	h := handler(t, f, acme, false)
	for _, path := range everyPage[:len(everyPage)-1] {
		asked(t, h, httptest.NewRequest("HEAD", path+"&code=x", nil))
	}
	if len(f.calls) != 0 {
		t.Errorf("HEAD reached %v", f.calls)
	}
}

// A mail scanner follows links, again and again; nothing but looking happens (REC-06).
func TestLinksAreOnlyLookedAt(t *testing.T) {
	f := &fakeLogin{}
	h := handler(t, f, acme, false)
	for range 5 {
		get(t, h, "/login/link?token=abc")
		get(t, h, "/setup?token=abc")
		get(t, h, "/setup/done?state=abc")
	}
	for _, call := range f.calls {
		if call != "ViewLink" && call != "ViewSetup" {
			t.Errorf("a GET reached %s", call)
		}
	}
}

func TestCookies(t *testing.T) {
	f := &fakeLogin{}
	h := handler(t, f, acme, false)
	a := get(t, h, "/login?state=choose-1", &http.Cookie{Name: "__Host-admit-browser", Value: "b"}, &http.Cookie{Name: "admit-browser", Value: "planted"}, &http.Cookie{Name: "__Host-admit-session", Value: "s"})
	if v := f.visits[0]; v.Browser.Reveal() != "b" || v.Session.Reveal() != "s" || v.Account != "acc_default" || v.Actor.RequestID == "" {
		t.Errorf("the visit is %+v", v)
	}
	c := a.Cookies()[0]
	if c.Name != "__Host-admit-browser" || c.Value != "browser-1" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 {
		t.Errorf("the browser cookie is %v", c)
	}
	get(t, h, "/login?state=choose-1", &http.Cookie{Name: "__Host-admit-browser", Value: "b"}, &http.Cookie{Name: "__Host-admit-browser", Value: "c"})
	if !f.visits[1].Browser.Empty() {
		t.Error("one of two cookies of the same name was believed")
	}
	a = post(t, h, "/login/code", url.Values{"state": {"code-1"}, "code": {"482913"}})
	c = a.Cookies()[0]
	if c.Name != "__Host-admit-session" || c.Value != "session-1" || !c.Secure || !c.HttpOnly || !c.Expires.After(start) {
		t.Errorf("the session cookie is %v", c)
	}
	plain := handler(t, f, fakeAccounts{acme.brand, "http://localhost:8080"}, true)
	r := httptest.NewRequest("GET", "/login?state=choose-1", nil)
	r.Host = "localhost:8080"
	if c := asked(t, plain, r).Cookies()[0]; c.Name != "admit-browser" || c.Secure || !c.HttpOnly {
		t.Errorf("the browser cookie on loopback is %v", c)
	}
}

func TestLastUsedIsMarked(t *testing.T) {
	h := handler(t, &fakeLogin{}, acme, false)
	a := post(t, h, "/login/connection", url.Values{"state": {"choose-1"}, "connection": {"con_gh"}})
	i := slices.IndexFunc(a.Cookies(), func(c *http.Cookie) bool { return c.Name == "__Host-admit-last" })
	if i < 0 {
		t.Fatal("nothing is remembered")
	}
	if body := get(t, h, "/login?state=choose-1", a.Cookies()[i]).body; !strings.Contains(body, `GitHub</span><span class="badge">Last used`) {
		t.Error(body)
	}
}

func TestCallback(t *testing.T) {
	f := &fakeLogin{}
	h := handler(t, f, acme, false)
	a := get(t, h, "/login?state=leg&code=c&iss=https%3A%2F%2Fidp")
	if a.StatusCode != http.StatusSeeOther || f.given["FinishUpstream"] != "leg|c|https://idp||" {
		t.Errorf("%d, given %q", a.StatusCode, f.given["FinishUpstream"])
	}
	get(t, h, "/login?state=leg&error=access_denied")
	if f.given["FinishUpstream"] != "leg|||access_denied|" {
		t.Errorf("given %q", f.given["FinishUpstream"])
	}
	n := len(f.calls)
	for path, want := range map[string]int{
		"/login?state=a&state=b":         http.StatusNotFound,
		"/login?state=leg&code=a&code=b": http.StatusNotFound,
		"/login?code=c":                  http.StatusNotFound,
		"/login?state=%zz":               http.StatusBadRequest, // refused before the page, by kit/web
		"/login?state=a;b=c":             http.StatusBadRequest,
	} {
		if a := get(t, h, path); a.StatusCode != want {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	if len(f.calls) != n {
		t.Errorf("an ambiguous address reached %v", f.calls[n:])
	}
	f.views = map[string]login.View{"FinishUpstream": {State: login.StateChoose, ID: "choose-1", Problem: login.ProblemUpstreamDenied}}
	if a := get(t, h, "/login?state=leg&error=x"); a.Header.Get("Location") != "/login?problem=upstream_denied&state=choose-1" {
		t.Error(a.Header.Get("Location"))
	}
	if a := get(t, h, "/login?problem=upstream_denied&state=choose-1"); !strings.Contains(a.body, "didn’t sign you in") {
		t.Error(a.body)
	}
}

func TestSetupShowsTheKeyOnce(t *testing.T) {
	h := handler(t, &fakeLogin{}, acme, true)
	if a := get(t, h, "/setup/done?state=x"); strings.Contains(a.body, "sc_") {
		t.Error("a GET shows the key")
	}
	a := post(t, h, "/setup/done", url.Values{"state": {"x"}})
	text := html.UnescapeString(a.body)
	if a.StatusCode != http.StatusOK || !strings.Contains(text, "authressApiUrl: 'https://login.example.test'") || !strings.Contains(text, "'sc_4w9ktx.k_71hzc5.") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := post(t, h, "/setup/done", url.Values{"state": {"again"}}); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "admit access-key create") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestErrorsSayNothingOfTheInside(t *testing.T) {
	f := &fakeLogin{}
	h := handler(t, f, acme, false)
	a := get(t, h, "/login?state=broken-1")
	if a.StatusCode != http.StatusInternalServerError || strings.Contains(a.body, "fire") || strings.Contains(a.body, "/var") || !strings.Contains(a.body, a.Header.Get("X-Request-Id")) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	for kind, status := range map[fault.Kind]int{fault.Limited: 429, fault.Unavailable: 503, fault.Forbidden: 403, fault.NotFound: 404, fault.Invalid: 400} {
		f.err = fault.New(kind, "", "public").With(errors.New("SELECT secret"))
		a := get(t, h, "/login?state=choose-1")
		if a.StatusCode != status || strings.Contains(a.body, "SELECT") {
			t.Errorf("%v: %d", kind, a.StatusCode)
		}
	}
	r := page404(httptest.NewRequest("GET", "//evil.example/x", nil))
	if a := asked(t, h, r); strings.Contains(a.body, `href="//`) {
		t.Error("an address becomes a link to another host")
	}
}

func TestHostileNamesAreText(t *testing.T) {
	for _, name := range []string{`</title><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `{{.AccessKey}}${7*7}`, "a\r\nSet-Cookie: x", "\u202Egnissim", strings.Repeat("W", 10_000)} {
		h := handler(t, &fakeLogin{}, fakeAccounts{page.Brand{Name: name, Logo: `https://evil.example/x.png" onerror="x`, Accent: `red;}*{display:none`, Locale: "\x00"}, acme.issuer}, false)
		for _, path := range []string{"/login?state=hostile-1", "/login?state=current-1", "/login?state=code-1", "/logged-out"} {
			a := get(t, h, path)
			if m := inline.FindString(quoted.ReplaceAllString(a.body, `=""`)); m != "" || strings.Contains(a.body, "<img") || strings.Contains(a.body, "evil") && !strings.Contains(name, "evil") {
				t.Errorf("%.40q on %s: %q", name, path, m)
			}
			if strings.Contains(a.body, "sc_") || a.Header.Get("Set-Cookie") == "x" {
				t.Errorf("%.40q on %s is more than text", name, path)
			}
		}
	}
}

func TestLanguageFollowsThePerson(t *testing.T) {
	h := handler(t, &fakeLogin{}, fakeAccounts{page.Brand{Name: "A", Locale: "fr"}, acme.issuer}, false)
	if a := get(t, h, "/login?state=choose-1"); !strings.Contains(a.body, `lang="fr"`) {
		t.Error("the account's language is not used")
	}
	a := get(t, h, "/login?state=choose-1&ui_locales=ja")
	if !strings.Contains(a.body, `<html lang="ja">`) || !strings.Contains(a.body, `name="ui_locales" value="ja"`) || !strings.Contains(a.body, `href="/login?state=choose-1&amp;ui_locales=de"`) {
		t.Error(a.body)
	}
	if a := get(t, h, "/login?state=choose-1&ui_locales=%22%3E%3Cscript%3E"); strings.Contains(a.body, "script>\"") || !strings.Contains(a.body, `lang="fr"`) {
		t.Error("a made-up language is carried on")
	}
}

func TestFormTarget(t *testing.T) {
	for address, want := range map[string]string{
		"https://app.example/x": "", "http://localhost:3000/app?x": "http://localhost:3000", "http://[::1]:3000/": "http:",
		"com.example.app:/cb": "com.example.app:", "": "", "http://a;b/": "", "//x": "",
	} {
		if got := strings.Join(page.FormTarget(address), " "); got != want {
			t.Errorf("formTarget(%q) = %q, want %q", address, got, want)
		}
	}
}
