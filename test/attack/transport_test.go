package attack

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

func TestJWT13_OversizeAndNestedTokens(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		nested := strings.Repeat("eyJ", 1000) + "." + strings.Repeat("W1tb", 1500) + ".AAAA"
		w.whileHonest(64<<20, func() {
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for range 25 {
						for _, token := range []string{strings.Repeat("a", 64<<10), strings.Repeat("A.", 4000), nested, strings.Repeat("x", 1<<20)} {
							a := w.raw("GET /v1/roles HTTP/1.1\r\nHost: " + w.host() + "\r\nAuthorization: Bearer " + token + "\r\nConnection: close\r\n\r\n")
							if a.status != 401 && a.status != 413 && a.status != 431 && a.status != 429 && a.status != 0 {
								t.Errorf("a token of %d bytes: %d", len(token), a.status)
							}
							if a.took > 30*time.Second {
								t.Errorf("a token of %d bytes: took %v", len(token), a.took)
							}
						}
					}
				})
			}
			all.Wait()
		})
	})
}

func TestOAU28_NothingIsCached(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		admin := []string{"Authorization", "Bearer " + w.key}
		for _, target := range []string{"GET /v1/roles", "GET /v1/users", "GET /v1/records", "GET /v1/nothing", "GET /api/session", "PATCH /api/session", "POST /api/authentication", "GET /login", "GET /setup?token=x", "GET /logout", "GET /healthz"} {
			method, path, _ := strings.Cut(target, " ")
			a := w.send(method, path, "", admin...)
			if !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
				t.Errorf("%s: %d, Cache-Control %q", target, a.status, a.header.Get("Cache-Control"))
			}
		}
		for _, path := range []string{"/v1/roles;x.css", "/v1/roles/x/y.css", "/v1/users%2fx.css", "/api/session/x.css", "/api/session;x.css", "/api/session%2fx.js", "/v1/roles.json"} {
			if a := w.send("GET", path, "", admin...); a.status != 404 && a.status != 400 {
				t.Errorf("%s: %d", path, a.status)
			}
		}
	})
}

func TestOAU30_BearerTransport(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		bearer := "Bearer " + w.key
		for name, header := range map[string][]string{
			"none": nil, "twice": {"Authorization", bearer, "Authorization", bearer}, "good and bad": {"Authorization", bearer, "Authorization", "Bearer x"},
			"comma": {"Authorization", bearer + ", " + bearer}, "two spaces": {"Authorization", "Bearer  " + w.key}, "bare": {"Authorization", "Bearer"},
			"bare with space": {"Authorization", "Bearer "}, "not ASCII": {"Authorization", "Bearer \u00fc"}, "basic": {"Authorization", "Basic " + w.key}, "no scheme": {"Authorization", w.key},
			"other header": {"X-Authorization", bearer}, "cookie": {"Cookie", "authorization=" + w.key}, "quotes": {"Authorization", `Bearer "` + w.key + `"`}, "tab": {"Authorization", "Bearer\t" + w.key},
			"tail": {"Authorization", bearer + "x"}, "front": {"Authorization", "Bearer x" + w.key},
		} {
			a := w.send("GET", "/v1/roles", "", header...)
			if a.status != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s: %d, WWW-Authenticate %q", name, a.status, a.header.Get("WWW-Authenticate"))
			}
		}
		for _, query := range []string{"access_token=", "token=", "authorization=Bearer%20", "Authorization="} {
			if a := w.send("GET", "/v1/roles?"+query+w.key, ""); a.status != 401 {
				t.Errorf("in the query %s: %d", query, a.status)
			}
		}
		if a := w.send("POST", "/v1/roles", "access_token="+w.key, "Content-Type", "application/x-www-form-urlencoded"); a.status != 401 {
			t.Errorf("in a form: %d", a.status)
		}
		for _, scheme := range []string{"bearer ", "BEARER "} {
			if a := w.send("GET", "/v1/roles", "", "Authorization", scheme+w.key); a.status != 200 {
				t.Errorf("%q, which RFC 9110 section 11.1 allows: %d", scheme, a.status)
			}
		}
		if strings.Contains(w.Log(), w.key) {
			t.Error("the log holds the key")
		}
	})
}

