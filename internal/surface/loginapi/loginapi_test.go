package loginapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/redeem"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/surface/loginapi"
	"github.com/admit-id/admit/internal/user"
)

const origin = "https://app.example.test"

// world is everything behind the surface.
type world struct {
	issuer   string
	started  login.StartRequest
	updated  login.UpdateRequest
	exchange redeem.Request
	err      error
	ended    []string
	app      application.Application
	devices  *devices
}

func newWorld() *world {
	return &world{issuer: "https://login.example.test", devices: &devices{}, app: application.Application{
		Account: "acc", ID: "app_default", Name: "Shop", RedirectURLs: []string{origin + "/"}, RedirectMode: application.Origin, Active: true,
	}}
}

func (w *world) Start(_ context.Context, r login.StartRequest) (login.Started, error) {
	w.started = r
	return login.Started{ID: "login_1", URL: w.issuer + "/login?state=login_1"}, w.err
}

func (w *world) Update(_ context.Context, r login.UpdateRequest) (login.Started, error) {
	w.updated = r
	return login.Started{ID: r.ID, URL: w.issuer + "/login?state=login_1"}, w.err
}

func tokens() login.Tokens {
	return login.Tokens{Access: secret.New("AT"), ID: secret.New("IT"), Expires: time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC), Life: time.Hour}
}

func (w *world) Exchange(_ context.Context, r redeem.Request) (login.Tokens, error) {
	w.exchange = r
	return tokens(), w.err
}

func (w *world) Renew(_ context.Context, a actor.Actor, cookie secret.Text, app ident.ApplicationID) (redeem.Renewed, error) {
	if a.Account != "acc" || cookie.Reveal() != "alive" || app != "app_default" {
		return redeem.Renewed{}, session.ErrNone
	}
	return redeem.Renewed{
		Tokens: tokens(), Session: session.Session{ID: "ses_1", User: "usr_1", AbsoluteExpiry: time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)}, Cookie: secret.New("next"),
	}, w.err
}

func (w *world) Peek(_ context.Context, _ ident.AccountID, cookie secret.Text) (session.Session, error) {
	if cookie.Reveal() != "alive" {
		return session.Session{}, session.ErrNone
	}
	return session.Session{ID: "ses_1", User: "usr_1"}, nil
}

func (w *world) End(_ context.Context, a actor.Actor, account ident.AccountID, id ident.SessionID) error {
	w.ended = append(w.ended, "id:"+string(id))
	return nil
}

func (w *world) EndCookie(_ context.Context, a actor.Actor, cookie secret.Text) (bool, error) {
	if !cookie.Empty() {
		w.ended = append(w.ended, "cookie:"+cookie.Reveal())
	}
	return !cookie.Empty(), nil
}

func (w *world) ByHost(host string) (ident.AccountID, bool) {
	return "acc", host == "login.example.test" || strings.HasSuffix(host, ":8080")
}

func (w *world) OriginAllowed(_ ident.AccountID, o string) bool { return o == origin }

func (w *world) Issuer(ident.AccountID) string { return w.issuer }

func (w *world) Verify(_ context.Context, account ident.AccountID, bearer string) (actor.Actor, error) {
	switch bearer {
	case "person":
		return actor.Actor{Kind: actor.User, Account: account, ID: "usr_1", Session: "ses_9"}, nil
	case "client":
		return actor.Actor{Kind: actor.User, Account: account, ID: "usr_1", Session: "ses_9", Delegated: true}, nil
	case "machine":
		return actor.Actor{Kind: actor.ServiceClient, Account: account, ID: "sc_1"}, nil
	}
	return actor.Actor{}, fault.New(fault.Unauthenticated, fault.CodeUnauthenticated, "The token is not valid.")
}

func (w *world) Allow(web.LimitClass, netip.Addr) (time.Duration, bool) { return 0, true }

type applications struct{ *world }

func (a applications) Get(_ ident.AccountID, id ident.ApplicationID) (application.Application, bool) {
	return a.app, id == a.app.ID
}

func (a applications) ByOrigin(_ ident.AccountID, o string) (application.Application, bool) {
	return a.app, o == origin
}

type users struct{}

func (users) Get(_ context.Context, _ ident.AccountID, id ident.UserID) (user.User, error) {
	if id != "usr_1" {
		return user.User{}, fault.New(fault.NotFound, fault.CodeNotFound, "There is no such user.")
	}
	return user.User{ID: id, Identities: []user.Identity{{Connection: "con_idp", Issuer: "https://idp.example", Subject: "s1"}}}, nil
}

