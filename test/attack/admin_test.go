package attack

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// ADM-04, REC-03: an administrator sets nobody's factors and sees nobody's secrets. They begin the wait of somebody who
// lost every second factor; the person is told, can stop it, and gets in by their own first factor when it is over.
func TestADM04_AdministratorsOnlyBegin(t *testing.T) {
	each(t, process.Options{Clock: true, Env: often.Env}, func(t *testing.T, w *world) {
		const address, stop = "bob@example.com", "/login/recovery"
		bob, alice := w.signIn(address), w.signIn("alice@example.com")
		bob.id, alice.id = subject(bob.access), subject(alice.access)
		bob.enrol(t)
		path := "/v1/users/" + url.PathEscape(bob.id) + "/recovery"
		if a := w.admin("PUT", "/v1/sign-in-policy", `{"noRecovery":true}`); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		lost, _ := w.proves(address)
		lost.id = bob.id
		if a := lost.follow(lost.step("/login/lost")); strings.Contains(a.body, "way=lost") || strings.Contains(lost.browse("GET", "/login?state="+lost.request+"&way=lost", "").body, "/login/lost") {
			t.Errorf("a recovery is offered though there is none: %d", a.status)
		}

		for _, gone := range []string{"/factors", "/devices", "/password", "/passkeys", "/codes", "/recovery/finish", "/recovery/link"} {
			if a := w.admin("POST", "/v1/users/"+url.PathEscape(bob.id)+gone, `{"password":"`+strongPassword+`","returnCode":true}`); a.status != 404 {
				t.Errorf("%s: %d %s", gone, a.status, a.body)
			}
		}
		for what, token := range map[string]string{"nobody": "", "another person": alice.access, "the person, by a session alone": bob.access, "an ID token": alice.id} {
			for _, method := range []string{"GET", "POST", "DELETE"} {
				if a := w.send(method, path, "", "Authorization", "Bearer "+token, "Content-Type", "application/json"); a.status != 401 && a.status != 403 {
					t.Errorf("%s %s: %d %s", what, method, a.status, a.body)
				}
			}
		}
		for _, other := range []string{"usr_none", "con_email|x", alice.id} { // nobody, and somebody without a second factor
			if a := w.admin("POST", "/v1/users/"+url.PathEscape(other)+"/recovery", ""); a.status != 404 && a.status != 409 {
				t.Errorf("%s: %d %s", other, a.status, a.body)
			}
		}
		if a := w.admin("GET", path, ""); a.status != 404 {
			t.Errorf("one that nobody began: %d %s", a.status, a.body)
		}

		begin := func() answer {
			a := w.admin("POST", path, "")
			if strings.Contains(a.body, "rec_") || strings.Contains(a.body, "token") || strings.Contains(a.body, "://") {
				t.Errorf("the answer holds a secret: %s", a.body)
			}
			return a
		}
		waits := func() bool {
			return strings.Contains(bob.browse("GET", "/settings", "").body, `action="/settings/recovery/cancel"`)
		}
		if a := begin(); a.status != 200 || a.text("administrator") != "true" || !waits() {
			t.Fatalf("the honest beginning: %d %s", a.status, a.body)
		}
		if !slices.ContainsFunc(w.letters(address), func(m letter) bool {
			return strings.Contains(m.text, "An administrator did this.") && strings.Contains(m.text, w.public+stop)
		}) {
			t.Error("the person is not told who it was, or cannot stop it")
		}
		link := w.linked(address, stop)
		if a := begin(); a.status != 200 || w.linked(address, stop) != link {
			t.Errorf("again: %d, another one", a.status)
		}
		if a := lost.step("/login/lost/finish"); lost.through(a) {
			t.Error("in at once")
		}
		lost.outside(t, "while it waits")
		if session, token := bob.lives(); !session || !token || !strings.Contains(bob.browse("GET", "/settings/security", "").body, "otp_") {
			t.Errorf("something is gone before its time: session %t, token %t", session, token)
		}
		_, token, _ := strings.Cut(link, "token=")
		if a := w.person().browse("POST", stop, "token="+url.QueryEscape(token)); a.status != 200 || waits() || w.admin("GET", path, "").status != 404 {
			t.Errorf("the person's stop: %d", a.status)
		}
		begin()
		if a := bob.change("/settings/recovery/cancel", ""); went(a) != "done=recovery" || waits() {
			t.Errorf("the person's own page: %d %s", a.status, went(a))
		}
		begin()
		if a := w.admin("DELETE", path, ""); a.status != 204 || waits() {
			t.Errorf("the administrator's stop: %d %s", a.status, a.body)
		}
		if a := begin(); a.status != 429 || waits() {
			t.Errorf("a fourth time in a day: %d %s", a.status, a.body)
		}

		w.RestartAt(25 * time.Hour)
		w.hear()
		if a := begin(); a.status != 200 {
			t.Fatalf("the next day: %d %s", a.status, a.body)
		}
		w.RestartAt(50 * time.Hour)
		w.hear()
		back, _ := w.proves(address)
		if page := back.browse("GET", "/login?state="+back.request+"&way=lost", ""); !strings.Contains(page.body, `action="/login/lost/finish`) {
			t.Fatalf("not ready in time: %d", page.status)
		}
		if a := back.step("/login/lost/finish"); !back.through(back.follow(a)) {
			t.Fatalf("the honest end: %d %q", a.status, a.header.Get("Location"))
		}
		bob.dead(t, "after the recovery")
		if a := back.browse("GET", "/settings/security", ""); a.status != 200 || strings.Contains(a.body, "otp_") {
			t.Errorf("the lost app is still there: %d", a.status)
		}
		if a := w.admin("GET", path, ""); a.status != 404 {
			t.Errorf("it is still there: %d", a.status)
		}
		for _, kind := range []string{"recovery.requested", "recovery.cancelled", "recovery.done"} {
			w.audited(t, kind)
		}
	})
}
