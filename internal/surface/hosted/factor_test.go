package hosted

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/login"
)

func TestFactorForms(t *testing.T) {
	f := &fakeLogin{}
	h := handler(t, f, acme, false)
	for _, tc := range []struct {
		path        string
		form        url.Values
		verb, given string
		want        string
	}{
		{"/login/passkey", url.Values{"response": {"{}"}, "remember": {"1"}}, "FinishPasskey", "x-1|{}|remember", "https://app.example.test/?code=p"},
		{"/login/passkey", url.Values{"response": {""}}, "FinishPasskey", "x-1||", "/login?problem=passkey_refused&state=x-1"},
		{"/login/password", url.Values{"email": {"ada@example.com"}, "password": {"correct horse"}}, "EnterPassword", "x-1|ada@example.com|correct horse", "https://app.example.test/?code=w"},
		{"/login/totp", url.Values{"code": {"２８７ 082"}, "remember": {"1"}}, "EnterTOTP", "x-1|287082|remember", "https://app.example.test/?code=t"},
		{"/login/totp", url.Values{"code": {"000000"}, "remember": {"yes"}}, "EnterTOTP", "x-1|000000|", "/login?problem=second_wrong&state=x-1&way=totp"},
		{"/login/recovery-code", url.Values{"code": {"abcd-efgh"}}, "EnterRecovery", "x-1|abcdefgh|", "https://app.example.test/?code=r"},
		{"/login/enrol/passkey", url.Values{"response": {"{}"}}, "FinishEnrolPasskey", "x-1||{}", "https://app.example.test/?code=e"},
		{"/login/enrol/totp/confirm", url.Values{"code": {"287 082"}}, "FinishEnrolTOTP", "x-1|287082", "https://app.example.test/?code=t"},
		{"/login/account", url.Values{"which": {"s2"}}, "ChooseSession", "x-1|s2", "https://app.example.test/?code=a"},
		{"/login/account", url.Values{"which": {`"><b>`}}, "ChooseSession", "x-1|", "https://app.example.test/?code=a"},
		{"/login/lost", url.Values{}, "RequestRecovery", "x-1", "/login?state=x-1&way=lost"},
		{"/login/lost/finish", url.Values{}, "FinishRecovery", "x-1", "https://app.example.test/?code=f"},
		{"/login/other", url.Values{}, "UseOther", "x-1", "/login?state=x-1"},
	} {
		tc.form.Set("state", "x-1")
		a := post(t, h, tc.path, tc.form)
		if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != tc.want || f.given[tc.verb] != tc.given {
			t.Errorf("%s %v: %d to %q, given %q", tc.path, tc.form, a.StatusCode, a.Header.Get("Location"), f.given[tc.verb])
		}
	}
	f.calls = nil
	for _, path := range []string{"passkey", "password", "totp", "recovery-code", "enrol/passkey", "enrol/totp", "enrol/totp/confirm", "account", "other", "lost", "lost/finish", "codes", "codes/done"} {
		redirects(t, get(t, h, "/login/"+path+"?state=x-1&code=287082&which=s1&response=x"), "/login?state=x-1")
		if a := post(t, h, "/login/"+path, url.Values{"state": {"x-1"}, "code": {"1"}}, foreign); a.StatusCode != http.StatusForbidden {
			t.Errorf("another site posts to %s: %d", path, a.StatusCode)
		}
		if a := post(t, h, "/login/"+path, url.Values{"state": {"x-1", "x-2"}}); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s with two states: %d", path, a.StatusCode)
		}
	}
	if len(f.calls) != 0 {
		t.Errorf("%q was reached", f.calls)
	}
}

func TestPasskeyOptions(t *testing.T) {
	f := &fakeLogin{}
	h := handler(t, f, acme, false)
	for path, want := range map[string]string{"/login/passkey/options": `{"challenge":"AAAA"}`, "/login/enrol/passkey/options": `{"challenge":"BBBB"}`} {
		a := post(t, h, path, url.Values{"state": {"x-1"}})
		if a.StatusCode != 200 || a.body != want || a.Header.Get("Content-Type") != "application/json" || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %s %v", path, a.StatusCode, a.body, a.Header)
		}
		n := len(f.calls)
		if a := post(t, h, path, url.Values{"state": {"x-1"}}, foreign); a.StatusCode != http.StatusForbidden {
			t.Errorf("another site asks for a challenge: %d", a.StatusCode)
		}
		if a := get(t, h, path+"?state=x-1"); a.StatusCode == 200 {
			t.Errorf("a GET makes a challenge")
		}
		if len(f.calls) != n {
			t.Errorf("%q was reached", f.calls)
		}
	}
}