// call sends a request. Headers are given as "Name: value".
func (w *world) call(t *testing.T, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	clk := clock.NewFake(time.UnixMilli(1772539200000))
	s := loginapi.New(loginapi.Deps{Logins: w, Codes: w, Sessions: w, Users: users{}, Applications: applications{w}, Accounts: w, Clock: clk, Devices: w.devices, SessionByID: w.devices})
	rt, err := web.NewRouter(web.Deps{Accounts: w, Tokens: w, Origins: w, Limiter: w, Clock: clk, Log: slog.New(slog.DiscardHandler), HTTPS: true}, s.Routes())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if !strings.HasPrefix(target, "http") {
		r.Host = "login.example.test"
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	rec := httptest.NewRecorder()
	rt.ServeHTTP(rec, r)
	return rec
}

func want(t *testing.T, rec *httptest.ResponseRecorder, status int, members ...string) map[string]any {
	t.Helper()
	if rec.Code != status {
		t.Fatalf("status %d; want %d: %s", rec.Code, status, rec.Body)
	}
	var got map[string]any
	if rec.Body.Len() > 0 {
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
			t.Fatalf("%v: %s", err, rec.Body)
		}
	}
	for _, m := range members {
		name, value, _ := strings.Cut(m, "=")
		if fmt.Sprint(got[name]) != value {
			t.Fatalf("%s is %v; want %s", name, got[name], value)
		}
	}
	if rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q", rec.Header().Get("Cache-Control"))
	}
	return got
}

// The hashes were made by @authress/login 2.6.439 at the time that the test's clock shows.
func TestStart(t *testing.T) {
	w := newWorld()
	rec := w.call(t, "POST", "/api/authentication", `{"antiAbuseHash":"v2;1772539200000;2351;00lHokNc-6g-KuIypxoudZWRXWkQD0JbwN8QTVgYAac",
		"redirectUrl":"https://app.example.test/","codeChallengeMethod":"S256","codeChallenge":"c","audiences":["a","b"],"connectionId":"con_idp",
		"tenantLookupIdentifier":"ténant","inviteId":"inv","connectionProperties":{"prompt":"login","max_age":5,"x":null},"applicationId":"app_default",
		"responseLocation":"cookie","flowType":"token id_token","multiAccount":true,"requestedScopes":["s"],"unknown":{"a":[1]}}`, "Origin: "+origin)
	want(t, rec, 200, "authenticationUrl=https://login.example.test/login?state=login_1", "authenticationRequestId=login_1")
	if rec.Header().Get("Access-Control-Allow-Origin") != origin || rec.Header().Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("headers %v", rec.Header())
	}
	r := w.started
	if r.Account != "acc" || r.Application != "app_default" || r.RedirectURL != "https://app.example.test/" || r.ChallengeMethod != "S256" || r.Challenge != "c" ||
		r.Connection != "con_idp" || r.TenantLookup != "ténant" || r.Invite != "inv" || fmt.Sprint(r.ConnectionProperties) != "map[max_age:5 prompt:login]" ||
		fmt.Sprint(r.Audiences) != "[a b]" || fmt.Sprint(r.Scopes) != "[s]" || r.ResponseLocation != "cookie" || r.FlowType != "token id_token" || !r.MultiAccount || r.AntiAbuse == nil {
		t.Errorf("started with %+v", r)
	}
	for name, body := range map[string]string{
		"plain":          `{"applicationId":"app_default","antiAbuseHash":"v2;1772539200000;6983;00_a0NqJaCOCDXzqRl5Iz6fRaHnHKiLq7IujG7JA7ZA"}`,
		"empty list":     `{"applicationId":"app_default","audiences":[],"antiAbuseHash":"v2;1772539200000;14815;003EoY01WIjR2MYI6hETo1YfVpQtv-sX4al0X_L0h5w"}`,
		"without a hash": `{"applicationId":"app_default"}`,
	} {
		t.Run(name, func(t *testing.T) { want(t, w.call(t, "POST", "/api/authentication", body), 200) })
	}
}

