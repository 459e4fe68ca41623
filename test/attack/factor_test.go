package attack

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

const strongPassword = "rain on a tin roof at night"

// allowPasswords makes the connection that switches passwords on.
func (w *world) allowPasswords() {
	w.t.Helper()
	if a := w.send("PUT", "/v1/connections/con_pw", `{"type":"PASSWORD","data":{"name":"Password"}}`, "Authorization", "Bearer "+w.key, "Content-Type", "application/json"); a.status/100 != 2 {
		w.t.Fatalf("the connection of passwords: %d %s", a.status, a.body)
	}
}

// settle posts a form of the person's own page.
func (p *person) settle(page, action string, form url.Values) answer {
	p.w.t.Helper()
	shown := p.browse("GET", page, "")
	if shown.status != 200 {
		p.w.t.Fatalf("%s: %d %q", page, shown.status, shown.header.Get("Location"))
	}
	for name, values := range fields(shown.body[max(0, strings.Index(shown.body, `action="`+action)):]) {
		if form.Get(name) == "" {
			form[name] = values
		}
	}
	return p.browse("POST", action, form.Encode())
}

// enter types a password into a login of its own and returns the answer and the browser.
func (w *world) enter(address, password string) (*person, answer) {
	w.t.Helper()
	p := w.person()
	if a := p.start(nil); a.status != 200 {
		return p, a
	}
	form := fields(p.browse("GET", "/login?state="+p.request, "").body)
	form.Set("state", p.request)
	form.Set("email", address)
	form.Set("password", password)
	return p, p.browse("POST", "/login/password?state="+p.request, form.Encode())
}

// through tells whether a login went on to the application.
func (p *person) through(a answer) bool {
	for range 3 {
		if strings.HasPrefix(a.header.Get("Location"), application) {
			return true
		}
		if a.status != 303 {
			return false
		}
		u, _ := url.Parse(a.header.Get("Location"))
		a = p.browse("GET", u.RequestURI(), "")
	}
	return false
}

// ENM-08, DOS-08, DOS-02: what a password must be, that a flood of wrong ones holds up nothing else, and
// that hashing is bounded.
func TestDOS02_PasswordFloods(t *testing.T) {
	each(t, process.Options{Env: []string{"ADMIT_RATE_LIMIT_SCALE=1000"}}, func(t *testing.T, w *world) {
		w.allowPasswords()
		ann := w.signIn("ann@x.example")
		for _, bad := range []string{"", "short", "kdnw8rzqpvmtxe", "aaaaaaaaaaaaaaaa", "qwertyuiopasdfgh", "Password123456!", "ann@x.example ann", strings.Repeat("x y z", 300)} {
			if a := ann.settle("/settings/security/password", "/settings/password", url.Values{"password": {bad}, "again": {bad}}); strings.Contains(a.header.Get("Location"), "done=") {
				t.Errorf("%.20q was taken: %q", bad, a.header.Get("Location"))
			}
		}
		if p, a := w.enter("ann@x.example", "Password123456!"); p.through(a) {
			t.Fatal("signed in with a password that was refused")
		}
		ann.settle("/settings/security/password", "/settings/password", url.Values{"password": {strongPassword}, "again": {strongPassword}})
		if p, a := w.enter("ann@x.example", strongPassword); !p.through(a) {
			t.Fatalf("the password does not sign in: %d %q %.300s", a.status, a.header.Get("Location"), a.body)
		}
		known, unknown := w.answers("ann@x.example"), w.answers("nobody@x.example")
		if known != unknown {
			t.Errorf("known and unknown people are answered differently:\n%s\n%s", known, unknown)
		}
		if p, a := w.enter("ann@x.example", strongPassword); p.through(a) {
			t.Error("no limit of wrong passwords")
		}
		if again := w.signIn("ann@x.example"); subject(again.access) != subject(ann.access) { // by mail
			t.Error("another person")
		}
		w.whileHonest(256<<20, w.flood)
	})
}

