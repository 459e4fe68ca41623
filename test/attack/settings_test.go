package attack

import (
	"encoding/base32"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/test/process"
)

// changes are the forms of the person's own page, each with fields that name something of another person.
var changes = map[string]string{
	"/settings/profile": "name=Mallory", "/settings/passkeys/new": "", "/settings/passkeys": "response=%7B%7D", "/settings/passkeys/prove": "id=pky_x",
	"/settings/passkeys/proof": "id=pky_x&response=%7B%7D", "/settings/passkeys/rename": "id=pky_x&name=x", "/settings/passkeys/remove": "id=pky_x",
	"/settings/apps/new": "", "/settings/apps": "code=000000", "/settings/apps/remove": "id=otp_x", "/settings/codes": "", "/settings/password": "password=x",
	"/settings/password/remove": "", "/settings/sessions/end": "id=ses_x", "/settings/sessions/others": "", "/settings/sessions/all": "",
	"/settings/applications": "client=app_x", "/settings/data": "", "/settings/delete": "confirmation=x", "/settings/recovery/cancel": "", "/settings/confirm": "",
	"/settings/identities/link": "connection=con_x", "/settings/identities/unlink": "connection=con_email&issuer=x&subject=x", "/settings/email": "",
}

var seedText = regexp.MustCompile(`<code id="seed">([A-Z2-7 ]+)</code>`)

// change posts a form of the person's own page as that page would.
func (p *person) change(path, form string) answer {
	return p.browse("POST", path, "user="+url.QueryEscape(p.id)+"&"+form)
}

// went is the word that a change ended with, such as "done=profile", or where it led.
func went(a answer) string {
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.status != 303 {
		return a.header.Get("Location")
	}
	for _, name := range []string{"done", "problem"} {
		if u.Query().Has(name) {
			return name + "=" + u.Query().Get(name)
		}
	}
	return u.Path
}

// enrol adds an authenticator app and returns its seed.
func (p *person) enrol(t *testing.T) string {
	t.Helper()
	if a := p.change("/settings/apps/new", ""); went(a) != "/settings/security/app" {
		t.Fatalf("a new app: %d %s", a.status, went(a))
	}
	shown := p.browse("GET", "/settings/security/app", "")
	m := seedText.FindStringSubmatch(shown.body)
	if m == nil {
		t.Fatalf("no seed: %d", shown.status)
	}
	seed := strings.ReplaceAll(m[1], " ", "")
	if a := p.change("/settings/apps", "name=%3Cimg+src%3Dx%3E&code="+codeOf(t, seed, time.Now())); went(a) != "done=app" {
		t.Fatalf("the app: %d %s", a.status, went(a))
	}
	return seed
}

func codeOf(t *testing.T, seed string, at time.Time) string {
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed)
	if err != nil {
		t.Fatal(err)
	}
	return totp.Code(raw, totp.StepAt(at), totp.Digits)
}