func TestStartRefusals(t *testing.T) {
	for name, body := range map[string]string{
		"another application's hash": `{"applicationId":"app_2","antiAbuseHash":"v2;1772539200000;6983;00_a0NqJaCOCDXzqRl5Iz6fRaHnHKiLq7IujG7JA7ZA"}`,
		"another count":              `{"applicationId":"app_default","antiAbuseHash":"v2;1772539200000;6984;00_a0NqJaCOCDXzqRl5Iz6fRaHnHKiLq7IujG7JA7ZA"}`,
		"old":                        `{"applicationId":"app_default","antiAbuseHash":"v2;1772538899999;6983;00_a0NqJaCOCDXzqRl5Iz6fRaHnHKiLq7IujG7JA7ZA"}`,
		"future":                     `{"applicationId":"app_default","antiAbuseHash":"v2;1772539500001;6983;00_a0NqJaCOCDXzqRl5Iz6fRaHnHKiLq7IujG7JA7ZA"}`,
		"no work":                    `{"applicationId":"app_default","antiAbuseHash":"v2;1772539200000;1;xx_a0NqJaCOCDXzqRl5Iz6fRaHnHKiLq7IujG7JA7ZA"}`,
		"nonsense":                   `{"applicationId":"app_default","antiAbuseHash":"nonsense"}`,
		"no JSON":                    `{`, "a list": `[]`, "duplicate": `{"applicationId":"a","applicationId":"b"}`, "case": `{"applicationId":"a","ApplicationID":"b"}`,
		"wrong type": `{"applicationId":1}`, "property object": `{"connectionProperties":{"a":{}}}`, "empty": ``, "audience number": `{"audiences":[1]}`,
	} {
		t.Run(name, func(t *testing.T) {
			got := want(t, newWorld().call(t, "POST", "/api/authentication", body), 400, "errorCode=InvalidRequest")
			if got["title"] == "" || got["errorId"] == "" {
				t.Errorf("error %v", got)
			}
		})
	}
	w := newWorld()
	w.err = fault.New(fault.Invalid, "InvalidRedirectUrl", "No.")
	want(t, w.call(t, "POST", "/api/authentication", `{}`), 400, "errorCode=InvalidRedirectUrl", "title=No.")
	if rec := w.call(t, "POST", "/api/authentication", `{}`, "Origin: https://evil.example"); rec.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("a foreign origin may read the answer")
	}
}

func TestUpdate(t *testing.T) {
	w := newWorld()
	want(t, w.call(t, "PATCH", "/api/authentication/login_1",
		`{"connectionId":"con_idp","antiAbuseHash":"v2;1772539200000;608;00URBeuYTH-llOWXCZrHmTFkJYV1bju7IsLeU1FmaBU"}`), 200, "authenticationRequestId=login_1")
	if w.updated.ID != "login_1" || w.updated.Connection != "con_idp" || w.updated.AntiAbuse == nil {
		t.Errorf("updated %+v", w.updated)
	}
	want(t, w.call(t, "PATCH", "/api/authentication/login_2",
		`{"connectionId":"con_idp","antiAbuseHash":"v2;1772539200000;608;00URBeuYTH-llOWXCZrHmTFkJYV1bju7IsLeU1FmaBU"}`), 400)
}

func TestExchange(t *testing.T) {
	w := newWorld()
	body := `{"grant_type":"authorization_code","redirect_uri":"https://app.example.test/","client_id":"app_default","code":"abc","code_verifier":"v",
		"antiAbuseHash":"v2;1772539200000;20512;00Ur6XKKiMGgq_wnS9hYAvr0S47p11cw5F4NajuFg-A"}`
	want(t, w.call(t, "POST", "/api/authentication/login_1/tokens", body), 200, "access_token=AT", "id_token=IT", "expires_in=3600", "token_type=Bearer")
	if x := w.exchange; x.ID != "login_1" || x.Application != "app_default" || x.RedirectURL != "https://app.example.test/" || x.Code.Reveal() != "abc" || x.Verifier.Reveal() != "v" {
		t.Errorf("exchanged %+v", x)
	}
	want(t, w.call(t, "POST", "/api/authentication/login_1/tokens", strings.Replace(body, `"abc"`, `"abd"`, 1)), 400, "error=invalid_request")
	want(t, w.call(t, "POST", "/api/authentication/login_1/tokens", `{"grant_type":"password"}`), 400, "error=unsupported_grant_type")
	want(t, w.call(t, "POST", "/api/authentication/login_1/tokens", `{`), 400, "error=invalid_request")
	w.err = redeem.ErrRefused
	got := want(t, w.call(t, "POST", "/api/authentication/login_1/tokens", body), 400, "error=invalid_request", "errorCode=InvalidRequest")
	if got["title"] == "" {
		t.Errorf("error %v", got)
	}
	w.err = fault.New(fault.Unavailable, fault.CodeUnavailable, "Later.")
	want(t, w.call(t, "POST", "/api/authentication/login_1/tokens", body), 503, "error=server_error")
}

