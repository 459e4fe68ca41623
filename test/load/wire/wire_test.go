package wire

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestConn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			w.Write([]byte(strings.Repeat("x", 10_000)))
			w.(http.Flusher).Flush()
		case "/moved":
			w.Header().Set("Location", "/there")
			w.Header().Add("Set-Cookie", "a=1; Path=/; HttpOnly")
			w.Header().Add("Set-Cookie", "b=; Max-Age=0")
			w.WriteHeader(http.StatusSeeOther)
		case "/end":
			w.Header().Set("Connection", "close")
		default:
			w.WriteHeader(http.StatusNotFound)
			w.Write([]byte(r.Method + r.Header.Get("X-A")))
		}
	}))
	defer server.Close()
	c, err := New(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		for _, path := range []string{"/none", "/long", "/moved", "/end", "/none"} {
			a, err := c.Do(Request("POST", "localhost", path, "body", "X-A: 1"))
			if err != nil {
				t.Fatal(path, err)
			}
			switch path {
			case "/none":
				if a.Status != 404 || string(a.Body) != "POST1" {
					t.Errorf("got %+v", a)
				}
			case "/long":
				if a.Status != 200 || len(a.Body) != 10_000 {
					t.Errorf("got %d, %d bytes", a.Status, len(a.Body))
				}
			case "/moved":
				if a.Location != "/there" || strings.Join(a.Cookies, " ") != "a=1 b=" {
					t.Errorf("got %+v", a)
				}
			}
		}
	}
	if _, err := New("192.0.2.1:80"); err == nil {
		t.Error("another machine is connected to")
	}
}