func TestOAU34_CORS(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		const registered = "http://localhost:3000" // development's default application
		targets := []string{"GET /v1/roles", "OPTIONS /v1/roles", "POST /api/authentication", "OPTIONS /api/authentication", "PATCH /api/session", "OPTIONS /api/session", "GET /v1/nothing",
			"GET /login", "POST /login", "GET /logout", "GET /setup", "GET /healthz", "OPTIONS /login"}
		ask := func(target, origin string) answer {
			method, path, _ := strings.Cut(target, " ")
			asked := "GET"
			switch path {
			case "/api/authentication", "/login":
				asked = "POST"
			case "/api/session":
				asked = "PATCH"
			}
			return w.send(method, path, "", "Origin", origin, "Access-Control-Request-Method", asked, "Access-Control-Request-Headers", "content-type,x-powered-by,authorization")
		}
		for _, target := range targets {
			for _, origin := range []string{"https://evil.example", "null", registered + ".evil.example", "http://localhost:3001", "http://localhost:30000", "http://localhost", "https://localhost:3000", "HTTP://LOCALHOST:3000",
				"http://localhost:3000/", "http://user@localhost:3000", registered + " " + registered, "", "*", "http://localhost:3000, https://evil.example", "file://"} {
				a := ask(target, origin)
				if got := a.header.Get("Access-Control-Allow-Origin"); got != "" {
					t.Errorf("%s from %q: %d, allowed %q", target, origin, a.status, got)
				}
				if a.header.Get("Vary") == "" || a.header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s from %q: Vary %q, credentials %q", target, origin, a.header.Get("Vary"), a.header.Get("Access-Control-Allow-Credentials"))
				}
			}
		}
		for _, target := range targets[:7] {
			a := ask(target, registered)
			if a.header.Get("Access-Control-Allow-Origin") != registered || a.header.Get("Access-Control-Allow-Credentials") != "true" || !strings.Contains(a.header.Get("Vary"), "Origin") {
				t.Errorf("%s from the registered origin: %d %v", target, a.status, a.header)
			}
		}
		for _, target := range targets[7:] {
			if got := ask(target, registered).header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("%s may be read by the registered origin too: %q", target, got)
			}
		}
		a := w.send("GET", "/.well-known/openid-configuration/jwks", "", "Origin", "https://evil.example")
		if a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("keys: %v", a.header)
		}
	})
}

// inside is what no answer to a stranger may hold.
var inside = []string{"goroutine", ".go:", "runtime.", "SELECT", "INSERT", "sqlite", "postgres", "pgx", "SQLSTATE", "/tmp/", "/dev/shm/", "/home/", "admit.db", "master.key", "127.0.0.1:", "stack", "golang", "go1."}

func (w *world) hygiene(t *testing.T, what string, a answer) {
	t.Helper()
	if a.status < 400 {
		return
	}
	if a.status >= 500 {
		t.Errorf("%s: %d %.200s", what, a.status, a.body)
	}
	text := strings.ReplaceAll(a.body, a.header.Get("X-Request-Id"), "") // random letters make words
	for _, word := range inside {
		if strings.Contains(text, word) {
			t.Errorf("%s: %d says %q: %.300s", what, a.status, word, a.body)
		}
	}
	if strings.Contains(a.header.Get("Content-Type"), "json") {
		var body map[string]any
		if json.Unmarshal([]byte(a.body), &body) != nil || body["title"] == "" || body["errorCode"] == "" || body["errorId"] == "" {
			t.Errorf("%s: the error lacks a member: %s", what, a.body)
		}
		for _, name := range []string{"title", "errorCode", "errorId", "error", "error_description"} { // the last two where OAuth wants them
			delete(body, name)
		}
		if len(body) > 0 {
			t.Errorf("%s: the error has another shape: %s", what, a.body)
		}
	}
	for _, name := range []string{"Server", "X-Powered-By"} {
		if a.header.Get(name) != "" {
			t.Errorf("%s: header %s", what, name)
		}
	}
}

// Every route gets nonsense in every place that takes something.
func TestINJ08_ErrorBodies(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		var routes []struct{ Method, Path string }
		if err := json.Unmarshal([]byte(w.Run("routes", "--json")), &routes); err != nil {
			t.Fatal(err)
		}
		values := []string{"x", "%00", "%27%20OR%201=1--", "%2e%2e%2f", "%ff", strings.Repeat("a", 600), "%C3%A9%CC%81", "%3Cscript%3E", "%0d%0aX:%20y", "..", "%25252f", "*", "$%7Bjndi%7D", "%7B%7B.%7D%7D"}
		for _, route := range routes {
			for _, value := range values {
				path := fill(route.Path, value)
				for _, header := range [][]string{nil, {"Authorization", "Bearer " + w.key}, {"Authorization", "Bearer " + w.key, "Accept", "text/html", "If-Unmodified-Since", "nonsense", "Cookie", "admit-session=" + value + "; admit-browser=x"}} {
					body := ""
					if route.Method != "GET" && route.Method != "DELETE" {
						body = `{"name":{"a":[]},"statements":"x","permissions":[null],"users":7,"code":[],"state":{}}`
					}
					a := w.send(route.Method, path+"?limit="+value+"&cursor="+value+"&state="+value+"&token="+value, body, header...)
					w.hygiene(t, route.Method+" "+path, a)
				}
			}
		}
		for _, method := range []string{"TRACE", "CONNECT", "PROPFIND", "get", "G=T", "OPTIONS", "DELETE", "PATCH"} {
			for _, path := range []string{"/", "/v1/roles", "/login", "/nothing", "/api/authentication"} {
				w.hygiene(t, method+" "+path, w.raw(method+" "+path+" HTTP/1.1\r\nHost: "+w.host()+"\r\nConnection: close\r\n\r\n"))
			}
		}
	})
}

// fill puts a value into every parameter of a pattern.
func fill(pattern, value string) string {
	segments := strings.Split(pattern, "/")
	for i, s := range segments {
		switch {
		case s == "{$}":
			segments[i] = ""
		case strings.HasPrefix(s, "{"):
			segments[i] = value
		}
	}
	return strings.Join(segments, "/")
}