const alive = "Cookie: __Host-admit-session=alive"

func TestRenew(t *testing.T) {
	w := newWorld()
	for _, method := range []string{"PATCH", "GET"} {
		rec := w.call(t, method, "/api/session", `{}`, alive, "Origin: "+origin)
		want(t, rec, 200, "access_token=AT", "id_token=IT", "expires_in=3600")
		next := rec.Result().Cookies()
		if len(next) != 1 || next[0].Raw != "__Host-admit-session=next; Path=/; Expires=Mon, 04 May 2026 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax" {
			t.Errorf("cookies %v", next)
		}
	}
	want(t, w.call(t, "GET", "/api/session", ``, alive, "Sec-Fetch-Site: same-origin"), 200)
	want(t, w.call(t, "PATCH", "/api/session", `{}`, "Origin: "+origin), 404)
	want(t, w.call(t, "PATCH", "/api/session", `{}`, "Cookie: __Host-admit-session=dead", "Origin: "+origin), 404)
	want(t, w.call(t, "PATCH", "/api/session", `{}`, "Cookie: admit-session=alive", "Origin: "+origin), 404)
	want(t, w.call(t, "PATCH", "/api/session", `{}`, alive+"; __Host-admit-session=planted", "Origin: "+origin), 404)
	want(t, w.call(t, "PATCH", "/api/session", `{}`, alive, "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"), 403)
	want(t, w.call(t, "GET", "/api/session", ``, alive), 403)
	want(t, w.call(t, "GET", "/api/session", ``, alive, "Origin: https://evil.example"), 403)
	want(t, w.call(t, "GET", "/api/session", ``, alive, "Origin: null"), 403)

	w.app.CookieDomain = "example.test"
	rec := w.call(t, "PATCH", "/api/session", `{}`, alive, "Origin: "+origin)
	want(t, rec, 200, "access_token=AT")
	cookies := rec.Result().Cookies()
	if len(cookies) != 3 || cookies[0].Name != "__Host-admit-session" || cookies[0].Domain != "" {
		t.Fatalf("cookies %v", cookies)
	}
	cookies = cookies[1:]
	if cookies[0].Name != "authorization" || cookies[0].Value != "AT" || cookies[1].Name != "user" || cookies[1].Value != "IT" {
		t.Fatalf("cookies %v", cookies)
	}
	for _, c := range cookies {
		if c.Domain != "example.test" || !c.Secure || c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			t.Errorf("cookie %v", c)
		}
	}
}

func TestEnd(t *testing.T) {
	w := newWorld()
	w.app.CookieDomain = "example.test"
	rec := w.call(t, "DELETE", "/api/session", ``, alive, "Origin: "+origin)
	want(t, rec, 200)
	if fmt.Sprint(w.ended) != "[cookie:alive]" {
		t.Fatalf("ended %v", w.ended)
	}
	gone := map[string]string{}
	for _, c := range rec.Result().Cookies() {
		if c.MaxAge >= 0 {
			t.Errorf("cookie %v", c)
		}
		gone[c.Name] = c.Domain
	}
	if fmt.Sprint(gone) != "map[__Host-admit-session: authorization:example.test user:example.test]" {
		t.Errorf("gone %v", gone)
	}
	w.ended = nil
	want(t, w.call(t, "DELETE", "/api/session", ``, "Authorization: Bearer person", "Origin: "+origin), 200)
	if fmt.Sprint(w.ended) != "[id:ses_9]" {
		t.Fatalf("ended %v", w.ended)
	}
	want(t, w.call(t, "DELETE", "/api/session", ``, "Origin: "+origin), 200)
	want(t, w.call(t, "DELETE", "/api/session", ``, alive, "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"), 403)
	want(t, w.call(t, "DELETE", "/api/session", ``, "Authorization: Bearer forged"), 401)
}

