package attack

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/test/process"
)

// guess posts a password of a login from the nth address of this machine.
func (p typed) guess(n int, address, text string) answer {
	return p.w.from(n, "/login/password?state="+p.request, "state", p.request, "email", address, "password", text,
		"Cookie:", p.jar(), "Sec-Fetch-Site:", "same-origin", "Origin:", p.w.public)
}

// ENM-05: one password for many people from one address is stopped by what an address may try, and many passwords
// for one person from many addresses by what may be tried of a person. Both hold up nobody else, and not the
// person: another factor goes on.
func TestENM05_StuffingAndSpraying(t *testing.T) {
	each(t, process.Options{Env: []string{"ADMIT_RATE_LIMIT_SCALE=0.25"}}, func(t *testing.T, w *world) {
		w.allowPasswords()
		for _, address := range []string{"ann@x.example", "bob@x.example"} {
			p := w.signIn(address)
			if a := p.settle("/settings/security/password", "/settings/password", url.Values{"password": {strongPassword}, "again": {strongPassword}}); went(a) != "done=password" {
				t.Fatalf("%d %q", a.status, a.header.Get("Location"))
			}
		}
		box := w.typist()
		honest := func(when string, n int) {
			t.Helper()
			own := w.typist()
			if a := own.guess(n, "bob@x.example", strongPassword); a.status != 303 {
				t.Errorf("%s, bob from an address of his own: %d %.300s", when, a.status, a.body)
			}
		}
		honest("before", 7)

		// Spraying: people who are there are among them, and the password is right for one.
		most := web.Budgets[web.LimitGuess]
		most.Count /= 4
		begun, tried, refused := time.Now(), 0, 0
		for i := range 3 * most.Count {
			address := fmt.Sprintf("someone%d@x.example", i)
			if i%20 == 19 {
				address = "ann@x.example"
			}
			if a := box.guess(9, address, "winter winter 2026"); a.status == 429 {
				refused++
			} else {
				tried++
			}
		}
		allowed := most.Count + int(float64(most.Count)*float64(time.Since(begun))/float64(most.Per)) + 1
		if tried > allowed || refused == 0 && time.Since(begun) < most.Per {
			t.Errorf("%d passwords were tried from one address in %v, of which %d may be", tried, time.Since(begun), allowed)
		}
		honest("while another address sprays", 8)

		// Stuffing: every address tries less than it may.
		wrong := 0
		for i := range 30 {
			if a := box.guess(20+i, "ann@x.example", fmt.Sprintf("stolen from elsewhere %d", i)); a.status == 303 {
				t.Fatal("a wrong password signs in")
			}
			wrong++
		}
		own := w.typist()
		if a := own.guess(200, "ann@x.example", strongPassword); a.status == 303 {
			t.Errorf("no end of wrong passwords for one person after %d", wrong)
		}
		honest("while another person is attacked", 201)
		if again := w.signIn("ann@x.example"); again.access == "" { // by mail
			t.Error("the person who is attacked is locked out")
		}
	})
}
