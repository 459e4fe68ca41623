package web

import (
	"context"
	"encoding/json"
	"errors"
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
)

type world struct{ limited map[LimitClass]bool }

func (world) ByHost(host string) (ident.AccountID, bool) {
	switch host {
	case "a.example":
		return "acc_a", true
	case "b.example":
		return "acc_b", true
	}
	return "", false
}

func (world) OriginAllowed(account ident.AccountID, origin string) bool {
	return account == "acc_a" && origin == "https://app.example"
}

func (world) Verify(_ context.Context, account ident.AccountID, bearer string) (actor.Actor, error) {
	switch bearer {
	case "good-" + string(account):
		return actor.Actor{Kind: actor.User, Account: account, ID: "u_1"}, nil
	case "broken":
		return actor.Actor{}, fault.Wrap("verify", errors.New("SELECT secret FROM /var/lib"))
	}
	return actor.Actor{}, fault.New(fault.Unauthenticated, fault.CodeUnauthenticated, "The token is not valid.")
}

func (w world) Allow(class LimitClass, _ netip.Addr) (time.Duration, bool) {
	return 1500 * time.Millisecond, !w.limited[class]
}

func deps() Deps {
	w := world{}
	return Deps{Accounts: w, Tokens: w, Origins: w, Limiter: w, Clock: clock.NewSystem(), Log: slog.New(slog.DiscardHandler)}
}

func say(w http.ResponseWriter, r *http.Request) error {
	inner, stop := context.WithCancel(r.Context())
	defer stop()
	if ContextAddress(inner) != ClientAddress(r) || ContextAddress(context.Background()).IsValid() {
		return errors.New("the context belongs to another request")
	}
	return JSON(w, http.StatusOK, map[string]string{
		"actor": ActorOf(r).String(), "account": string(AccountOf(r)), "address": ClientAddress(r).String(),
		"user": r.PathValue("userId"), "resource": r.PathValue("resourceUri"), "permission": r.PathValue("permission"), "file": r.PathValue("file"),
	})
}

func route(method, pattern string, auth Auth, cors CORS) Route {
	r := Route{Method: method, Pattern: pattern, Auth: auth, Scope: Account, Limit: LimitPage, CORS: cors, Handler: say}
	if auth == Bearer || auth == SessionCookie || auth == BearerOrCookie {
		r.Permission = "self"
	}
	return r
}

func testRoutes() []Route {
	health := route("GET", "/healthz", Public, NoCORS)
	health.Scope = Installation
	decoded := route("POST", "/v1/decode", Public, RegisteredOrigins)
	decoded.MaxBody = 64
	decoded.Handler = func(w http.ResponseWriter, r *http.Request) error {
		var v struct{ Name string }
		if err := DecodeJSON(r, &v, 32); err != nil {
			return err
		}
		return JSON(w, 200, v)
	}
	lasting := route("GET", "/jwks", Public, AnyOrigin)
	lasting.Lasting = true
	boom := route("GET", "/v1/panic", Public, NoCORS)
	boom.Handler = func(http.ResponseWriter, *http.Request) error { panic("secret stack") }
	return []Route{
		health, decoded, boom, lasting,
		route("GET", "/page", Browser, NoCORS),
		route("POST", "/page", Browser, NoCORS),
		route("PATCH", "/api/session", SessionCookie, RegisteredOrigins),
		route("GET", "/api/either", BearerOrCookie, RegisteredOrigins),
		route("GET", "/assets/{file...}", Public, NoCORS),
		route("GET", "/dev", Local, NoCORS),
		route("GET", "/v1/users", Bearer, RegisteredOrigins),
		route("GET", "/v1/users/{userId}", Bearer, RegisteredOrigins),
		route("GET", "/v1/users/{userId}/resources", Bearer, RegisteredOrigins),
		route("GET", "/v1/users/{userId}/resources/{resourceUri***}/permissions", Bearer, RegisteredOrigins),
		route("GET", "/v1/users/{userId}/resources/{resourceUri***}/permissions/{permission}", Bearer, RegisteredOrigins),
		route("GET", "/v1/users/{userId}/resources/{resourceUri***}/roles", Bearer, RegisteredOrigins),
		route("GET", "/v1/resources", Bearer, RegisteredOrigins),
		route("GET", "/v1/resources/{resourceUri***}", Bearer, RegisteredOrigins),
		route("PUT", "/v1/resources/{resourceUri***}", Bearer, RegisteredOrigins),
		route("GET", "/v1/resources/{resourceUri***}/users", Bearer, RegisteredOrigins),
	}
}