func TestProfile(t *testing.T) {
	w := newWorld()
	const identities = "linkedIdentities=[map[connection:map[connectionId:con_idp userId:s1]]]"
	want(t, w.call(t, "GET", "/api/session/profile", ``, alive, "Origin: "+origin), 200, "userId=usr_1", identities)
	want(t, w.call(t, "GET", "/api/session/profile", ``, "Authorization: Bearer person"), 200, identities)
	want(t, w.call(t, "GET", "/api/session/profile", ``, "Authorization: Bearer machine"), 403)
	want(t, w.call(t, "GET", "/api/session/profile", ``), 404)
}

func TestLogout(t *testing.T) {
	w := newWorld()
	to := func(redirect string) string {
		return "/logout?" + url.Values{"redirect_uri": {redirect}, "client_id": {"app_default"}}.Encode()
	}
	location := func(rec *httptest.ResponseRecorder) string {
		t.Helper()
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("status %d, headers %v", rec.Code, rec.Header())
		}
		return rec.Header().Get("Location")
	}
	if got := location(w.call(t, "GET", to(origin+"/bye?x=1"), ``, alive, "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate")); got != origin+"/bye?x=1" {
		t.Fatalf("leads to %s", got)
	}
	if fmt.Sprint(w.ended) != "[cookie:alive]" {
		t.Fatalf("ended %v", w.ended)
	}
	for _, bad := range []string{"https://evil.example/", "//evil.example", "javascript:alert(1)", origin + ".evil.example/", "", "/x"} {
		if got := location(w.call(t, "GET", to(bad), ``)); got != "/logged-out" {
			t.Errorf("%q leads to %s", bad, got)
		}
	}
	if got := location(w.call(t, "GET", "/logout?redirect_uri="+url.QueryEscape(origin+"/"), ``)); got != "/logged-out" {
		t.Errorf("without a client_id it leads to %s", got)
	}
	w.ended = nil
	for _, dest := range []string{"image", "script", "iframe", "empty", "style"} {
		if rec := w.call(t, "GET", to(origin+"/"), ``, alive, "Sec-Fetch-Dest: "+dest, "Sec-Fetch-Mode: no-cors"); rec.Code != 403 {
			t.Errorf("%s: %d", dest, rec.Code)
		}
	}
	for _, purpose := range []string{"Sec-Purpose: prefetch;prerender", "Purpose: prefetch"} { // the browser guesses where its person goes next
		if rec := w.call(t, "GET", to(origin+"/"), ``, alive, "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate", purpose); rec.Code != 403 {
			t.Errorf("%s: %d", purpose, rec.Code)
		}
	}
	if rec := w.call(t, "HEAD", to(origin+"/"), ``, alive); rec.Code != 200 {
		t.Errorf("HEAD: %d", rec.Code)
	}
	if rec := w.call(t, "GET", to(origin+"/")+"&client_id=app_2", ``, alive); rec.Code != 400 {
		t.Errorf("two client ids: %d", rec.Code)
	}
	if w.ended != nil {
		t.Errorf("ended %v", w.ended)
	}
}

// TestLogoutOnLoopback: the session of a page on localhost is on 127.0.0.1, so a browser goes there too.
func TestLogoutOnLoopback(t *testing.T) {
	w := newWorld()
	w.issuer = "http://localhost:8080"
	query := "client_id=app_default&hop=1&redirect_uri=" + url.QueryEscape(origin+"/")
	const navigate = "Sec-Fetch-Mode: navigate"
	for from, to := range map[string]string{"localhost": "127.0.0.1", "127.0.0.1": "localhost"} {
		w.ended = nil
		rec := w.call(t, "GET", "http://"+from+":8080/logout?client_id=app_default&redirect_uri="+url.QueryEscape(origin+"/"), ``, navigate, "Cookie: admit-session=x")
		if got := rec.Header().Get("Location"); got != "http://"+to+":8080/logout?"+query {
			t.Errorf("from %s to %s", from, got)
		}
		rec = w.call(t, "GET", "http://"+to+":8080/logout?"+query, ``, navigate, "Cookie: admit-session=y")
		if got := rec.Header().Get("Location"); got != origin+"/" || fmt.Sprint(w.ended) != "[cookie:x cookie:y]" {
			t.Errorf("leads to %s, ended %v", got, w.ended)
		}
	}
}
