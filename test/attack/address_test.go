package attack

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// readdress changes the person's address on their own page.
func (p *person) readdress(t *testing.T, to string) {
	t.Helper()
	a := p.change("/settings/email", "")
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.status != 303 || u.Query().Get("state") == "" {
		t.Fatalf("the change of the address: %d %q", a.status, a.header.Get("Location"))
	}
	p.request = u.Query().Get("state")
	if a := p.provesMail(to); went(a) != "done=email" {
		t.Fatalf("the new address: %d %q %.300s", a.status, a.header.Get("Location"), a.body)
	}
}

// REC-14, LNK-02, REC-06: who took a session and changed the address loses all of it to a click in the old mailbox,
// and nobody else gets in by that link or by the address that is free meanwhile.
func TestREC14_TheOldMailboxTakesItBack(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		w.allowPasswords()
		const old, new1, new2, page = "ann@example.com", "mallory@evil.example", "again@evil.example", "/login/address"
		ann := w.signIn(old)
		ann.id = subject(ann.access)

		// A session alone changes nothing from another site, by another person, by an API token, or by a GET.
		for _, from := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
			if a := w.send("POST", "/settings/email", "user="+ann.id, append([]string{"Cookie", ann.jar(), "Content-Type", "application/x-www-form-urlencoded"}, from...)...); a.status != 403 {
				t.Errorf("from %v: %d", from, a.status)
			}
		}
		if a := w.send("POST", "/settings/email", "user="+ann.id, "Authorization", "Bearer "+ann.access, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin", "Origin", w.public); a.status == 200 || strings.Contains(a.header.Get("Location"), "done=") {
			t.Errorf("by a token: %d %q", a.status, a.header.Get("Location"))
		}
		if a := ann.browse("GET", "/settings/email", ""); a.status != 303 || a.header.Get("Location") != "/settings" { // nothing begins
			t.Errorf("by GET: %d %q", a.status, a.header.Get("Location"))
		}

		// The thief has her session: a new address, a second one, a password, an app.
		thief := w.signIn(old)
		thief.id = ann.id
		thief.readdress(t, new1)
		for _, m := range w.letters(new1) {
			if strings.Contains(m.text, old) || strings.Contains(m.text, page) {
				t.Error("the new mailbox learns the old address, or gets its link")
			}
		}
		link := w.linked(old, page)
		if strings.Contains(w.letters(old)[0].text, new1) {
			t.Error("the old mailbox learns the new address")
		}
		if a := thief.settle("/settings/security/password", "/settings/password", url.Values{"password": {strongPassword}}); went(a) != "done=password" {
			t.Fatalf("%d %q", a.status, a.header.Get("Location"))
		}
		thief.readdress(t, new2)
		later := w.linked(new1, page)
		thief.enrol(t)

		// Meanwhile the old address is nobody else's.
		eve, a := w.proves(old)
		if eve.through(a) || strings.HasPrefix(a.header.Get("Location"), application) {
			t.Error("somebody else signs in with an address that can be taken back")
		}
		eve.id = "usr_x"
		eve.outside(t, "with an address that can be taken back")

		_, token, _ := strings.Cut(link, "token=")
		for _, method := range []string{"HEAD", "GET", "GET", "GET"} {
			if a := w.send(method, link, "", "Accept", "text/html"); a.status != 200 || a.header.Get("Referrer-Policy") != "same-origin" || !strings.Contains(a.header.Get("Cache-Control"), "no-store") ||
				method == "GET" && !strings.Contains(a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
				t.Errorf("%s of the link: %d %v", method, a.status, a.header)
			}
		}
		for _, bad := range []string{"", "x", token[:len(token)-1], token + "A", strings.ToUpper(token), strings.ToLower(token), token + "&token=" + token, strings.Repeat("a", 10_000)} {
			if a := w.person().browse("POST", page, "token="+bad); a.status < 400 || a.status >= 500 {
				t.Errorf("the link bent to %.40q: %d", bad, a.status)
			}
		}
		if a := w.send("POST", page, "token="+token, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); a.status != 403 {
			t.Errorf("another site takes it back: %d", a.status)
		}
		if session, _ := thief.lives(); !session {
			t.Fatal("something of this took it back")
		}

		// The button: nobody is signed in by it, and everything of the thief's is gone.
		reader := w.person()
		if a := reader.browse("POST", page, "token="+token); a.status != 200 || strings.Contains(reader.jar(), "admit-session") {
			t.Fatalf("the honest click: %d, cookies %q", a.status, reader.jar())
		}
		for what, p := range map[string]*person{"the thief": thief, "ann, everywhere": ann} {
			p.dead(t, what)
		}
		for what, dead := range map[string]string{"the same link": link, "the link of the later change": later} {
			if a := w.send("GET", dead, "", "Accept", "text/html"); a.status != 410 {
				t.Errorf("%s: %d", what, a.status)
			}
			_, token, _ := strings.Cut(dead, "token=")
			if a := w.person().browse("POST", page, "token="+token); a.status != 410 {
				t.Errorf("the button of %s: %d", what, a.status)
			}
		}
		if p, a := w.enter(new2, strongPassword); p.through(a) {
			t.Error("the thief's address and password sign in")
		}
		back := w.signIn(old) // without a second factor: the thief's app is gone
		if subject(back.access) != ann.id {
			t.Errorf("the old address is %s now, not %s", subject(back.access), ann.id)
		}
		if p, a := w.enter(old, strongPassword); p.through(a) {
			t.Error("the thief's password signs in")
		}
		for _, address := range []string{new1, new2} {
			if got := subject(w.signIn(address).access); got == ann.id {
				t.Errorf("%s is still ann", address)
			}
		}
		if shown := back.browse("GET", "/settings/security", ""); strings.Contains(shown.body, "otp_") {
			t.Error("the thief's app stays")
		}
		if !slices.ContainsFunc(w.letters(old), func(m letter) bool { return strings.Contains(m.text, w.public+page) }) {
			t.Error("the mails are gone")
		}
		w.audited(t, "identity.address.restored")
	})
}
