package attack

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// letter is a mail of the mailbox.
type letter struct{ to, text string }

var letterText = regexp.MustCompile(`(?s)to <strong>([^<]+)</strong>.*?<pre tabindex="0">(.*?)</pre>`)

// letters are the mails to an address, the newest first.
func (w *world) letters(address string) (all []letter) {
	w.t.Helper()
	box := w.send("GET", "/dev/mailbox", "", "Host", w.host())
	for _, m := range letterText.FindAllStringSubmatch(box.body, -1) {
		if to := html.UnescapeString(m[1]); to == address {
			all = append(all, letter{to, html.UnescapeString(m[2])})
		}
	}
	return all
}

// linked returns path and query of the newest link to one of our pages that an address was sent.
func (w *world) linked(address, page string) string {
	w.t.Helper()
	link := regexp.MustCompile(regexp.QuoteMeta(w.public+page) + `\?token=\S+`)
	for _, m := range w.letters(address) {
		if found := link.FindString(m.text); found != "" {
			return strings.TrimPrefix(found, w.public)
		}
	}
	w.t.Fatalf("%s has no link to %s", address, page)
	return ""
}

// follow goes where a form's answer leads, up to the application or a page.
func (p *person) follow(a answer) answer {
	for range 4 {
		to := a.header.Get("Location")
		if a.status != 303 || strings.HasPrefix(to, application) {
			break
		}
		u, err := url.Parse(to)
		if err != nil {
			break
		}
		a = p.browse("GET", u.RequestURI(), "")
	}
	return a
}

// proves reads the mail to an address and types its code into a login of its own. It ends at the application or at
// the page of what is wanted besides.
func (w *world) proves(address string) (*person, answer) {
	w.t.Helper()
	p := w.person()
	if a := p.start(nil); a.status != 200 {
		w.t.Fatalf("start: %d %s", a.status, a.body)
	}
	return p, p.follow(p.provesMail(address))
}

// step posts a form of the login that the person is in.
func (p *person) step(path string, pairs ...string) answer {
	p.w.t.Helper()
	form := url.Values{"state": {p.request}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return p.browse("POST", path+"?state="+p.request, form.Encode())
}

// outside says that somebody who has come so far in a login is nobody elsewhere.
func (p *person) outside(t *testing.T, what string) {
	t.Helper()
	for _, path := range []string{"/settings", "/settings/security", "/settings/security/password", "/settings/security/app"} {
		if a := p.browse("GET", path, ""); a.status != 303 || !strings.Contains(a.header.Get("Location"), "/login?") {
			t.Errorf("%s: %s is open: %d %q", what, path, a.status, a.header.Get("Location"))
		}
	}
	for _, path := range []string{"/settings/password", "/settings/apps/new", "/settings/codes", "/settings/passkeys/new", "/settings/email"} {
		if a := p.browse("POST", path, "user="+p.id+"&password=rain+on+a+tin+roof+at+night"); a.status != 303 || !strings.Contains(a.header.Get("Location"), "/login?") {
			t.Errorf("%s: %s works: %d %q", what, path, a.status, a.header.Get("Location"))
		}
	}
	a := p.w.send("GET", "/api/session", "", "Cookie", p.jar(), "Origin", strings.TrimSuffix(application, "/"))
	if strings.Contains(a.body, "access_token") {
		t.Errorf("%s: a session gives tokens: %s", what, a.body)
	}
}

// lives tells whether the person's session and access token are good.
func (p *person) lives() (session, token bool) {
	p.w.t.Helper()
	token = p.w.send("GET", "/api/session/profile", "", "Authorization", "Bearer "+p.access).status == 200
	return p.browse("GET", "/settings", "").status == 200, token
}

func (p *person) dead(t *testing.T, what string) {
	t.Helper()
	if session, token := p.lives(); session || token {
		t.Errorf("%s: session %t, token %t", what, session, token)
	}
}

var codeShown = regexp.MustCompile(`<code>([0-9a-z]{4}(?:-[0-9a-z]{4}){3})</code>`)

// newCodes signs in with both factors, which the code of an app is for, and makes recovery codes.
func (w *world) newCodes(t *testing.T, address, code string) (*person, []string) {
	t.Helper()
	p, _ := w.proves(address)
	if a := p.step("/login/totp", "code", code); !p.through(a) {
		t.Fatalf("both factors do not sign in: %d %q", a.status, a.header.Get("Location"))
	}
	a := p.settle("/settings/security", "/settings/codes", url.Values{})
	var codes []string
	for _, m := range codeShown.FindAllStringSubmatch(a.body, -1) {
		codes = append(codes, m[1])
	}
	if len(codes) != 10 || !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
		t.Fatalf("recovery codes: %d %v", a.status, codes)
	}
	return p, codes
}

