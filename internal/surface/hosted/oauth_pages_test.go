package hosted

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func pagesOf(t *testing.T, o *fakeOAuth) http.Handler {
	return handler(t, &fakeLogin{oauth: o}, acme, false)
}

func (f *fakeOAuth) called(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(f.calls, want) {
		t.Errorf("called %q, want %q", f.calls, want)
	}
	f.calls = nil
}

func redirects(t *testing.T, a answer, want string) {
	t.Helper()
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != want {
		t.Errorf("%d to %q, want 303 to %q", a.StatusCode, a.Header.Get("Location"), want)
	}
}

func foreign(r *http.Request) {
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
}

func TestDevicePages(t *testing.T) {
	f := &fakeOAuth{}
	h := pagesOf(t, f)
	// A GET with the code fills the field in and asks nobody anything.
	a := get(t, h, "/device?user_code=bcdfghjk")
	if !strings.Contains(a.body, `value="BCDF-GHJK"`) || a.StatusCode != 200 {
		t.Error(a.StatusCode, a.body)
	}
	for _, bad := range []string{"/device?user_code=%22%3E%3Cscript%3E", "/device?user_code=AAAA"} {
		if a := get(t, h, bad); a.StatusCode != 200 || !strings.Contains(a.body, `name="user_code" type="text" value=""`) {
			t.Error(bad, a.StatusCode)
		}
	}
	if a := get(t, h, "/device?user_code=BCDF-GHJK&user_code=LLLL-LLLL"); a.StatusCode != 404 {
		t.Error(a.StatusCode)
	}
	f.called(t)
	redirects(t, post(t, h, "/device", url.Values{"user_code": {"BCDF-GHJK"}, "ui_locales": {"de"}}), "/device/confirm?request=dev_1&ui_locales=de")
	f.called(t, "enter 192.0.2.1 BCDF-GHJK")
	a = post(t, h, "/device", url.Values{"user_code": {`"><b>`}})
	if a.StatusCode != 422 || !strings.Contains(a.body, "aria-invalid") || strings.Contains(a.body, `"><b>`) {
		t.Error(a.StatusCode, a.body)
	}
	if a = post(t, h, "/device", url.Values{"user_code": {"LLLL-LLLL"}}); a.StatusCode != 429 || !strings.Contains(a.body, "3 minutes") {
		t.Error(a.StatusCode, a.body)
	}
	a = get(t, h, "/device/confirm?request=dev_1")
	for _, want := range []string{"Lighthouse TV", "BCDF-GHJK", "Ada Lovelace", "ada@example.com", "see your name", "Did somebody send you", "keep this access", "Don’t connect"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if a := get(t, h, "/device/confirm?request=gone_1"); a.StatusCode != 410 {
		t.Error(a.StatusCode)
	}
	f.calls = nil
	form := url.Values{"request": {"dev_1"}, "user": {"u_1"}, "decision": {"allow"}}
	if a := post(t, h, "/device/confirm", form, foreign); a.StatusCode != 403 {
		t.Error("another site approves", a.StatusCode)
	}
	if a := get(t, h, "/device/confirm?"+form.Encode()); a.StatusCode != 200 {
		t.Error(a.StatusCode)
	}
	f.called(t)
	redirects(t, post(t, h, "/device/confirm", form), "/device/done?said=allow")
	form.Set("decision", "deny")
	redirects(t, post(t, h, "/device/confirm", form), "/device/done?said=deny")
	f.called(t, "device dev_1 u_1 allow", "device dev_1 u_1 deny")
	for _, bad := range []string{"", "yes", "Allow"} {
		form.Set("decision", bad)
		if a := post(t, h, "/device/confirm", form); a.StatusCode != 404 {
			t.Errorf("%q: %d", bad, a.StatusCode)
		}
	}
	f.called(t)
	// Nobody is signed in: the login box, and back. Nothing is decided before.
	f.out = true
	redirects(t, get(t, h, "/device/confirm?request=dev_1&ui_locales=ja"), "https://login.example.test/login?state=x")
	f.called(t, "errand app_tv  /device/confirm?request=dev_1&ui_locales=ja")
	form.Set("decision", "allow")
	redirects(t, post(t, h, "/device/confirm", form), "/device/confirm?request=dev_1")
}

func TestConsentPage(t *testing.T) {
	f := &fakeOAuth{}
	h := pagesOf(t, f)
	a := get(t, h, "/consent?request=long_1&ui_locales=en")
	for _, want := range []string{
		"Nordwestdeutsche Landesgesellschaft", "agents.nordwestdeutsche-wasserwirtschaft.example", "has not verified this app", "water.level:read", "https://mcp.example/",
		"payment_initiation", "123.50", "Küstenschutz GmbH", "initiate, status", "127.0.0.1:33418", "https://lighthouse.example/privacy", "Ada Lovelace", "Don’t allow",
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https: http://127.0.0.1:33418;") {
		t.Error(csp)
	}
	if csp := get(t, h, "/consent?request=native_1").Header.Get("Content-Security-Policy"); !strings.Contains(csp, "com.example.app:") {
		t.Error(csp)
	}
	a = get(t, h, "/consent?request=bad_1")
	if strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "\u202e") || strings.Contains(a.body, "javascript:") || !strings.Contains(a.body, "has not verified") {
		t.Error(a.body)
	}
	redirects(t, get(t, h, "/consent?request=gone_1"), "/oauth/resume?request=gone_1")
	for _, bad := range []string{"/consent", "/consent?request=", "/consent?request=a&request=b", "/consent?request=%22", "/consent?request=" + strings.Repeat("a", 65)} {
		if a := get(t, h, bad); a.StatusCode != 404 {
			t.Error(bad, a.StatusCode)
		}
	}
	form := url.Values{"request": {"areq_1"}, "decision": {"allow"}}
	if a := post(t, h, "/consent", form, foreign); a.StatusCode != 403 {
		t.Error("another site allows", a.StatusCode)
	}
	get(t, h, "/consent?"+form.Encode())
	f.called(t)
	redirects(t, post(t, h, "/consent", form), "/oauth/resume?request=areq_1")
	form.Set("decision", "deny")
	redirects(t, post(t, h, "/consent", form), "/oauth/resume?request=areq_1")
	f.called(t, "consent areq_1 allow", "consent areq_1 deny")
	form.Set("decision", "")
	if a := post(t, h, "/consent", form); a.StatusCode != 404 {
		t.Error(a.StatusCode)
	}
	form["decision"] = []string{"deny", "allow"}
	if a := post(t, h, "/consent", form); a.StatusCode != 400 {
		t.Error("two answers at once", a.StatusCode)
	}
	f.called(t)
}