// What a password was, and what a code was, stands on no page.
func TestTypedSecretsAreNotRepeated(t *testing.T) {
	h := handler(t, &fakeLogin{}, acme, false)
	a := post(t, h, "/login/password?state=x-1", url.Values{"state": {"x-1"}, "email": {"ada@example.com"}, "password": {"hunter two"}})
	if a.StatusCode != http.StatusUnprocessableEntity || strings.Contains(a.body, "hunter two") || !strings.Contains(a.body, `value="ada@example.com"`) || !strings.Contains(a.body, `role="alert" tabindex="-1" autofocus`) ||
		!strings.Contains(a.body, `autocomplete="current-password"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	a = post(t, h, "/login/enrol/totp/confirm?state=x-1", url.Values{"state": {"x-1"}, "code": {"135790"}})
	if a.StatusCode != http.StatusUnprocessableEntity || strings.Contains(a.body, "135790") || !strings.Contains(a.body, `aria-invalid="true"`) || !strings.Contains(a.body, "JBSW Y3DP") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	f := &fakeLogin{views: map[string]login.View{"EnterTOTP": {State: login.StateSecond, Ways: []factor.Kind{factor.TOTP}, Problem: login.ProblemSecondPaused, RetryAt: start.Add(14 * time.Minute)}}}
	a = post(t, handler(t, f, acme, false), "/login/totp?state=x-1", url.Values{"state": {"x-1"}, "code": {"1"}})
	if a.StatusCode != http.StatusTooManyRequests || !strings.Contains(a.body, "Try again in 14 minutes.") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestSecondOffersWhatTheLoginDoes(t *testing.T) {
	h := handler(t, &fakeLogin{}, acme, false)
	for path, want := range map[string]string{
		"/login?state=second-1": `action="/login/passkey?state=second-1"`, "/login?state=second-1&way=totp": `action="/login/totp?state=second-1"`,
		"/login?state=second-1&way=recovery": `action="/login/recovery-code?state=second-1"`, "/login?state=secondapp-1&way=passkey": `action="/login/totp?state=secondapp-1"`,
		"/login?state=second-1&way=%3Cb%3E": `action="/login/passkey?state=second-1"`,
	} {
		if a := get(t, h, path); !strings.Contains(a.body, want) || strings.Count(a.body, "<form") != 2 {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	a := get(t, h, "/login?state=second-1&way=totp&ui_locales=de")
	if !strings.Contains(html.UnescapeString(a.body), `href="/login?state=second-1&ui_locales=de&way=recovery"`) || !strings.Contains(a.body, "30 Tage") || !strings.Contains(a.body, `name="remember" value="1"`) {
		t.Error(a.body)
	}
	if a := get(t, h, "/login?state=secondapp-1"); strings.Contains(a.body, "remember") {
		t.Error("a browser is remembered against the policy")
	}
}

// A passkey is offered in the field's autofill and by a button that only a script shows.
func TestPasskeyOnTheBox(t *testing.T) {
	h := handler(t, &fakeLogin{}, acme, false)
	a := get(t, h, "/login?state=passkey-1")
	for _, want := range []string{`autocomplete="username webauthn"`, `data-conditional data-if-passkey hidden`, `id="use-passkey"`, "/assets/factor.js?v=", `id="other-form"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the box lacks %s", want)
		}
	}
	if !strings.Contains(a.Header.Get("Content-Security-Policy"), "connect-src 'self';") {
		t.Error("the script cannot ask for a challenge")
	}
	if a := get(t, h, "/login?state=choose-1"); strings.Contains(a.body, "webauthn") || strings.Contains(a.body, "factor.js") || strings.Contains(a.body, "password") {
		t.Error("what the account does not offer is on the box")
	}
	if a := get(t, h, "/login?state=passkey-1&password=1"); !strings.Contains(a.body, `action="/login/password?state=passkey-1"`) || strings.Contains(a.body, `action="/login/email`) {
		t.Error(a.body)
	}
	if a := get(t, h, "/login?state=choose-1&password=1"); strings.Contains(a.body, `type="password"`) {
		t.Error("an address makes a box for a password")
	}
}

func TestTheRememberedBrowserIsACookieOfOurs(t *testing.T) {
	f := &fakeLogin{}
	h := handler(t, f, acme, false)
	a := post(t, h, "/login/totp", url.Values{"state": {"x-1"}, "code": {"287082"}, "remember": {"1"}})
	found := false
	for _, c := range a.Cookies() {
		if c.Name == "__Host-admit-device" {
			found = c.Value == "device-1" && c.Secure && c.HttpOnly && c.SameSite == http.SameSiteLaxMode && c.Path == "/" && c.Domain == "" && c.Expires.Equal(start.AddDate(0, 0, 30))
		}
	}
	if !found {
		t.Error(a.Cookies())
	}
	get(t, h, "/login?state=choose-1", &http.Cookie{Name: "__Host-admit-device", Value: "device-1"})
	if v := f.visits[len(f.visits)-1]; v.Device.Reveal() != "device-1" {
		t.Error("the browser's cookie does not arrive")
	}
}

