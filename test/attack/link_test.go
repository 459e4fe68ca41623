package attack

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/admit-id/admit/test/process"
)

// TestLNK02_LinkingNeedsBothSides: who links is signed in here, what is linked is proved here, and an
// identity of one person never becomes another's.
func TestLNK02_LinkingNeedsBothSides(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		if a := w.admin("PUT", "/v1/connections/con_email", `{"data":{"name":"E-mail"},"linkingConfiguration":{"type":"AUTOMATIC"}}`); a.status != 422 {
			t.Errorf("linking by address: %d %s", a.status, a.body)
		}
		ann, eve := w.signIn("ann@example.com"), w.signIn("eve@example.com")
		if a := ann.linkTo("Authorization", "Bearer "+ann.access); a.status != 400 || !strings.Contains(a.body, "LinkIdentityNotSupported") {
			t.Errorf("linked where nobody may: %d %s", a.status, a.body)
		}
		if a := w.admin("PUT", "/v1/connections/con_email", `{"data":{"name":"E-mail"},"linkingConfiguration":{"type":"EXPLICIT"}}`); a.status != 200 || !strings.Contains(a.body, "EXPLICIT") {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for what, header := range map[string][]string{
			"nobody": nil, "a service client": {"Authorization", "Bearer " + w.key}, "an ID token": {"Authorization", "Bearer " + ann.id},
			"garbage": {"Authorization", "Bearer x.y.z"}, "a cookie from another site": {"Cookie", ann.jar(), "Origin", "https://evil.example"},
			"a cookie without an origin": {"Cookie", ann.jar()},
		} {
			if a := ann.linkTo(header...); a.status != 401 && a.status != 403 && a.status != 404 {
				t.Errorf("%s: %d %s", what, a.status, a.body)
			}
		}
		// Eve's request in Ann's browser.
		if a := eve.linkTo("Authorization", "Bearer "+eve.access); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		ann.request = eve.request
		if a := ann.browse("GET", "/login?state="+eve.request, ""); a.status != 403 || strings.Contains(a.body, `name="email"`) {
			t.Errorf("Ann links for Eve: %d", a.status)
		}
		// Her own, to what is Eve's, and to what is nobody's.
		if a := ann.linkTo("Cookie", ann.jar(), "Origin", strings.TrimSuffix(application, "/")); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a := ann.provesMail("eve@example.com"); a.status == 303 && strings.HasPrefix(a.header.Get("Location"), application) {
			t.Errorf("took Eve's: %s", a.header.Get("Location"))
		}
		if a := ann.linkTo("Authorization", "Bearer "+ann.access); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		back := ann.provesMail("ann@second.example")
		to, _ := url.Parse(back.header.Get("Location"))
		if !strings.HasPrefix(to.String(), application) || to.Query().Get("nonce") != ann.request || to.Query().Has("code") {
			t.Fatalf("%d %s %.300s", back.status, to, back.body)
		}
		who := subject(ann.access)
		if got := subject(w.signIn("ann@second.example").access); got != who {
			t.Errorf("the linked address is %s, not %s", got, who)
		}
		if got := subject(w.signIn("eve@example.com").access); got != subject(eve.access) {
			t.Error("Eve's address moved to", got)
		}
		unlinking(t, w, ann, eve)
	})
}

// unlinking is the other way.
func unlinking(t *testing.T, w *world, ann, eve *person) {
	drop := func(p *person, path, name string) answer {
		return w.send("DELETE", path+url.PathEscape(name), "", "Authorization", "Bearer "+p.access)
	}
	for _, c := range []struct {
		p          *person
		name, want string
		status     int
	}{
		{eve, "ann@second.example", "NotFound", 404}, {eve, "con_email", "LastIdentity", 409}, {ann, "con_email", "IdentityAmbiguous", 409},
		{ann, "ANN@second.example", "NotFound", 404},
	} {
		if a := drop(c.p, "/api/session/identities/", c.name); a.status != c.status || !strings.Contains(a.body, c.want) {
			t.Errorf("%s: %d %s", c.name, a.status, a.body)
		}
	}
	if a := w.send("DELETE", "/api/session/identities/con_email", "", "Cookie", ann.jar(), "Origin", "https://evil.example"); a.status != 403 {
		t.Errorf("another site unlinks: %d", a.status)
	}
	second := w.signIn("ann@second.example")
	if a := drop(ann, "/api/identities/", "ann@second.example"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := w.send("GET", "/api/session/profile", "", "Authorization", "Bearer "+second.access); a.status != 401 {
		t.Errorf("a token lives whose session had no other proof: %d", a.status)
	}
	if a := drop(ann, "/api/identities/", "ann@example.com"); a.status != 409 {
		t.Errorf("the last way in was dropped: %d", a.status)
	}
	if subject(w.signIn("ann@second.example").access) == subject(ann.access) {
		t.Error("what was unlinked still signs in")
	}
}

// linkTo begins to link, as the browser SDK does.
func (p *person) linkTo(header ...string) answer {
	body, _ := json.Marshal(map[string]any{"linkIdentity": true, "redirectUrl": application, "codeChallengeMethod": "S256",
		"codeChallenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWBuGJSstw-cM", "connectionId": "con_email", "applicationId": "app_default"})
	a := p.w.send("POST", "/api/authentication", string(body), append([]string{"Content-Type", "application/json"}, header...)...)
	var started struct{ AuthenticationRequestID string }
	if json.Unmarshal([]byte(a.body), &started) == nil && a.status == 200 {
		p.request = started.AuthenticationRequestID
	}
	return a
}

// provesMail reads the mail to an address for the request of the person.
func (p *person) provesMail(address string) answer {
	p.w.t.Helper()
	page := p.browse("GET", "/login?state="+p.request, "")
	form := fields(page.body)
	form.Set("state", p.request)
	form.Set("email", address)
	if a := p.browse("POST", "/login/email?state="+p.request, form.Encode()); a.status != 303 {
		p.w.t.Fatalf("address: %d %.400s", a.status, a.body)
	}
	form.Set("code", p.w.newestCode(address))
	return p.browse("POST", "/login/code?state="+p.request, form.Encode())
}

// TestOneSessionAtATime: a sign-in at a SINGLE_SESSION application ends what the others have there.
func TestOneSessionAtATime(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		if a := w.admin("PUT", "/v1/applications/app_default", `{"name":"App","redirectUrls":["`+application+`"],"redirectMode":"origin","sessionType":"SINGLE_SESSION"}`); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		profile := func(p *person) int {
			return w.send("GET", "/api/session/profile", "", "Authorization", "Bearer "+p.access).status
		}
		renew := func(p *person) int {
			return w.send("PATCH", "/api/session", "{}", "Content-Type", "application/json", "Cookie", p.jar(), "Origin", strings.TrimSuffix(application, "/")).status
		}
		first := w.signIn("ann@example.com")
		bob := w.signIn("bob@example.com")
		if profile(first) != 200 {
			t.Fatal("the first sign-in has no token that works")
		}
		second := w.signIn("ann@example.com")
		if a, b, c := profile(first), profile(second), profile(bob); a != 401 || b != 200 || c != 200 {
			t.Errorf("tokens after the second sign-in: %d, %d, of somebody else %d", a, b, c)
		}
		if a, b := renew(first), renew(second); a != 404 || b != 200 {
			t.Errorf("renewal: %d, %d", a, b)
		}
	})
}