// TestMFA04_OnesOwnPage: every change wants a living session, the page's own origin, the very person whom the
// page showed, and a proof as strong as the person can give; nothing of another person can be named.
func TestMFA04_OnesOwnPage(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		alice, mallory := w.signIn("alice@example.com"), w.signIn("mallory@example.com")
		alice.id, mallory.id = subject(alice.access), subject(mallory.access)

		t.Run("WAN-11 without a session", func(t *testing.T) {
			for path, form := range changes {
				nobody := w.person()
				nobody.id = alice.id
				if a := nobody.change(path, form); a.status != 303 || !strings.Contains(a.header.Get("Location"), "/login?") {
					t.Errorf("%s: %d %s", path, a.status, a.header.Get("Location"))
				}
			}
		})
		t.Run("CSRF", func(t *testing.T) {
			for path, form := range changes {
				for _, from := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
					a := w.send("POST", path, "user="+alice.id+"&"+form, append([]string{"Cookie", alice.jar(), "Content-Type", "application/x-www-form-urlencoded"}, from...)...)
					if a.status != 403 {
						t.Errorf("%s from %v: %d", path, from, a.status)
					}
				}
				if a := alice.browse("GET", path, ""); path != "/settings/applications" && path != "/settings/data" && (a.status != 303 || !strings.HasPrefix(went(a), "/settings")) {
					t.Errorf("GET %s: %d %s", path, a.status, went(a)) // to a section, and nothing is done
				}
			}
		})
		t.Run("another person's page", func(t *testing.T) {
			for path, form := range changes {
				a := mallory.browse("POST", path, "user="+alice.id+"&"+form)
				if went(a) != "problem=other" {
					t.Errorf("%s: %d %s", path, a.status, went(a))
				}
				if a := mallory.browse("POST", path, form+"&user="+alice.id+"&user="+mallory.id); a.status < 400 {
					t.Errorf("%s with two people: %d", path, a.status)
				}
			}
		})

		if a := alice.change("/settings/profile", "name=Alice+%3Cscript%3Ealert(1)%3C/script%3E"); went(a) != "done=profile" {
			t.Fatalf("an honest change: %d %s", a.status, went(a))
		}
		seed := alice.enrol(t)
		page := alice.browse("GET", "/settings/security", "")
		if strings.Contains(page.body, "<img src=x>") || !strings.Contains(page.body, "&lt;img src=x&gt;") {
			t.Error("a name is markup")
		}
		if profile := alice.browse("GET", "/settings", ""); strings.Contains(profile.body, "<script>alert") {
			t.Error("a name is script")
		}
		device := regexp.MustCompile(`value="(otp_[a-z0-9]+)"`).FindStringSubmatch(page.body)
		if device == nil {
			t.Fatal("the app is not listed")
		}
		t.Run("with one factor of two", func(t *testing.T) {
			for path, form := range changes {
				if path == "/settings/recovery/cancel" { // takes power from others, and needs none
					continue
				}
				a := alice.change(path, strings.ReplaceAll(form, "otp_x", device[1]))
				if a.status != 303 || !strings.Contains(a.header.Get("Location"), "/login?") {
					t.Errorf("%s: %d %s", path, a.status, a.header.Get("Location"))
				}
			}
			if strings.Contains(alice.browse("GET", "/settings/security/app", "").body, "id=\"seed\"") {
				t.Error("a seed is shown")
			}
			for _, call := range [][2]string{{"DELETE", "/api/session/devices/" + device[1]}, {"POST", "/api/session/devices"}} {
				a := w.send(call[0], call[1], `{"type":"TOTP","name":"x","code":"000000","totpData":{"secret":"`+seed+`"}}`, "Authorization", "Bearer "+alice.access, "Content-Type", "application/json")
				if a.status != 403 || !strings.Contains(a.body, "RecentSignInNeeded") {
					t.Errorf("%v: %d %s", call, a.status, a.body)
				}
			}
		})
		t.Run("of another person", func(t *testing.T) {
			session := newestSession(t, alice)
			for path, form := range map[string]string{
				"/settings/apps/remove": "id=" + device[1], "/settings/sessions/end": "id=" + session, "/settings/passkeys/remove": "id=" + device[1],
				"/settings/passkeys/rename": "id=" + device[1] + "&name=x", "/settings/passkeys/prove": "id=" + device[1], "/settings/applications": "client=app_default",
				"/settings/identities/unlink": "connection=con_email&issuer=x&subject=alice%40example.com",
			} {
				if a := mallory.change(path, form); went(a) != "problem=gone" {
					t.Errorf("%s: %d %s", path, a.status, went(a))
				}
			}
			a := w.send("DELETE", "/api/session/devices/"+device[1], "", "Authorization", "Bearer "+mallory.access)
			if a.status != 404 {
				t.Errorf("her device by the API: %d %s", a.status, a.body)
			}
			if a := mallory.browse("GET", "/settings/activity?before=evt_zzzz", ""); strings.Contains(a.body, "Authenticator app added") {
				t.Error("mallory reads alice's activity")
			}
			if !strings.Contains(alice.browse("GET", "/settings/security", "").body, device[1]) {
				t.Error("alice's app is gone")
			}
		})
		t.Run("SES-06 everywhere", func(t *testing.T) {
			second := w.signIn("mallory@example.com")
			if a := mallory.change("/settings/sessions/all", ""); went(a) != "/logged-out" {
				t.Fatalf("%d %s", a.status, went(a))
			}
			for _, p := range []*person{mallory, second} {
				if a := w.send("GET", "/v1/users/"+subject(p.access)+"/resources", "", "Authorization", "Bearer "+p.access); a.status != 401 {
					t.Errorf("a token lives: %d", a.status)
				}
				if a := p.browse("GET", "/settings", ""); a.status != 303 {
					t.Errorf("a session lives: %d", a.status)
				}
			}
		})
		var data struct{ UserID string }
		fresh := w.signIn("carol@example.com")
		fresh.id = subject(fresh.access)
		if a := fresh.change("/settings/data", ""); a.status != 200 || json.Unmarshal([]byte(a.body), &data) != nil || data.UserID != fresh.id || strings.Contains(a.body, "alice") {
			t.Errorf("the download: %d %.300s", a.status, a.body)
		}
	})
}

// newestSession is the id of a session of a person, as their own tokens name it.
func newestSession(t *testing.T, p *person) string {
	t.Helper()
	var claims struct{ SID string }
	if err := json.Unmarshal([]byte(claimsOf(p.access)), &claims); err != nil {
		t.Fatal(err)
	}
	return claims.SID
}