// What somebody has allowed is on their own page, and nowhere else.
func TestConsentsLeadsToOnesOwnPage(t *testing.T) {
	f := &fakeOAuth{}
	h := pagesOf(t, f)
	redirects(t, get(t, h, "/consents?client=app_tv&user=u_1"), "/settings/applications")
	if a := post(t, h, "/consents", url.Values{"client": {"app_tv"}, "user": {"u_1"}}); a.StatusCode != 405 {
		t.Error(a.StatusCode)
	}
	f.called(t)
}

func TestLogoutPages(t *testing.T) {
	f := &fakeOAuth{}
	h := pagesOf(t, f)
	const back = "https://app.example/bye"
	q := url.Values{"client_id": {"app_tv"}, "post_logout_redirect_uri": {back}, "state": {"a b&c"}}
	a := get(t, h, "/oauth/logout?"+q.Encode())
	if a.StatusCode != 200 || !strings.Contains(a.body, "Lighthouse TV asks you") || !strings.Contains(a.body, `value="a b&amp;c"`) || len(a.Cookies()) != 0 {
		t.Error(a.StatusCode, a.body, a.Cookies())
	}
	f.called(t, "plan  app_tv "+back+" a b&c")
	// Another site's POST only becomes a GET.
	redirects(t, post(t, h, "/oauth/logout", url.Values{"client_id": {"app_tv"}, "id_token_hint": {"x.y.z"}, "more": {"1"}}, foreign), "/oauth/logout?client_id=app_tv&id_token_hint=x.y.z")
	f.called(t)
	if a := post(t, h, "/oauth/logout/confirm", q, foreign); a.StatusCode != 403 {
		t.Error("another site signs out", a.StatusCode)
	}
	f.called(t)
	a = post(t, h, "/oauth/logout/confirm", q)
	redirects(t, a, back)
	if c := a.Cookies(); len(c) != 1 || c[0].Name != "__Host-admit-session" || c[0].MaxAge >= 0 || !c[0].Secure || !c[0].HttpOnly {
		t.Error(c)
	}
	f.called(t, "plan  app_tv "+back+" a b&c", "end "+back)
	// A hint of this session ends it by GET, but only where the browser really goes.
	hint := "/oauth/logout?id_token_hint=x.y.z"
	for header, value := range map[string]string{"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors", "Sec-Purpose": "prefetch;prerender"} {
		r := httptest.NewRequest("GET", hint, nil)
		r.Header.Set(header, value)
		if a := asked(t, h, r); a.StatusCode != 403 {
			t.Error(header, a.StatusCode)
		}
	}
	if a := asked(t, h, httptest.NewRequest("HEAD", hint, nil)); a.StatusCode != 200 {
		t.Error(a.StatusCode)
	}
	if a := get(t, h, hint+"&id_token_hint=b"); a.StatusCode != 404 {
		t.Error(a.StatusCode)
	}
	f.called(t)
	if a := get(t, h, hint); a.StatusCode != 200 || !strings.Contains(a.body, "You are signed out") || strings.Contains(a.Header.Get("Content-Security-Policy"), "frame-src") {
		t.Error(a.StatusCode, a.body)
	}
	// Frames, of exactly those hosts, before the browser goes on.
	a = get(t, h, hint+"&client_id=app_tv&post_logout_redirect_uri="+url.QueryEscape("com.example.app:/frames"))
	if csp := a.Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "; frame-src https://one.example https://two.example:8443") {
		t.Error(csp)
	}
	for _, want := range []string{`<iframe class="sr" src="https://one.example/out?iss=a&amp;sid=b"`, `href="com.example.app:/frames"`, "Back to Lighthouse TV", "data-onward"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q: %s", want, a.body)
		}
	}
	if a = get(t, h, hint+"&client_id=app_tv&post_logout_redirect_uri="+url.QueryEscape("javascript:frames")); strings.Contains(a.body, "javascript:") {
		t.Error(a.body)
	}
}