func router(t testing.TB, change func(*Deps)) *Router {
	t.Helper()
	d := deps()
	if change != nil {
		change(&d)
	}
	rt, err := NewRouter(d, testRoutes())
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

func ask(rt *Router, method, target string, header ...string) *httptest.ResponseRecorder {
	return askBody(rt, method, target, nil, header...)
}

func askBody(rt *Router, method, target string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://a.example/", body)
	r.RequestURI = target
	_, r.URL.RawQuery, _ = strings.Cut(target, "?")
	r.RemoteAddr = "192.0.2.7:4711"
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	rt.ServeHTTP(w, r)
	return w
}

const good = "Bearer good-acc_a"

func TestUndeclaredRouteDoesNotStart(t *testing.T) {
	whole := route("GET", "/x", Bearer, NoCORS)
	for name, spoil := range map[string]func(*Route){
		"auth": func(r *Route) { r.Auth = 0 }, "cors": func(r *Route) { r.CORS = 0 }, "limit": func(r *Route) { r.Limit = 0 },
		"scope": func(r *Route) { r.Scope = "" }, "handler": func(r *Route) { r.Handler = nil }, "permission": func(r *Route) { r.Permission = "" },
		"method": func(r *Route) { r.Method = "get" }, "pattern": func(r *Route) { r.Pattern = "x" },
		"unlimited stranger": func(r *Route) { r.Auth, r.Limit = Public, LimitNone },
		"any origin":         func(r *Route) { r.CORS = AnyOrigin }, "bad pattern": func(r *Route) { r.Pattern = "/{x...}/y" },
		"caller without account": func(r *Route) { r.Scope = Installation },
	} {
		r := whole
		spoil(&r)
		if _, err := NewRouter(deps(), []Route{r}); err == nil {
			t.Errorf("%s: started", name)
		}
	}
	if _, err := NewRouter(deps(), []Route{whole, whole}); err == nil {
		t.Error("the same route twice: started")
	}
	if _, err := NewRouter(Deps{}, nil); err == nil {
		t.Error("no deps: started")
	}
}

func TestStatus(t *testing.T) {
	rt := router(t, func(d *Deps) { d.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	for _, c := range []struct {
		method, target string
		header         []string
		want           int
	}{
		{"GET", "/healthz", []string{"Host", "anything.example"}, 200},
		{"GET", "/nothing", nil, 404},
		{"GET", "/nothing", []string{"Host", "c.example"}, 421},
		{"GET", "/v1/users", []string{"Host", "A.EXAMPLE"}, 421},
		{"GET", "/v1/users", []string{"Host", "", "X-Forwarded-Host", "a.example"}, 421},
		{"GET", "/v1/users", []string{"Host", "a.example.", "Authorization", good}, 421},
		{"GET", "/v1/users", nil, 401},
		{"GET", "/v1/users?access_token=good-acc_a", nil, 401},
		{"GET", "/v1/users", []string{"Authorization", good}, 200},
		{"HEAD", "/v1/users", []string{"Authorization", good}, 200},
		{"GET", "/v1/users/", []string{"Authorization", good}, 200},
		{"GET", "/v1/users", []string{"Authorization", "bEARER good-acc_a"}, 200},
		{"GET", "/v1/users", []string{"Authorization", "Bearer good-acc_b"}, 401},
		{"GET", "/v1/users", []string{"Authorization", good, "Authorization", good}, 401},
		{"GET", "/v1/users", []string{"Authorization", good + ", " + good}, 401},
		{"GET", "/v1/users", []string{"Authorization", "Bearer  good-acc_a"}, 401},
		{"GET", "/v1/users", []string{"Authorization", "Bearer"}, 401},
		{"GET", "/v1/users", []string{"Authorization", "Bearer \xff"}, 401},
		{"GET", "/v1/users", []string{"Authorization", "Basic YTpi"}, 401},
		{"GET", "/v1/users", []string{"Authorization", "Bearer " + strings.Repeat("x", maxBearer)}, 401},
		{"GET", "/v1/users", []string{"Authorization", "Bearer broken"}, 500},
		{"POST", "/v1/users", nil, 405},
		{"TRACE", "/v1/users", nil, 405},
		{"GET", "/v1/%75sers", []string{"Authorization", good}, 404},
		{"GET", "//v1/users", []string{"Authorization", good}, 404},
		{"GET", "/v1/x/../users", []string{"Authorization", good}, 404},
		{"GET", "/v1/panic", nil, 500},
		{"POST", "/page", nil, 200},
		{"POST", "/page", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"POST", "/page", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", "/page", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://app.example"}, 403},
		{"POST", "/page", []string{"Origin", "https://a.example"}, 200},
		{"POST", "/page", []string{"Origin", "https://evil.example"}, 403},
		{"GET", "/page", []string{"Sec-Fetch-Site", "cross-site"}, 200},
		{"PATCH", "/api/session", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://app.example"}, 200},
		{"PATCH", "/api/session", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		{"PATCH", "/api/session", []string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, 403},
		{"PATCH", "/api/session", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"PATCH", "/api/session", []string{"Host", "b.example", "Sec-Fetch-Site", "cross-site", "Origin", "https://app.example"}, 403},
		{"GET", "/api/either", nil, 200},
		{"GET", "/api/either", []string{"Authorization", "Bearer bad"}, 401},
		{"GET", "/dev", []string{"Host", "localhost:8080"}, 421}, // the test's accounts know no localhost
		{"GET", "/dev", nil, 404},
		{"GET", "/jwks?kid=1&x=%2F+y", nil, 200},
		{"GET", "/jwks?a=1;b=2", nil, 400},
		{"GET", "/jwks?a=%00", nil, 400},
		{"GET", "/jwks?a=%ff", nil, 400},
		{"GET", "/" + strings.Repeat("a/", 3000), nil, 404},
	} {
		w := ask(rt, c.method, c.target, c.header...)
		if w.Code != c.want {
			t.Errorf("%s %.60s %.80q: %d, want %d: %s", c.method, c.target, c.header, w.Code, c.want, w.Body)
		}
		if w.Code == 401 && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s %s: no challenge", c.method, c.target)
		}
		if w.Code >= 400 {
			var body map[string]string
			if json.Unmarshal(w.Body.Bytes(), &body) != nil || len(body) != 3 || body["errorId"] != w.Header().Get("X-Request-Id") {
				t.Errorf("%s %s: error body %s", c.method, c.target, w.Body)
			}
			if strings.Contains(w.Body.String(), "SELECT") || strings.Contains(w.Body.String(), "stack") {
				t.Errorf("%s %s leaks: %s", c.method, c.target, w.Body)
			}
		}
		for name, want := range map[string]string{"Vary": "Origin", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s %s: %s is %q", c.method, c.target, name, got)
			}
		}
	}
}

func TestPathReading(t *testing.T) {
	rt := router(t, nil)
	for _, c := range []struct{ target, want string }{
		{"/v1/users/u%7C1", `"user":"u|1"`},
		{"/v1/users/u/resources/a/permissions/read", `"permission":"read","resource":"a","user":"u"`},
		{"/v1/users/u/resources/a%2Fb%2f*/permissions/read", `"resource":"a/b/*"`},
		{"/v1/users/u/resources/a/b/c/permissions/read", `"permission":"read","resource":"a/b/c"`},
		{"/v1/users/u/resources//a/b/permissions/read", `"resource":"/a/b"`},
		{"/v1/users/u/resources/a/b/roles", `"resource":"a/b"`},
		{"/v1/users/u/resources/permissions/permissions/read", `"resource":"permissions"`},
		{"/v1/users/u/resources/a%2Fpermissions%2Fb/permissions/read", `"resource":"a/permissions/b"`},
		{"/v1/users/u/resources/a/permissions/permissions", `"permission":"permissions","resource":"a"`},
		{"/v1/users/u/resources/a/permissions/", `"permission":"","resource":"a"`},
		{"/v1/users/u/resources/", `"resource":"","user":"u"`},
		{"/v1/users/u/resources/a/b/permissions/c/permissions/d", "400"},
		{"/v1/users/u/resources/a%2Fb/c/permissions/d", "400"},
		{"/v1/users/u/resources/a%252Fb/permissions/d", "400"},
		{"/v1/users/u/resources/a%00b/permissions/d", "400"},
		{"/v1/users/u/resources/a%5Cb/permissions/d", "400"},
		{"/v1/users/u/resources/%FF/permissions/d", "400"},
		{"/v1/users/a%2Fb", `"user":"a/b"`},
		{"/v1/users/a%2fb", `"user":"a/b"`},
		{"/v1/users/a/b", "404"},
		{"/v1/users/%2Fa%2F%2F", `"user":"/a//"`},
		{"/v1/users/a%2Fb/resources/c/roles", `"resource":"c","user":"a/b"`},
		{"/v1/users/u%2Fresources%2Fc/resources/d/permissions/read", `"permission":"read","resource":"d","user":"u/resources/c"`},
		{"/v1/users/u%2Fresources%2Fc%2Froles", `"user":"u/resources/c/roles"`},
		{"/v1/users/a%2Fb/resources/c%2Fd/e/permissions/read", "400"},
		{"/v1/users/a%2F%2e%2e", "400"},
		{"/v1/users/%2e%2e%2Fa", "400"},
		{"/v1/users/%2e%2e%2fa", "400"},
		{"/v1/users/a%2F..%2Fb", "400"},
		{"/v1/users/a%2F.%2Fb", "400"},
		{"/v1/users/a%252Fb/resources/c/roles", "400"},
		{"/v1/users/a%25%32Fb/resources/c/roles", "400"},
		{"/v1/users/a%2F%5Cb/resources/c/roles", "400"},
		{"/v1/users/a%2F%00/resources/c/roles", "400"},
		{"/v1/users/a%C0%AFb/resources/c/roles", "400"},
		{"/v1/users/u/resources/c/permissions/a%2Fb", "400"},
		{"/v1/users/..", "400"},
		{"/v1/users/%2e%2e", "400"},
		{"/v1/users/a%252Fb", "400"},
		{"/v1/resources", `"resource":""`},
		{"/v1/resources/", `"resource":""`},
		{"/v1/resources/a%2Fb", `"resource":"a/b"`},
		{"/v1/resources/a/b", `"resource":"a/b"`},
		{"/v1/resources/a/users", `"resource":"a"`},
		{"/v1/resources/users", `"resource":"users"`},
		{"/v1/resources/users/users", `"resource":"users"`},
		{"/v1/resources/a/users/b", "400"},
		{"/assets/x/y.css", `"file":"x/y.css"`},
		{"/assets/x/y.css?v=1", `"file":"x/y.css"`},
		{"/v1/users/u/x.css", "404"},
		{"/v1/users;x.css", "404"},
	} {
		w := ask(rt, "GET", c.target, "Authorization", good)
		got := w.Body.String()
		if w.Code != 200 {
			got = http.StatusText(w.Code)
			if c.want == "400" && w.Code == 400 || c.want == "404" && w.Code == 404 {
				continue
			}
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.target, got, c.want)
		}
	}
}

func TestCORS(t *testing.T) {
	rt := router(t, func(d *Deps) { d.Limiter = world{limited: map[LimitClass]bool{LimitBadToken: true}} })
	for _, c := range []struct {
		method, target, origin string
		header                 []string
		allow, credentials     string
	}{
		{"GET", "/v1/users", "https://app.example", []string{"Authorization", good}, "https://app.example", "true"},
		{"GET", "/v1/users", "https://app.example", nil, "https://app.example", "true"},
		{"GET", "/v1/users", "https://app.example", []string{"Authorization", "Bearer bad"}, "https://app.example", "true"},
		{"GET", "/v1/nothing", "https://app.example", nil, "https://app.example", "true"},
		{"POST", "/v1/users", "https://app.example", nil, "https://app.example", "true"},
		{"OPTIONS", "/v1/users", "https://app.example", []string{"Access-Control-Request-Method", "GET"}, "https://app.example", "true"},
		{"OPTIONS", "/api/session", "https://app.example", []string{"Access-Control-Request-Method", "PATCH"}, "https://app.example", "true"},
		{"GET", "/v1/users", "https://app.example:444", []string{"Authorization", good}, "", ""},
		{"GET", "/v1/users", "https://app.example.evil.example", []string{"Authorization", good}, "", ""},
		{"GET", "/v1/users", "https://APP.example", []string{"Authorization", good}, "", ""},
		{"GET", "/v1/users", "null", []string{"Authorization", good}, "", ""},
		{"OPTIONS", "/v1/users", "https://evil.example", []string{"Access-Control-Request-Method", "GET"}, "", ""},
		{"GET", "/v1/users", "https://app.example", []string{"Host", "b.example"}, "", ""},
		{"GET", "/v1/users", "https://app.example", []string{"Origin", "https://evil.example"}, "", ""},
		{"GET", "/page", "https://app.example", nil, "", ""},
		{"OPTIONS", "/page", "https://app.example", []string{"Access-Control-Request-Method", "POST"}, "", ""},
		{"GET", "/jwks", "https://evil.example", nil, "*", ""},
		{"OPTIONS", "/jwks", "https://evil.example", []string{"Access-Control-Request-Method", "GET"}, "*", ""},
	} {
		w := ask(rt, c.method, c.target, append([]string{"Origin", c.origin}, c.header...)...)
		h := w.Header()
		if h.Get("Access-Control-Allow-Origin") != c.allow || h.Get("Access-Control-Allow-Credentials") != c.credentials || h.Get("Vary") != "Origin" {
			t.Errorf("%s %s from %s: %d %v", c.method, c.target, c.origin, w.Code, h)
		}
		if c.method == "OPTIONS" && c.allow != "" && (w.Code != 204 || h.Get("Access-Control-Max-Age") != "7200" ||
			!strings.Contains(h.Get("Access-Control-Allow-Headers"), "x-powered-by")) {
			t.Errorf("preflight of %s: %d %v", c.target, w.Code, h)
		}
	}
}

func TestLimits(t *testing.T) {
	rt := router(t, func(d *Deps) { d.Limiter = world{limited: map[LimitClass]bool{LimitPage: true}} })
	w := ask(rt, "GET", "/jwks")
	if w.Code != 429 || w.Header().Get("Retry-After") != "2" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	rt = router(t, nil)
	for body, want := range map[string]int{
		`{"Name":"x"}`: 200, strings.Repeat(" ", 40): 413, strings.Repeat(" ", 100): 413, ``: 400, `{"Name":"x"`: 400, `{"name":"x"}`: 400, `null`: 400, `[]`: 400,
	} {
		if w := askBody(rt, "POST", "/v1/decode", strings.NewReader(body)); w.Code != want {
			t.Errorf("%q: %d, want %d", body, w.Code, want)
		}
		if w := askBody(rt, "POST", "/v1/decode", io.MultiReader(strings.NewReader(body))); w.Code != want { // chunked
			t.Errorf("chunked %q: %d, want %d", body, w.Code, want)
		}
	}
	if w := askBody(rt, "POST", "/v1/decode", strings.NewReader(`{}`), "Content-Encoding", "gzip"); w.Code != 415 {
		t.Errorf("gzip: %d", w.Code)
	}
	rt = router(t, func(d *Deps) { d.Fresh = func() bool { return false } })
	if w := ask(rt, "GET", "/v1/users", "Authorization", good); w.Code != 503 || w.Header().Get("Retry-After") != "2" {
		t.Errorf("stale: %d", w.Code)
	}
	if w := ask(rt, "GET", "/healthz"); w.Code != 200 {
		t.Errorf("stale health: %d", w.Code)
	}
	if w := ask(rt, "GET", "/jwks"); w.Code != 200 {
		t.Errorf("stale document: %d", w.Code)
	}
}

func TestClientAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		remote string
		xff    []string
		want   string
	}{
		{"192.0.2.7:1", []string{"203.0.113.1"}, "192.0.2.7"},
		{"10.0.0.1:1", nil, "10.0.0.1"},
		{"10.0.0.1:1", []string{"203.0.113.1"}, "203.0.113.1"},
		{"10.0.0.1:1", []string{"198.51.100.9, 203.0.113.1, 10.2.3.4"}, "203.0.113.1"},
		{"10.0.0.1:1", []string{"198.51.100.9", "203.0.113.1"}, "203.0.113.1"},
		{"10.0.0.1:1", []string{"evil, 10.9.9.9"}, "10.9.9.9"},
		{"10.0.0.1:1", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"[::ffff:10.0.0.1]:1", []string{"::ffff:203.0.113.1"}, "203.0.113.1"},
		{"@", nil, "invalid IP"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = c.remote, c.xff
		if got := clientAddress(r, peerAddress(r.RemoteAddr), trusted).String(); got != c.want {
			t.Errorf("%s %q: %s, want %s", c.remote, c.xff, got, c.want)
		}
	}
}