// REC-03: a recovery code stands in for a second factor, once, for the person whose it is, beside the first one.
func TestREC03_RecoveryCodes(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		ann, bob := w.signIn("ann@example.com"), w.signIn("bob@example.com")
		ann.id, bob.id = subject(ann.access), subject(bob.access)
		seed, other := ann.enrol(t), bob.enrol(t)
		holder, codes := w.newCodes(t, "ann@example.com", codeOf(t, seed, time.Now().Add(30*time.Second)))
		_, bobs := w.newCodes(t, "bob@example.com", codeOf(t, other, time.Now().Add(30*time.Second)))
		for _, path := range []string{"/settings/security", "/settings/codes", "/settings/activity"} {
			if a := holder.browse("GET", path, ""); strings.Contains(a.body, codes[0]) {
				t.Error("codes are shown again at", path)
			}
		}
		if data := holder.settle("/settings/data", "/settings/data", url.Values{}); data.status != 200 || strings.Contains(data.body, codes[0]) || strings.Contains(w.Log(), codes[0]) {
			t.Errorf("codes are in the download (%d) or in the log", data.status)
		}

		// Without a first factor, in another browser, at another step, it opens nothing.
		nobody := w.person()
		nobody.start(nil)
		nobody.browse("GET", "/login?state="+nobody.request, "")
		if a := nobody.step("/login/recovery-code", "code", codes[0]); nobody.through(a) || a.status >= 500 {
			t.Errorf("a code alone: %d", a.status)
		}
		p, _ := w.proves("ann@example.com")
		p.id = ann.id
		p.outside(t, "with the mailbox alone")
		thief := w.person()
		thief.request = p.request
		if a := thief.step("/login/recovery-code", "code", codes[0]); thief.through(a) || a.status >= 500 {
			t.Errorf("another browser: %d", a.status)
		}
		if a := w.send("POST", "/login/recovery-code?state="+p.request, "state="+p.request+"&code="+codes[0], "Cookie", p.jar(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); a.status != 403 {
			t.Errorf("another site: %d", a.status)
		}
		for _, bad := range []string{"", "x", bobs[0], codes[0][:18], codes[0] + "0", strings.Repeat("0", 16), strings.Repeat("a", 64), codes[0] + " " + codes[1], "%00"} {
			if a := p.step("/login/recovery-code", "code", bad); p.through(a) || a.status >= 500 {
				t.Errorf("%.24q: %d", bad, a.status)
			}
		}
		// Read from paper: other case, no dashes, look-alikes. It is used up by that, and whoever owns it is told.
		typed := strings.NewReplacer("-", "", "0", "o", "1", "l").Replace(codes[0])
		if a := p.step("/login/recovery-code", "code", strings.ToUpper(typed)); !p.through(a) {
			t.Fatalf("the honest code: %d %q", a.status, a.header.Get("Location"))
		}
		if !slices.ContainsFunc(w.letters("ann@example.com"), func(m letter) bool { return strings.Contains(m.text, "recovery code was used") }) {
			t.Error("nobody is told")
		}
		q, _ := w.proves("ann@example.com")
		if a := q.step("/login/recovery-code", "code", codes[0]); q.through(a) {
			t.Error("a code works twice")
		}
		// New ones end those that are left, and with them the old paper.
		if a := holder.settle("/settings/security", "/settings/codes", url.Values{}); a.status != 200 || strings.Contains(a.body, codes[1]) {
			t.Fatalf("new codes: %d", a.status)
		}
		if a := q.step("/login/recovery-code", "code", codes[1]); q.through(a) {
			t.Error("a replaced code works")
		}
	})
}

// REC-03: a password is reset by whoever reads the mailbox, and by that alone nobody gets past a second factor.
func TestREC03_PasswordReset(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		w.allowPasswords()
		const first, second = strongPassword, "snow on a tin roof at noon"
		set := func(p *person, text string) answer {
			return p.settle("/settings/security/password", "/settings/password", url.Values{"password": {text}})
		}
		ann, bob := w.signIn("ann@example.com"), w.signIn("bob@example.com")
		for _, p := range []*person{ann, bob} {
			p.id = subject(p.access)
			if a := set(p, first); went(a) != "done=password" {
				t.Fatalf("%d %q", a.status, a.header.Get("Location"))
			}
		}
		// Bob has no second factor: the mailed code signs him in, and a new password ends what the old one began.
		forgot := w.signIn("bob@example.com")
		stale, a := w.enter("bob@example.com", first)
		if !stale.through(a) {
			t.Fatalf("bob's password: %d", a.status)
		}
		if a := set(forgot, second); went(a) != "done=password" {
			t.Fatalf("the reset: %d %q", a.status, a.header.Get("Location"))
		}
		bob.dead(t, "a session from before the reset")
		if session, _ := stale.lives(); session {
			t.Error("a session by the old password lives")
		}
		if session, token := forgot.lives(); !session || !token {
			t.Errorf("the session that reset it: %t, its token: %t", session, token)
		}
		if p, a := w.enter("bob@example.com", first); p.through(a) {
			t.Error("the old password signs in")
		}
		if p, a := w.enter("bob@example.com", second); !p.through(a) {
			t.Errorf("the new password: %d", a.status)
		}
		if !slices.ContainsFunc(w.letters("bob@example.com"), func(m letter) bool { return strings.Contains(m.text, "password") }) {
			t.Error("nobody is told")
		}

		// Ann has one: who reads her mailbox gets to the second step, sets nothing, and asks nothing.
		seed := ann.enrol(t)
		thief, _ := w.proves("ann@example.com")
		thief.id = ann.id
		thief.outside(t, "the mailbox alone")
		if a := thief.browse("GET", "/login?state="+thief.request, ""); strings.Contains(a.body, `name="password"`) {
			t.Error("a reset is offered before the second factor")
		}
		if p, a := w.enter("ann@example.com", first); p.through(a) {
			t.Error("a password alone signs in somebody with an app")
		}
		p, _ := w.proves("ann@example.com")
		if a := p.step("/login/totp", "code", codeOf(t, seed, time.Now().Add(30*time.Second))); !p.through(a) {
			t.Fatalf("both factors: %d %q", a.status, a.header.Get("Location"))
		}
		if a := set(p, second); went(a) != "done=password" {
			t.Fatalf("the reset with both factors: %d %q", a.status, a.header.Get("Location"))
		}
		ann.dead(t, "ann's other session")
		if q, a := w.enter("ann@example.com", second); q.through(a) {
			t.Error("the new password alone signs in somebody with an app")
		} else if page := q.follow(a); !strings.Contains(page.body, `action="/login/totp`) {
			t.Errorf("no second step after the reset: %d", page.status)
		}
	})
}