// answers are those to more wrong passwords than are taken, each once, without what differs by chance.
func (w *world) answers(address string) string {
	w.t.Helper()
	var seen []string
	for range 22 {
		_, a := w.enter(address, "wrong wrong wrong")
		text := fmt.Sprint(a.status, problem.FindStringSubmatch(a.body))
		if !slices.Contains(seen, text) {
			seen = append(seen, text)
		}
	}
	return strings.Join(seen, "\n")
}

var problem = regexp.MustCompile(`(?s)role="alert"[^>]*autofocus.*?<span>([^<]*)`)

// flood sends 480 wrong passwords from 40 browsers at once, for people who are there and who are not, some
// of them far too long.
func (w *world) flood() {
	var wg sync.WaitGroup
	for i := range 40 {
		p := w.person()
		if a := p.start(nil); a.status != 200 {
			w.t.Fatal(a.status, a.body)
		}
		form := fields(p.browse("GET", "/login?state="+p.request, "").body)
		form.Set("state", p.request)
		wg.Go(func() {
			for n := range 12 {
				form.Set("email", fmt.Sprintf("user%d-%d@x.example", i, n))
				form.Set("password", strings.Repeat("wrong ", 3+n%2*5000))
				if a := p.browse("POST", "/login/password?state="+p.request, form.Encode()); a.status >= 500 && a.status != 503 {
					w.t.Errorf("%d %.200s", a.status, a.body)
				}
			}
		})
	}
	wg.Wait()
}

var (
	seedShown = regexp.MustCompile(`otpauth://totp/[^"]*secret=([A-Z2-7]{32})`)
)

// REC-03, MFA-10: a second factor is asked for whatever the first was; the seed is shown once, to its
// browser, and is nowhere else.
func TestREC03_SecondFactorIsAlwaysAsked(t *testing.T) {
	each(t, process.Options{Env: []string{"ADMIT_RATE_LIMIT_SCALE=1000"}}, func(t *testing.T, w *world) {
		w.allowPasswords()
		ann := w.signIn("ann@x.example")
		ann.settle("/settings/security/password", "/settings/password", url.Values{"password": {strongPassword}, "again": {strongPassword}})
		ann.settle("/settings/security", "/settings/apps/new", url.Values{})
		page := ann.browse("GET", "/settings/security/app", "")
		found := seedShown.FindStringSubmatch(strings.ReplaceAll(page.body, "&amp;", "&"))
		if found == nil || !strings.Contains(page.header.Get("Cache-Control"), "no-store") {
			t.Fatalf("%d %v %.600s", page.status, page.header, page.body)
		}
		stranger := w.signIn("eve@x.example")
		if a := stranger.browse("GET", "/settings/security/app", ""); strings.Contains(a.body, found[1]) {
			t.Error("another person is shown the seed")
		}
		seed, _ := base32.StdEncoding.DecodeString(found[1])
		used := oneTimeCode(seed)
		if a := ann.settle("/settings/security/app", "/settings/apps", url.Values{"code": {used}, "name": {"Phone"}}); a.status != 303 {
			t.Fatalf("%d %.300s", a.status, a.body)
		}
		for _, path := range []string{"/settings/security/app", "/settings/security"} {
			if a := ann.browse("GET", path, ""); strings.Contains(a.body, found[1]) {
				t.Error("the seed is shown after it was confirmed:", path)
			}
		}
		if strings.Contains(w.Log(), found[1]) || strings.Contains(w.Log(), strongPassword) {
			t.Error("the log holds a secret")
		}
		p, a := w.enter("ann@x.example", strongPassword)
		if p.through(a) {
			t.Fatal("a password alone signs in somebody with an app")
		}
		if session := p.browse("GET", "/settings/security", ""); session.status == 200 {
			t.Error("a password alone opens the person's own page")
		}
		replay := p.browse("POST", "/login/totp?state="+p.request, url.Values{"state": {p.request}, "code": {used}}.Encode())
		if p.through(replay) {
			t.Error("the code of the registration signs in")
		}
	})
}

func oneTimeCode(seed []byte) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(time.Now().Unix()/30))
	h := hmac.New(sha1.New, seed)
	h.Write(counter[:])
	sum := h.Sum(nil)
	at := sum[19] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}
