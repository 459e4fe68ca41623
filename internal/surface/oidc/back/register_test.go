package back_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/registration"
	"github.com/admit-id/admit/internal/surface/oidc/back"
)

// registrar answers what it was asked.
type registrar struct {
	asked  string
	answer error
}

func (g *registrar) say(what, bearer string, m registration.Metadata) (registration.Registered, error) {
	g.asked = what + " " + bearer + " " + m.Name
	return registration.Registered{
		Metadata: m, ClientID: "app_1", IssuedAt: time.Unix(100, 0), Secret: secret.New("acs_x"), AccessToken: secret.New("arg_x"), Configuration: "https://login.example/oauth/register/app_1",
	}, g.answer
}

func (g *registrar) Register(_ context.Context, by actor.Actor, from netip.Addr, bearer string, m registration.Metadata) (registration.Registered, error) {
	if by.Account != "acc_a" || !from.IsValid() {
		return registration.Registered{}, fault.New(fault.Internal, "", "who asks")
	}
	return g.say("register", bearer, m)
}

func (g *registrar) Read(_ context.Context, _ ident.AccountID, id ident.ApplicationID, bearer string) (registration.Registered, error) {
	r, err := g.say("read "+string(id), bearer, registration.Metadata{})
	r.Secret = secret.Text{}
	return r, err
}

func (g *registrar) Update(_ context.Context, _ actor.Actor, id ident.ApplicationID, bearer string, m registration.Metadata) (registration.Registered, error) {
	return g.say("update "+string(id), bearer, m)
}

func (g *registrar) Delete(_ context.Context, _ actor.Actor, id ident.ApplicationID, bearer string) error {
	_, err := g.say("delete "+string(id), bearer, registration.Metadata{})
	return err
}

// surroundings is what the router needs.
type surroundings struct{}

func (surroundings) ByHost(string) (ident.AccountID, bool) { return "acc_a", true }
func (surroundings) Verify(context.Context, ident.AccountID, string) (actor.Actor, error) {
	return actor.Actor{}, fault.New(fault.Unauthenticated, "", "no token opens these routes")
}
func (surroundings) OriginAllowed(ident.AccountID, string) bool { return false }
func (surroundings) Allow(web.LimitClass, netip.Addr) (time.Duration, bool) {
	return 0, true
}

