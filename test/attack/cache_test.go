package attack

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// greedy is a cache in front of the server that keeps whatever it may, under the path alone: no method, no header and
// no cookie is in its key. It holds to Cache-Control and to nothing else.
func (w *world) greedy() string {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	upstream := w.Address
	var mu sync.Mutex
	kept := map[string]answer{}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		key := in.Host + in.RequestURI
		mu.Lock()
		a, hit := kept[key]
		mu.Unlock()
		if !hit {
			r, err := http.NewRequest(in.Method, "http://"+upstream+"/", in.Body)
			if err != nil {
				out.WriteHeader(http.StatusBadGateway)
				return
			}
			r.URL.Opaque, r.Host, r.Header = in.RequestURI, in.Host, in.Header
			back, err := client.Do(r)
			if err != nil {
				out.WriteHeader(http.StatusBadGateway)
				return
			}
			body, _ := io.ReadAll(back.Body)
			back.Body.Close()
			a = answer{status: back.StatusCode, header: back.Header, body: string(body)}
			control := strings.Join(back.Header.Values("Cache-Control"), ",")
			if (a.status == 200 || a.status == 302 || a.status == 303) && !strings.Contains(control, "no-store") && !strings.Contains(control, "private") {
				mu.Lock()
				kept[key] = a
				mu.Unlock()
			}
		}
		for name, values := range a.header {
			out.Header()[name] = values
		}
		out.Header()["X-Cache-Status"] = []string{map[bool]string{true: "HIT", false: "MISS"}[hit]}
		out.WriteHeader(a.status)
		io.WriteString(out, a.body)
	})}
	go s.Serve(l)
	w.t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

// nginx is the same by a well-known cache.
func (w *world) nginx(program string) string {
	w.t.Helper()
	dir := w.t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	config := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  proxy_cache_path %[1]s/cache keys_zone=all:1m;
  server {
    listen %[2]s;
    location / {
      proxy_pass http://%[3]s;
      proxy_set_header Host $http_host;
      proxy_cache all;
      proxy_cache_key $http_host$request_uri;
      proxy_cache_methods GET HEAD POST;
      proxy_cache_valid 200 302 303 60s;
      add_header X-Cache-Status $upstream_cache_status always;
    }
  }
}`, dir, address, w.Address)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(program, "-p", dir, "-c", file)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	eventually(w.t, "nginx to listen", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return address
}

// OAU-28: whatever stands in front and keeps answers, nobody gets what was somebody else's, and no token twice.
func TestOAU28_BehindACache(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		caches := []func() string{w.greedy}
		if program, err := exec.LookPath("nginx"); err == nil {
			caches = append(caches, func() string { return w.nginx(program) })
		}
		for i, cache := range caches {
			behind, server := *w, *w.Server
			server.Address = cache()
			behind.Server = &server
			behind.t = t
			behind.cached(t, fmt.Sprint(i))
		}
	})
}

func (w *world) cached(t *testing.T, mark string) {
	t.Helper()
	const jwks = "/.well-known/openid-configuration/jwks"
	if w.send("GET", jwks, ""); w.send("GET", jwks, "").header.Get("X-Cache-Status") != "HIT" {
		t.Fatal("the cache keeps nothing, not even the keys")
	}
	ann, bob := w.signIn("ann"+mark+"@x.example"), w.signIn("bob"+mark+"@x.example")
	if ann.access == bob.access || subject(ann.access) == subject(bob.access) {
		t.Fatal("two people got one token")
	}
	c := w.party(`"tokenEndpointAuthMethod":"client_secret_basic","grantTypes":["authorization_code","refresh_token","client_credentials"],"scopes":["openid","email","offline_access"],"resources":["https://api.example"]`)
	tokens := map[*person]string{ann: ann.tokens(c, "openid email").text("access_token"), bob: bob.tokens(c, "openid email").text("access_token")}
	both := func(what string, ask func(p *person) answer, theirs bool) {
		t.Helper()
		first, second, again := ask(ann), ask(bob), ask(ann)
		for _, a := range []answer{first, second, again} {
			if a.header.Get("X-Cache-Status") == "HIT" || !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
				t.Errorf("%s may be kept: %d, Cache-Control %q, %s", what, a.status, a.header.Get("Cache-Control"), a.header.Get("X-Cache-Status"))
			}
		}
		if theirs && (first.status >= 400 || second.status != first.status || first.body+first.header.Get("Location") == second.body+second.header.Get("Location")) {
			t.Errorf("%s is the same for two people: %d %q %.200s; %d %q %.200s", what, first.status, first.header.Get("Location"), first.body, second.status, second.header.Get("Location"), second.body)
		}
	}
	bearer := func(path string) func(p *person) answer {
		return func(p *person) answer { return w.send("GET", path, "", "Authorization", "Bearer "+tokens[p]) }
	}
	both("userinfo", bearer("/oauth/userinfo"), true)
	both("the profile", func(p *person) answer {
		return w.send("GET", "/api/session/profile", "", "Authorization", "Bearer "+p.access)
	}, true)
	both("the session", func(p *person) answer {
		a := w.send("PATCH", "/api/session", "{}", "Cookie", p.jar(), "Origin", strings.TrimSuffix(application, "/"), "Content-Type", "application/json")
		for _, c := range (&http.Response{Header: a.header}).Cookies() {
			p.cookies[c.Name] = c.Value
		}
		return a
	}, true)
	both("settings", func(p *person) answer { return p.browse("GET", "/settings", "") }, true)
	both("a code", func(p *person) answer { return p.authorize(c.ask("state", "same")) }, true)
	both("a token", func(*person) answer { return c.post("/oauth/token", "grant_type", "client_credentials") }, true)
	both("introspection", func(p *person) answer { return c.post("/oauth/introspect", "token", tokens[p]) }, true)
	both("a check", bearer("/v1/users/"+subject(ann.access)+"/resources/x/permissions/read"), false)
	both("consents", bearer("/v1/users/"+subject(ann.access)+"/consents"), false)
	for _, path := range []string{"/oauth/userinfo/x.css", "/oauth/userinfo;x.css", "/oauth/userinfo%2fx.css", "/oauth/userinfo.css", "/oauth/token/x.css", "/oauth/introspect;x.js", "/api/session/x.css", "/api/session%2fx.js",
		"/settings/x.css", "/settings;x.css", "/settings%2fx.css", "/login/x.css", "/consent/x.png", "/v1/users/" + subject(ann.access) + "%2fx.js", "/v1/users/" + subject(ann.access) + "/consents/x/y.css", "/assets/..%2foauth%2fuserinfo", "/assets/%2e%2e/settings"} {
		for _, p := range []*person{ann, bob} {
			a := w.send("GET", path, "", "Authorization", "Bearer "+tokens[p], "Cookie", p.jar(), "Accept", "text/html")
			if a.status != 404 && a.status != 400 && a.status != 405 && a.status != 403 || a.header.Get("X-Cache-Status") == "HIT" {
				t.Errorf("%s: %d, %s", path, a.status, a.header.Get("X-Cache-Status"))
			}
			for _, other := range []*person{ann, bob} {
				if strings.Contains(a.body, subject(other.access)) && !strings.Contains(path, subject(other.access)) {
					t.Errorf("%s tells of somebody: %.300s", path, a.body)
				}
			}
		}
	}
}
