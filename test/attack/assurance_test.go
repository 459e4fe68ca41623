package attack

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// assured is what a token says of how somebody has signed in.
type assured struct {
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
	AuthTime int64    `json:"auth_time"`
}

func assurance(t *testing.T, token string) (a assured) {
	t.Helper()
	if err := json.Unmarshal([]byte(claimsOf(token)), &a); err != nil {
		t.Fatalf("%q: %v", token, err)
	}
	slices.Sort(a.AMR)
	return a
}

func (a assured) is(b assured) bool {
	return a.ACR == b.ACR && slices.Equal(a.AMR, b.AMR) && a.AuthTime == b.AuthTime
}

// MFA-11: acr, amr and auth_time say what has happened, and when: neither time, renewal, a wish nor the
// registration of a factor moves them, and what must be reached and is not is an error.
func TestMFA11_AssuranceIsWhatHappened(t *testing.T) {
	const aal1, aal2, address = "urn:admit:aal1", "urn:admit:aal2", "ann@x.example"
	each(t, process.Options{Clock: true, Env: often.Env}, func(t *testing.T, w *world) {
		w.allowPasswords()
		c := w.party("")
		conf := w.party(`"tokenEndpointAuthMethod":"client_secret_basic","introspectionAudiences":["acc_default"]`)
		begun := time.Now().Unix()
		p := w.visitor(address)
		got := p.tokens(c, "openid offline_access")
		first := assurance(t, got.text("id_token"))
		if first.ACR != aal1 || !slices.Equal(first.AMR, []string{"email"}) || first.AuthTime < begun-1 || first.AuthTime > time.Now().Unix()+1 {
			t.Fatalf("by mail: %+v", first)
		}
		same := func(what, token string) {
			t.Helper()
			if a := assurance(t, token); !a.is(first) {
				t.Errorf("%s: %+v; want %+v", what, a, first)
			}
		}
		if a := assurance(t, got.text("access_token")); a.ACR != aal1 || a.AuthTime != first.AuthTime {
			t.Errorf("the access token: %+v", a)
		}
		p.id = subject(got.text("id_token"))
		if a := p.settle("/settings/security/password", "/settings/password", url.Values{"password": {strongPassword}, "again": {strongPassword}}); went(a) != "done=password" {
			t.Fatalf("the password: %d %q", a.status, a.header.Get("Location"))
		}
		seed := p.enrol(t)
		same("after factors were registered", p.tokens(c, "openid").text("id_token"))

		const ahead = 20 * time.Minute
		w.RestartAt(ahead)
		w.hear()
		renewed := c.refresh(got.text("refresh_token"))
		if !granted(renewed) {
			t.Fatalf("%d %s", renewed.status, renewed.body)
		}
		if text := renewed.text("id_token"); text != "" {
			same("after a refresh", text)
		}
		if a := assurance(t, renewed.text("access_token")); a.ACR != aal1 || a.AuthTime != first.AuthTime {
			t.Errorf("the access token after a refresh: %+v", a)
		}
		if i := conf.post("/oauth/introspect", "token", renewed.text("access_token")); !strings.Contains(i.body, `"acr":"`+aal1+`"`) {
			t.Errorf("introspection: %s", i.body)
		}
		for what, pairs := range map[string][]string{"silently": {"prompt", "none"}, "with a wish, silently": {"prompt", "none", "acr_values", aal1}, "with invented parameters": {"acr", aal2, "amr", "otp", "auth_time", "1"}} {
			same(what, p.tokens(c, "openid", pairs...).text("id_token"))
		}
		for what, pairs := range map[string][]string{
			"a class that was not reached": {"claims", `{"id_token":{"acr":{"essential":true,"value":"` + aal2 + `"}}}`},
			"one of many":                  {"claims", `{"id_token":{"acr":{"essential":true,"values":["` + aal2 + `","phr"]}}}`},
			"a class that nobody knows":    {"claims", `{"id_token":{"acr":{"essential":true,"value":"urn:admit:aal9"}}}`},
			"a sign-in that is too old":    {"max_age", "60"},
		} {
			a := p.authorize(c.ask(append([]string{"prompt", "none"}, pairs...)...))
			if e := a.told().Get("error"); a.told().Has("code") || e != "unmet_authentication_requirements" && e != "login_required" {
				t.Errorf("%s, silently: %d %q", what, a.status, a.header.Get("Location"))
			}
		}

		// What is missing is asked for, and then it is said.
		asked := p.authorize(c.ask("acr_values", aal2))
		p.request = asked.told().Get("state")
		p.browse("GET", asked.path(), "")
		wrong := p.follow(p.step("/login/totp", "code", "000000"))
		if wrong.told().Has("code") {
			t.Fatal("a wrong code reaches a class")
		}
		done := p.step("/login/totp", "code", codeOf(t, seed, time.Now().Add(ahead)))
		for range 3 {
			if done.told().Has("code") || done.status != 303 {
				break
			}
			done = p.browse("GET", done.path(), "")
		}
		if done.told().Get("code") == "" {
			t.Fatalf("the step up: %d %q %.300s", done.status, done.header.Get("Location"), done.body)
		}
		up := assurance(t, c.redeem(done.told().Get("code")).text("id_token"))
		if up.ACR != aal2 || !slices.Contains(up.AMR, "otp") || !slices.Contains(up.AMR, "email") || up.AuthTime < first.AuthTime+int64(ahead/time.Second)-1 {
			t.Errorf("after the step up: %+v", up)
		}
		if again := assurance(t, p.tokens(c, "openid", "prompt", "none").text("id_token")); !again.is(up) {
			t.Errorf("silently after the step up: %+v; want %+v", again, up)
		}
	})
}
