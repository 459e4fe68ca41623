package attack

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// REC-03: who has lost every second factor waits, is not helped by anything they do meanwhile, and is stopped by
// whoever is signed in or reads the mail.
func TestREC03_DelayedRecovery(t *testing.T) {
	each(t, process.Options{Clock: true, Env: often.Env}, func(t *testing.T, w *world) {
		const address, stop = "alice@example.com", "/login/recovery"
		alice := w.signIn(address)
		alice.id = subject(alice.access)
		alice.enrol(t)
		thief, _ := w.proves(address)
		thief.id = alice.id
		waits := func() bool {
			return strings.Contains(alice.browse("GET", "/settings", "").body, `action="/settings/recovery/cancel"`)
		}
		begin := func() answer { return thief.follow(thief.step("/login/lost")) }
		for _, path := range []string{"/login/lost", "/login/lost/finish", stop} {
			thief.browse("GET", path+"?state="+thief.request, "")
			thief.browse("HEAD", path+"?state="+thief.request, "")
		}
		for _, path := range []string{"/login/lost", "/login/lost/finish"} {
			if a := w.send("POST", path+"?state="+thief.request, "state="+thief.request, "Cookie", thief.jar(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); a.status != 403 {
				t.Errorf("%s from another site: %d", path, a.status)
			}
			other := w.person()
			other.request = thief.request
			if a := other.step(path); a.status < 400 {
				t.Errorf("%s in another browser: %d %q", path, a.status, a.header.Get("Location"))
			}
		}
		if a := thief.step("/login/lost/finish"); thief.through(a) || waits() {
			t.Error("a recovery that nobody began")
		}

		if a := begin(); a.status != 200 || !waits() {
			t.Fatalf("the honest beginning: %d %.300s", a.status, a.body)
		}
		link := w.linked(address, stop)
		for range 3 { // again and again, it is the same one
			if a := begin(); a.status != 200 || w.linked(address, stop) != link {
				t.Errorf("asked again: %d, another link %q", a.status, w.linked(address, stop))
			}
			if a := thief.step("/login/lost/finish"); thief.through(a) {
				t.Error("finished at once")
			}
		}
		thief.outside(t, "while it waits")
		_, token, _ := strings.Cut(link, "token=")
		for _, method := range []string{"HEAD", "GET", "GET"} { // what scanners of mails do
			if a := w.send(method, link, "", "Accept", "text/html", "User-Agent", "SafeLinks/1.0"); a.status != 200 || !strings.Contains(a.header.Get("Cache-Control"), "no-store") || a.header.Get("Referrer-Policy") != "same-origin" {
				t.Errorf("%s of the link: %d %v", method, a.status, a.header)
			}
		}
		for _, bad := range []string{"", "x", token[:len(token)-1], token + "A", strings.ToUpper(token), "rec_x." + token, strings.Split(token, ".")[0], strings.Repeat("a", 10_000)} {
			if a := w.person().browse("POST", stop, "token="+url.QueryEscape(bad)); a.status < 400 || a.status >= 500 || !waits() {
				t.Errorf("the link bent to %.40q: %d", bad, a.status)
			}
		}
		if a := w.send("POST", stop, "token="+url.QueryEscape(token), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); a.status != 403 || !waits() {
			t.Errorf("another site stops it: %d", a.status)
		}
		if a := w.person().browse("POST", stop, "token="+url.QueryEscape(token)); a.status != 200 || waits() {
			t.Errorf("the honest stop: %d", a.status)
		}
		if a := w.person().browse("POST", stop, "token="+url.QueryEscape(token)); a.status != 410 {
			t.Errorf("a link that stopped it already: %d", a.status)
		}
		begin()
		if a := alice.change("/settings/recovery/cancel", ""); went(a) != "done=recovery" || waits() {
			t.Errorf("her own page: %d %s", a.status, went(a))
		}
		begin()
		if a := w.person().browse("POST", stop, "token="+url.QueryEscape(token)); a.status != 410 || !waits() {
			t.Errorf("the link of the first one: %d", a.status)
		}
		alice.change("/settings/recovery/cancel", "")
		if a := thief.step("/login/lost"); a.status != 429 || waits() {
			t.Errorf("a fourth time in a day: %d", a.status)
		}
		finishing(t, w, alice, address)
	})
}

// finishing is the day after, twice: what ends a recovery is its time and a first factor that was proved after it.
func finishing(t *testing.T, w *world, alice *person, address string) {
	ready := func(a answer) bool { return strings.Contains(a.body, `action="/login/lost/finish`) }
	later := func(ahead time.Duration) (*person, answer) {
		w.RestartAt(ahead)
		w.hear()
		p, _ := w.proves(address)
		p.id = alice.id
		return p, p.browse("GET", "/login?state="+p.request+"&way=lost", "")
	}
	day := 25 * time.Hour
	p, a := later(day)
	if ready(a) {
		t.Error("a recovery that was stopped is ready")
	}
	if a := p.follow(p.step("/login/lost")); a.status != 200 || ready(a) {
		t.Fatalf("the next day: %d", a.status)
	}
	early, a := later(2*day - 65*time.Minute)
	if ready(a) {
		t.Error("ready five minutes before its time")
	}
	if a := early.step("/login/lost/finish"); early.through(a) {
		t.Error("finished before its time")
	}
	w.RestartAt(2*day - 55*time.Minute)
	if a := early.step("/login/lost/finish"); early.through(a) {
		t.Error("finished by a proof from before its time")
	}
	early.outside(t, "with a proof from before its time")
	if a := w.admin("PUT", "/v1/sign-in-policy", `{"noRecovery":true}`); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	last, _ := w.proves(address)
	last.id = alice.id
	if a := last.step("/login/lost/finish"); last.through(a) {
		t.Error("finished though the policy has none by now")
	}
	if a := w.admin("PUT", "/v1/sign-in-policy", `{}`); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if session, _ := alice.lives(); !session {
		t.Fatal("alice's session is gone before the recovery is done")
	}
	link := w.linked(address, "/login/recovery")
	if a := last.browse("GET", "/login?state="+last.request+"&way=lost", ""); !ready(a) {
		t.Fatalf("not ready in time: %d %.400s", a.status, a.body)
	}
	if a := last.step("/login/lost/finish"); !last.through(last.follow(a)) {
		t.Fatalf("the honest end: %d %q", a.status, a.header.Get("Location"))
	}
	alice.dead(t, "after the recovery")
	if a := last.browse("GET", "/settings/security", ""); a.status != 200 || strings.Contains(a.body, "otp_") {
		t.Errorf("the lost app is still there: %d", a.status)
	}
	if a := w.send("GET", link, "", "Accept", "text/html"); a.status != 410 {
		t.Errorf("the link of what is done: %d", a.status)
	}
	for _, want := range []string{"Somebody wants to recover your account", "The recovery was stopped", "Your account was recovered"} {
		if !slices.ContainsFunc(w.letters(address), func(m letter) bool { return strings.HasPrefix(m.text, want) }) {
			t.Errorf("no mail says %q", want)
		}
	}
	for _, kind := range []string{"recovery.requested", "recovery.cancelled", "recovery.done"} {
		w.audited(t, kind)
	}
}