func registrationHandler(t *testing.T, g *registrar) http.Handler {
	t.Helper()
	x := surroundings{}
	h, err := web.NewRouter(web.Deps{
		Accounts: x, Tokens: x, Origins: x, Limiter: x, Clock: clock.NewFake(time.Unix(1000, 0)), Log: slog.New(slog.DiscardHandler),
	}, back.NewRegistration(g).Routes())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestRegistrationOverHTTP(t *testing.T) {
	g := &registrar{}
	h := registrationHandler(t, g)
	call := func(method, path, body string, header ...string) (*http.Response, map[string]any) {
		t.Helper()
		r := httptest.NewRequest(method, "http://login.example"+path, strings.NewReader(body))
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		g.asked = ""
		h.ServeHTTP(w, r)
		text, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]any{}
		if len(text) > 0 {
			if err := json.Unmarshal(text, &out); err != nil {
				t.Fatalf("%s", text)
			}
		}
		return w.Result(), out
	}
	const kind, js = "Content-Type", "application/json"
	r, body := call("POST", "/oauth/register", `{"client_name":"A","redirect_uris":["https://a.example/cb"],"software_statement":"x","x":1}`, kind, js)
	if r.StatusCode != 201 || g.asked != "register  A" || r.Header.Get("Cache-Control") != "no-store" || body["client_id"] != "app_1" || body["client_secret"] != "acs_x" ||
		body["client_secret_expires_at"] != 0.0 || body["client_id_issued_at"] != 100.0 || body["registration_access_token"] != "arg_x" || body["client_name"] != "A" {
		t.Fatal(r, body, g.asked)
	}
	if call("POST", "/oauth/register", `{}`, kind, js+"; charset=utf-8", "Authorization", "bearer ait_x"); g.asked != "register ait_x " {
		t.Fatal(g.asked)
	}
	r, body = call("GET", "/oauth/register/app_1", "", "Authorization", "Bearer arg_x")
	if _, there := body["client_secret"]; r.StatusCode != 200 || there || g.asked != "read app_1 arg_x " {
		t.Fatal(r, body, g.asked)
	}
	if r, _ = call("PUT", "/oauth/register/app_1", `{"client_id":"app_1","client_name":"B"}`, kind, js, "Authorization", "Bearer arg_x"); r.StatusCode != 200 || g.asked != "update app_1 arg_x B" {
		t.Fatal(r, g.asked)
	}
	if r, _ = call("DELETE", "/oauth/register/app_1", "", "Authorization", "Bearer arg_x"); r.StatusCode != 204 || g.asked != "delete app_1 arg_x " {
		t.Fatal(r, g.asked)
	}
	for what, try := range map[string]struct {
		method, path, body, header, value, code string
		status                                  int
	}{
		"a form":                {"POST", "/oauth/register", "client_name=A", kind, "application/x-www-form-urlencoded", "invalid_client_metadata", 400},
		"plain text":            {"POST", "/oauth/register", "{}", kind, "text/plain", "invalid_client_metadata", 400},
		"a member twice":        {"POST", "/oauth/register", `{"scope":"a","scope":"b"}`, kind, js, "invalid_client_metadata", 400},
		"a member in caps":      {"POST", "/oauth/register", `{"Scope":"a"}`, kind, js, "invalid_client_metadata", 400},
		"a wrong type":          {"POST", "/oauth/register", `{"redirect_uris":"https://a.example"}`, kind, js, "invalid_client_metadata", 400},
		"no JSON":               {"POST", "/oauth/register", `{`, kind, js, "invalid_client_metadata", 400},
		"a list":                {"POST", "/oauth/register", `[]`, kind, js, "invalid_client_metadata", 400},
		"reading without token": {"GET", "/oauth/register/app_1", "", "X-A", "b", "invalid_token", 401},
		"reading by Basic":      {"GET", "/oauth/register/app_1", "", "Authorization", "Basic YTpi", "invalid_token", 401},
		"reading by nothing":    {"GET", "/oauth/register/app_1", "", "Authorization", "Bearer", "invalid_token", 401},
		"removing without":      {"DELETE", "/oauth/register/app_1", "", "X-A", "b", "invalid_token", 401},
	} {
		r, body := call(try.method, try.path, try.body, try.header, try.value)
		if r.StatusCode != try.status || body["error"] != try.code || g.asked != "" || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %q", what, r.StatusCode, body, g.asked)
		}
	}
	if r, body = call("PUT", "/oauth/register/app_1", `{"client_id":"app_2"}`, kind, js, "Authorization", "Bearer arg_x"); r.StatusCode != 400 || g.asked != "" {
		t.Error(r, body)
	}
	g.answer = fault.New(fault.NotFound, fault.CodeNotFound, "Off.")
	if r, _ = call("POST", "/oauth/register", `{}`, kind, js); r.StatusCode != 404 {
		t.Error(r)
	}
	g.answer = oauth.Fail(oauth.InvalidToken, "No.")
	if r, body = call("POST", "/oauth/register", `{}`, kind, js); r.StatusCode != 401 || !strings.HasPrefix(r.Header.Get("Www-Authenticate"), "Bearer") || body["client_secret"] != nil {
		t.Error(r, body)
	}
	g.answer = fault.New(fault.Limited, fault.CodeTooManyRequests, "Wait.")
	if r, _ = call("POST", "/oauth/register", `{}`, kind, js); r.StatusCode != 429 {
		t.Error(r)
	}
}