func TestRecoveryPages(t *testing.T) {
	f := &fakeLogin{}
	h := handler(t, f, acme, false)
	for path, want := range map[string]string{
		"/login?state=second-1": `id="way-lost"`, "/login?state=second-1&way=lost": `action="/login/lost?state=second-1"`,
		"/login?state=waiting-1&way=lost": `after <time datetime="2026-11-22T08:00:00Z">22 Nov 2026, 08:00 UTC</time>`, "/login?state=ready-1&way=lost": `action="/login/lost/finish?state=ready-1"`,
		"/login/recovery?token=rec_1.abc": `name="token" value="rec_1.abc"`, "/login/recovery?token=x": "There is nothing to stop",
	} {
		if a := get(t, h, path); !strings.Contains(a.body, want) {
			t.Errorf("%s lacks %q: %s", path, want, a.body)
		}
	}
	if a := get(t, h, "/login?state=secondapp-1&way=lost"); strings.Contains(a.body, "/login/lost") {
		t.Error("a recovery is offered against the policy")
	}
	if _, stopped := f.given["Stop"]; stopped {
		t.Error("a GET stops a recovery")
	}
	if a := post(t, h, "/login/recovery", url.Values{"token": {"rec_1.abc"}}, foreign); a.StatusCode != http.StatusForbidden || f.given["Stop"] != "" {
		t.Error("another site stops a recovery", a.StatusCode)
	}
	if a := post(t, h, "/login/recovery", url.Values{"token": {"rec_1.abc"}}); a.StatusCode != 200 || !strings.Contains(a.body, "The recovery is stopped") || f.given["Stop"] != "anonymous|rec_1.abc" {
		t.Error(a.StatusCode, a.body)
	}
	if a := post(t, h, "/login/recovery", url.Values{"token": {"rec_2.abc"}}); a.StatusCode != http.StatusGone {
		t.Error(a.StatusCode)
	}
}

// Where an address is changed, or a way to sign in added, nobody signs in, and nobody is new. It says whose account it is, and
// leads back to where it was begun, which does not say then that it is done.
func TestChangePage(t *testing.T) {
	h := handler(t, &fakeLogin{}, acme, false)
	for id, want := range map[string][]string{
		"replace-1":     {"<h1>Change your email address</h1>", "<strong>old@example.com</strong>", `href="https://login.example.test/settings?client_id=app_1"`, "<title>Change your email address"},
		"add-1":         {"<h1>Add a way to sign in</h1>", "the account of <strong>ada@example.com</strong>", `href="https://app.example.test/"`, "Google"},
		"replacecode-1": {">Continue</button>"},
	} {
		a := get(t, h, "/login?state="+id)
		for _, s := range want {
			if !strings.Contains(a.body, s) {
				t.Errorf("%s lacks %q: %s", id, s, a.body)
			}
		}
		for _, not := range []string{"New here", "Sign in to", "done=email", ">Sign in<"} {
			if strings.Contains(a.body, not) {
				t.Errorf("%s has %q: %s", id, not, a.body)
			}
		}
	}
	if a := get(t, h, "/login?state=plain-1"); !strings.Contains(a.body, "New here") || strings.Contains(a.body, `id="away"`) {
		t.Error(a.body)
	}
}

// Somebody who shows anew that it is them sees themselves and their own ways, and nothing for people who are new.
func TestProofPage(t *testing.T) {
	f := &fakeLogin{oauth: &fakeOAuth{}}
	h := handler(t, f, acme, false)
	a := get(t, h, "/login?state=prove-1")
	for _, want := range []string{"Confirm that it’s you", "Ada Lovelace", `<input type="hidden" name="email" value="ada@example.com"`, `action="/login/passkey?state=prove-1"`, "Microsoft", "other=1"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("lacks %q: %s", want, a.body)
		}
	}
	for _, not := range []string{"New here", `type="email"`, "Google", "GitHub"} {
		if strings.Contains(a.body, not) {
			t.Errorf("has %q: %s", not, a.body)
		}
	}
	if a := get(t, h, "/login?state=prove-1&password=1"); !strings.Contains(a.body, `name="password"`) || !strings.Contains(a.body, `action="/login/password?state=prove-1"`) {
		t.Error(a.body)
	}
	if a := get(t, h, "/login?state=provekey-1"); strings.Contains(a.body, `name="email"`) || !strings.Contains(a.body, "Microsoft") {
		t.Error(a.body)
	}
	whole := get(t, h, "/login?state=prove-1&other=1")
	f.oauth.out = true // nobody is signed in any more
	for _, a := range []answer{whole, get(t, h, "/login?state=prove-1")} {
		if !strings.Contains(a.body, `type="email"`) || !strings.Contains(a.body, "Google") || strings.Contains(a.body, "Lovelace") {
			t.Error(a.body)
		}
	}
}
