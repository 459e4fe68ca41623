package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever path arrives, the router answers without a panic or a 500, and a resource that
// reaches the handler is what one decoding of the path gives.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"/", "/v1/users/u/resources/a%2Fb/permissions/read", "/v1/users/u/resources/a/b/permissions/read", "/v1/resources//x/users",
		"/v1/users/%2e%2e/resources/%252F/roles", "/assets/../x", "/v1/users/\xff", "/v1/users/u/resources/permissions/roles/users/permissions/x",
	} {
		f.Add(seed)
	}
	rt := router(f, nil)
	f.Fuzz(func(t *testing.T, path string) {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " ?#\r\n\t\x00") {
			return
		}
		r := httptest.NewRequest("GET", "http://a.example/", nil)
		r.RequestURI = path
		r.Header.Set("Authorization", good)
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		if w.Code >= 500 || w.Header().Get("Location") != "" {
			t.Fatalf("%q: %d", path, w.Code)
		}
	})
}

func FuzzBearer(f *testing.F) {
	for _, seed := range []string{"Bearer x", "bearer a.b.c", "Bearer  x", "Bearer a,b", "Basic x", "Bearer", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		token, err := bearerOf(http.Header{"Authorization": {value}})
		if err == nil && (token == "" || strings.ContainsAny(token, " ,\t\r\n\"") || len(value) != len("Bearer ")+len(token)) {
			t.Fatalf("%q gave %q", value, token)
		}
	})
}

func FuzzForwarded(f *testing.F) {
	f.Add("10.0.0.1:1", "203.0.113.1, 10.0.0.2")
	f.Add("[::1]:1", "[::1]:x,,")
	rt := router(f, nil)
	f.Fuzz(func(t *testing.T, remote, header string) {
		r := httptest.NewRequest("GET", "http://a.example/jwks", nil)
		r.RemoteAddr = remote
		r.Header["X-Forwarded-For"] = []string{header}
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		if w.Code != 200 {
			t.Fatal(w.Code)
		}
	})
}
