package provider

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// delegating is a server that leaves its pages to another application, like Ory Hydra.
type delegating struct {
	state    string   // what it answers; empty means what it was asked with
	forgets  bool     // whom it has seen before
	accepted []string // kind and body of each acceptance
	mux      *http.ServeMux
}

func startDelegating(t *testing.T) (*delegating, *server, *browser) {
	d := &delegating{mux: http.NewServeMux()}
	at := httptest.NewServer(d.mux)
	t.Cleanup(at.Close)
	d.mux.HandleFunc("GET /auth", func(w http.ResponseWriter, q *http.Request) {
		in := q.URL.Query()
		switch {
		case in.Get("consented") != "":
			if cookie, err := q.Cookie("csrf"); err != nil || cookie.Value != "c" || q.Header.Get("Cookie") != "session=s1; csrf=c" {
				http.Error(w, q.Header.Get("Cookie"), http.StatusForbidden)
				return
			}
			http.Redirect(w, q, redirect+"?code=once&state="+d.state, http.StatusSeeOther)
		case in.Get("authenticated") != "":
			http.Redirect(w, q, loginPages+"consent?consent_challenge=a%2Bb", http.StatusFound)
		default:
			if d.state == "" {
				d.state = in.Get("state")
			}
			http.SetCookie(w, &http.Cookie{Name: "csrf", Value: "c"})
			http.Redirect(w, q, loginPages+"login?login_challenge=a%2Bb", http.StatusFound)
		}
	})
	for kind, next := range map[string]string{"login": "authenticated", "consent": "consented"} {
		d.mux.HandleFunc("GET /admin/oauth2/auth/requests/"+kind, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"skip":%v}`, !d.forgets) })
		d.mux.HandleFunc("PUT /admin/oauth2/auth/requests/"+kind+"/accept", func(w http.ResponseWriter, q *http.Request) {
			var body json.RawMessage
			if err := json.NewDecoder(q.Body).Decode(&body); err != nil || q.URL.Query().Get(kind+"_challenge") != "a+b" {
				http.Error(w, "no such request", http.StatusNotFound)
				return
			}
			d.accepted = append(d.accepted, kind+" "+string(body))
			fmt.Fprintf(w, `{"redirect_to":"https://elsewhere.example.test/auth?%s=1"}`, next)
		})
	}
	address := at.Listener.Addr().String()
	s := &server{host: address, authorize: "/auth", cookies: []string{"session=s0", "session=s1"}, app: &loginApp{address: address, scope: []string{"openid"}}}
	b, err := s.browser(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return d, s, b
}

func TestSignInByLoginApp(t *testing.T) {
	web := credential{id: "web", redirect: redirect}
	for _, c := range []struct {
		name     string
		app      loginApp
		accepted []string
	}{
		{"silent", loginApp{}, []string{`login {"subject":"person-1"}`, `consent {"grant_scope":["openid"]}`}},
		{"remembered", loginApp{check: true}, []string{`login {"subject":"person-1"}`, `consent {"grant_scope":["openid"]}`}},
		{"first", loginApp{remember: true}, []string{`login {"remember":true,"remember_for":0,"subject":"person-1"}`,
			`consent {"grant_scope":["openid"],"remember":true,"remember_for":0}`}},
	} {
		d, s, b := startDelegating(t)
		s.app.check, s.app.remember = c.app.check, c.app.remember
		code, set, err := s.code(b, web, 1)
		if err != nil || code != "once" || !slices.Equal(set, []string{"csrf=c"}) {
			t.Errorf("%s: code %q, cookies %q, %v", c.name, code, set, err)
		}
		if !slices.Equal(d.accepted, c.accepted) {
			t.Errorf("%s: accepted %q, want %q", c.name, d.accepted, c.accepted)
		}
	}
}

func TestSignInByLoginAppIsChecked(t *testing.T) {
	web := credential{id: "web", redirect: redirect}
	d, s, b := startDelegating(t)
	d.forgets, s.app.check = true, true
	if _, _, err := s.code(b, web, 1); err == nil || !strings.Contains(err.Error(), "login is not remembered") {
		t.Errorf("a person who is not remembered: %v", err)
	}
	d, s, b = startDelegating(t)
	d.state = "another"
	if _, _, err := s.code(b, web, 1); err == nil || !strings.Contains(err.Error(), "authorization ended at") {
		t.Errorf("an answer with another state: %v", err)
	}
	_, s, b = startDelegating(t)
	if _, _, err := s.code(b, web, 2); err == nil || !strings.Contains(err.Error(), "answered 403") {
		t.Errorf("another person's session: %v", err)
	}
	s.authorize = "/nowhere"
	if _, _, err := s.code(b, web, 1); err == nil || !strings.Contains(err.Error(), "answered 404") {
		t.Errorf("no endpoint: %v", err)
	}
	elsewhere := &url.URL{Scheme: "https", Host: "elsewhere.example.test", Path: "/login", RawQuery: "login_challenge=x"}
	if _, err := s.app.accept(b.app, elsewhere, 0); err == nil || !strings.Contains(err.Error(), "neither login nor consent") {
		t.Errorf("somebody else's page: %v", err)
	}
}