func TestLocal(t *testing.T) {
	for _, c := range []struct {
		remote, host, forwarded string
		want                    bool
	}{
		{"127.0.0.1:9", "localhost:8080", "", true}, {"[::1]:9", "[::1]:8080", "", true}, {"127.0.0.1:9", "127.0.0.1", "", true},
		{"127.0.0.1:9", "rebind.example:8080", "", false}, {"127.0.0.1:9", "localhost.evil.example", "", false},
		{"192.0.2.1:9", "localhost", "", false}, {"127.0.0.1:9", "localhost", "203.0.113.1", false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Host = c.remote, c.host
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := local(r); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// PathValue finds the parameters of a route whether or not it is hot, and those of one request only.
func TestPathValue(t *testing.T) {
	pattern := "/v1/users/{userId}/resources/{resourceUri***}/permissions/{permission}"
	for _, hot := range []bool{false, true} {
		rt := route("GET", pattern, Public, NoCORS)
		rt.Hot = hot
		rt.Handler = func(w http.ResponseWriter, r *http.Request) error {
			r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, r.Context().Value(exchangeKey{})))
			return JSON(w, 200, []string{PathValue(r, "userId"), PathValue(r, "resourceUri"), PathValue(r, "permission"), PathValue(r, "other")})
		}
		router, err := NewRouter(deps(), []Route{rt})
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]string{
			"/v1/users/a/resources/b%2Fc/permissions/d": `["a","b/c","d",""]`,
			"/v1/users/e/resources/f/permissions/g%3Ah": `["e","f","g:h",""]`,
		} {
			r := httptest.NewRequest("GET", "http://a.example"+path, nil)
			w := httptest.NewRecorder()
			router.ServeHTTP(w, r)
			if w.Body.String() != want {
				t.Errorf("hot %v, %s: %s", hot, path, w.Body)
			}
		}
	}
	if PathValue(httptest.NewRequest("GET", "/", nil), "userId") != "" {
		t.Error("a request outside the chain has a parameter")
	}
}

func TestAHotRouteHasFewParameters(t *testing.T) {
	rt := route("GET", "/a/{a}/{b}/{c}/{d}", Public, NoCORS)
	rt.Hot = true
	if _, err := NewRouter(deps(), []Route{rt}); err == nil {
		t.Error("it passes")
	}
}

func TestCharactersOfBearers(t *testing.T) {
	for c := range 256 {
		b := byte(c)
		want := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-._~+/=|:", b) >= 0
		if _, err := bearerOf(http.Header{"Authorization": {"Bearer a" + string([]byte{b}) + "a"}}); (err == nil) != want {
			t.Errorf("%q: %v", b, err)
		}
	}
}
