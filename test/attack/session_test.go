package attack

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/admit-id/admit/test/process"
)

const (
	sessionCookie = "admit-session"
	browserCookie = "admit-browser"
)

// renews tells what silent renewal answers to one session cookie, and the cookie that it sets.
func (w *world) renews(cookie string) (status int, next string) {
	w.t.Helper()
	a := w.send("PATCH", "/api/session", "{}", "Content-Type", "application/json", "Origin", strings.TrimSuffix(application, "/"), "Cookie", sessionCookie+"="+cookie)
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == sessionCookie {
			next = c.Value
		}
	}
	return a.status, next
}

// TestSES01_PlantedCookies: what an attacker put into a browser before somebody signed in is worth nothing
// afterwards: neither the cookie of a session of the attacker's, nor that of the browser, nor the login's id.
func TestSES01_PlantedCookies(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		mallory := w.signIn("mallory@example.com")
		planted := maps.Clone(mallory.cookies)
		started := w.person()
		started.start(map[string]any{"multiAccount": true}) // the victim signs in as themselves
		started.browse("GET", "/login?state="+started.request, "")
		maps.Copy(planted, started.cookies)
		if planted[sessionCookie] == "" || planted[browserCookie] == "" {
			t.Fatal(planted)
		}
		victim := w.person()
		victim.cookies, victim.request, victim.verifier = maps.Clone(planted), started.request, started.verifier
		page := victim.browse("GET", "/login?state="+victim.request, "")
		form := fields(page.body)
		form.Set("state", victim.request)
		form.Set("email", "victim@example.com")
		if a := victim.browse("POST", "/login/email?state="+victim.request, form.Encode()); a.status != 303 {
			t.Fatalf("%d %.300s", a.status, a.body)
		}
		form.Set("code", w.newestCode("victim@example.com"))
		if a := victim.browse("POST", "/login/code?state="+victim.request, form.Encode()); a.status != 303 {
			t.Fatalf("%d %.300s", a.status, a.body)
		}
		if victim.cookies[sessionCookie] == planted[sessionCookie] {
			t.Fatal("the planted cookie became the victim's")
		}
		if status, _ := w.renews(planted[sessionCookie]); status != 404 {
			t.Errorf("the planted session cookie: %d", status)
		}
		if status, _ := w.renews(planted[browserCookie]); status != 404 {
			t.Errorf("the browser's cookie as a session's: %d", status)
		}
		// Another login of the attacker's, with the browser cookie that the victim has, too.
		thief := w.person()
		thief.cookies = map[string]string{browserCookie: planted[browserCookie]}
		thief.start(nil)
		if a := thief.browse("GET", "/login?state="+thief.request, ""); strings.Contains(a.body, "victim@example.com") || a.status != 200 {
			t.Errorf("the browser's cookie leads to the victim: %d", a.status)
		}
		for _, step := range []string{"continue", "session", "account", "switch"} {
			f := url.Values{"state": {thief.request}, "session": {"ses_x"}}
			if a := thief.browse("POST", "/login/"+step+"?state="+thief.request, f.Encode()); thief.cookies[sessionCookie] != "" || strings.Contains(a.header.Get("Location"), "code=") {
				t.Errorf("%s signs the thief in: %d", step, a.status)
			}
		}
	})
}

// TestSES06_EndedSession: what was got by a session that its person ended from another device is dead at once.
func TestSES06_EndedSession(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		laptop, phone := w.signIn("ann@example.com"), w.signIn("ann@example.com")
		claims := func(token string) (sid string) {
			text, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
			var c struct{ SID string }
			json.Unmarshal(text, &c)
			return c.SID
		}
		first := laptop.cookies[sessionCookie]
		status, second := w.renews(first)
		if status != 200 || second == "" || second == first {
			t.Fatal(status, second)
		}
		sessions := "/v1/users/" + subject(phone.access) + "/sessions"
		if a := w.send("GET", sessions, "", "Authorization", "Bearer "+phone.access); a.status != 200 || !strings.Contains(a.body, claims(laptop.access)) {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a := w.send("DELETE", sessions+"/"+claims(laptop.access), "", "Authorization", "Bearer "+phone.access); a.status != 204 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for _, cookie := range []string{first, second} {
			if status, next := w.renews(cookie); status != 404 || next != "" {
				t.Errorf("a cookie of the ended session: %d", status)
			}
		}
		if a := w.send("GET", sessions, "", "Authorization", "Bearer "+laptop.access); a.status != 401 {
			t.Errorf("an access token of the ended session: %d", a.status)
		}
		laptop.start(nil)
		if a := laptop.browse("GET", "/login?state="+laptop.request, ""); a.status != 200 || strings.Contains(a.header.Get("Location"), "code=") {
			t.Errorf("the ended session signs in: %d %s", a.status, a.header.Get("Location"))
		}
		if status, _ := w.renews(phone.cookies[sessionCookie]); status != 200 {
			t.Errorf("the other session: %d", status)
		}
	})
}
