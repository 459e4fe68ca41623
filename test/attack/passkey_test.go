package attack

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/factor/passkey/passkeytest"
	"github.com/admit-id/admit/test/process"
)

var creation = regexp.MustCompile(`data-json="([^"]+)"`)

// register makes a passkey on the person's own page and returns the word that it ended with.
func (p *person) register(t *testing.T, key *passkeytest.Authenticator) string {
	t.Helper()
	page := p.change("/settings/passkeys/new", "")
	m := creation.FindStringSubmatch(page.body)
	if m == nil {
		t.Fatalf("no options: %d %s", page.status, went(page))
	}
	response, err := key.Create([]byte(html.UnescapeString(m[1])))
	if err != nil {
		t.Fatal(err)
	}
	return went(p.change("/settings/passkeys", "name=key&response="+url.QueryEscape(string(response))))
}

// box opens a new login and returns the hidden fields of its page.
func (p *person) box(t *testing.T) url.Values {
	t.Helper()
	if a := p.start(nil); a.status != 200 {
		t.Fatalf("start: %d %s", a.status, a.body)
	}
	form := fields(p.browse("GET", "/login?state="+p.request, "").body)
	form.Set("state", p.request)
	return form
}

// options asks for a challenge of the login.
func (p *person) options(t *testing.T, form url.Values) []byte {
	t.Helper()
	a := p.browse("POST", "/login/passkey/options", form.Encode())
	if a.status != 200 || !strings.Contains(a.body, `"allowCredentials":[]`) {
		t.Fatalf("options: %d %.300s", a.status, a.body)
	}
	return []byte(a.body)
}

// prove sends an answer and tells whether it signed somebody in.
func (p *person) prove(form url.Values, response []byte) bool {
	form.Set("response", string(response))
	a := p.browse("POST", "/login/passkey?state="+p.request, form.Encode())
	for range 3 { // the page of the login's next step, or the way back to the application
		where := a.header.Get("Location")
		if strings.HasPrefix(where, application) {
			return true
		}
		u, err := url.Parse(where)
		if a.status != 303 || err != nil {
			return false
		}
		a = p.browse("GET", u.RequestURI(), "")
	}
	return false
}

// TestWAN03_Origins: answers count from the account's own pages only, for the login and in the browser that asked,
// once; and nobody learns from the server who has a passkey.
func TestWAN03_Origins(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		known := w.send("GET", "/.well-known/webauthn", "")
		if known.status != 200 || known.body != `{"origins":["`+w.public+`"]}` || known.header.Get("Content-Type") != "application/json" {
			t.Errorf("the origins: %d %s", known.status, known.body)
		}
		if a := w.send("GET", "/.well-known/webauthn", "", "Host", "evil.example"); a.status != 421 {
			t.Errorf("the origins of another host: %d %s", a.status, a.body)
		}
		ann := w.signIn("ann@example.com")
		ann.id = subject(ann.access)
		key := passkeytest.NewAuthenticator(w.public)
		foreign := []string{
			"https://evil.example", "https://" + w.host(), w.public + "/", w.public + ".evil.example", "http://localhost", "http://LOCALHOST" + w.host()[len("localhost"):],
			"http://127.0.0.1" + w.host()[len("localhost"):], "null", "android:apk-key-hash:x",
		}
		for _, origin := range foreign {
			key.Origin = origin
			if got := ann.register(t, key); got != "problem=passkey_response" {
				t.Errorf("a registration from %s: %s", origin, got)
			}
		}
		key.Credentials, key.Origin = nil, w.public
		if got := ann.register(t, key); got != "done=passkey" {
			t.Fatalf("an honest registration: %s", got)
		}

		eve := w.person()
		form := eve.box(t)
		for _, origin := range foreign {
			key.Origin = origin
			response, err := key.Get(eve.options(t, form))
			if err != nil {
				t.Fatal(err)
			}
			if eve.prove(form, response) {
				t.Errorf("a login from %s", origin)
			}
		}
		key.Origin = w.public
		for name, bend := range map[string]func(*passkeytest.Ceremony){
			"in a frame":      func(c *passkeytest.Ceremony) { c.ClientData["crossOrigin"] = true },
			"with top origin": func(c *passkeytest.Ceremony) { c.ClientData["topOrigin"] = w.public },
			"of the other":    func(c *passkeytest.Ceremony) { c.ClientData["type"] = "webauthn.create" },
			"not verified":    func(c *passkeytest.Ceremony) { c.Flags &^= passkeytest.UV },
			"nobody there":    func(c *passkeytest.Ceremony) { c.Flags &^= passkeytest.UP },
		} {
			key.Bend = bend
			response, err := key.Get(eve.options(t, form))
			if err != nil {
				t.Fatal(err)
			}
			if eve.prove(form, response) {
				t.Errorf("a login %s", name)
			}
		}
		key.Bend = nil

		// Ann answers a challenge of eve's login: a page that passes challenges on gets nothing by it.
		phished, err := key.Get(eve.options(t, form))
		if err != nil {
			t.Fatal(err)
		}
		mallory := w.person()
		if mallory.prove(mallory.box(t), phished) {
			t.Error("an answer counts in another browser and login")
		}
		second := eve.request
		if eve.prove(eve.box(t), phished) {
			t.Error("an answer counts in another login of the same browser")
		}
		eve.request = second
		if !eve.prove(form, phished) {
			t.Error("an honest login is refused")
		}
		if again := w.person(); again.prove(again.box(t), phished) {
			t.Error("an answer counts twice")
		}
	})
}
