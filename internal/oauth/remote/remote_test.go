package remote_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/egress"
	"github.com/admit-id/admit/internal/oauth/remote"
)

var start = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// The guarded client does not reach the network of the deployment, whatever the address looks like:
// a client's jwks_uri or metadata document is a stranger's word (SSR, I-20).
func TestNoWayInside(t *testing.T) {
	var asked atomic.Int32
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer inside.Close()
	pool := x509.NewCertPool()
	pool.AddCert(inside.Certificate())
	_, port, _ := strings.Cut(inside.Listener.Addr().String(), ":")
	c := remote.New(egress.New(egress.Options{Clock: clock.NewFake(start), Roots: pool, Timeout: 2 * time.Second}))
	for _, address := range []string{
		inside.URL, "https://localhost:" + port + "/jwks", "https://127.0.0.1:" + port + "/jwks", "https://127.1:" + port + "/jwks", "https://0x7f000001:" + port + "/", "https://2130706433:" + port + "/",
		"https://[::1]:" + port + "/", "https://[::ffff:127.0.0.1]:" + port + "/", "https://0.0.0.0:" + port + "/", "http://127.0.0.1:" + port + "/", "http://169.254.169.254/latest/meta-data/",
		"https://169.254.169.254/", "https://user@127.0.0.1:" + port + "/", "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "//127.0.0.1/", "",
	} {
		if body, err := c.Get(t.Context(), address, 1000); err == nil || len(body) > 0 {
			t.Errorf("%s was fetched: %q", address, body)
		}
	}
	if asked.Load() != 0 {
		t.Fatalf("the server inside was asked %d times", asked.Load())
	}
}

// Only a 200 answer of JSON counts, of bounded size; no redirect is followed.
func TestAnswers(t *testing.T) {
	var elsewhere atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/good", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json; charset=utf-8")
		w.Header().Set("Cache-Control", `public, max-age=600`)
		w.Write([]byte(`{"keys":[]}`))
	})
	mux.HandleFunc("/private", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=600, no-store")
		w.Write([]byte(`{}`))
	})
	mux.HandleFunc("/html", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte(`{}`))
	})
	mux.HandleFunc("/untyped", func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		w.Write([]byte(`{}`))
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`"` + strings.Repeat("a", 5000) + `"`))
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP(w, r)
	})
	mux.HandleFunc("/elsewhere", func(w http.ResponseWriter, _ *http.Request) { elsewhere.Add(1) })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	server := httptest.NewTLSServer(mux)
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	allow := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	c := remote.New(egress.New(egress.Options{Clock: clock.NewFake(start), Roots: pool, Allow: allow}))
	a, err := c.Fetch(t.Context(), server.URL+"/good", 1000)
	if err != nil || string(a.Body) != `{"keys":[]}` || a.MaxAge != 10*time.Minute {
		t.Fatal(a, err)
	}
	if a, err := c.Fetch(t.Context(), server.URL+"/private", 1000); err != nil || a.MaxAge != 0 {
		t.Fatal(a, err)
	}
	for _, path := range []string{"/html", "/untyped", "/large", "/away", "/none"} {
		if _, err := c.Get(t.Context(), server.URL+path, 1000); !errors.Is(err, remote.ErrAnswer) {
			t.Error(path, err)
		}
	}
	if _, err := c.Get(t.Context(), server.URL+"/broken", 1000); err == nil || errors.Is(err, remote.ErrAnswer) {
		t.Error("a host that is broken has not answered:", err)
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
	// SSR-05: a certificate that nobody vouches for.
	stranger := remote.New(egress.New(egress.Options{Clock: clock.NewFake(start), Allow: allow}))
	var unknown *tls.CertificateVerificationError
	if _, err := stranger.Get(t.Context(), server.URL+"/good", 1000); !errors.As(err, &unknown) {
		t.Error(err)
	}
}

func TestMemory(t *testing.T) {
	clk := clock.NewFake(start)
	var m remote.Memory[string]
	var mu sync.Mutex
	asked, answer, failure := 0, "one", error(nil)
	final := errors.New("gone")
	q := func(good func(string) bool) remote.Question[string] {
		return remote.Question[string]{
			Place: remote.Place{Account: "acc_a", Address: "x"}, Clock: clk, Stale: time.Hour, Every: time.Minute, Good: good,
			Fresh: func(string) time.Duration { return 10 * time.Minute },
			Final: func(err error) bool { return errors.Is(err, final) },
			Fetch: func(context.Context) (string, error) {
				mu.Lock()
				defer mu.Unlock()
				asked++
				return answer, failure
			},
		}
	}
	want := func(text string, n int, good func(string) bool) {
		t.Helper()
		got, err := m.Recall(t.Context(), q(good))
		if got != text || (err == nil) != (text != "") || asked != n {
			t.Fatalf("%q %v after %d, want %q after %d", got, err, asked, text, n)
		}
	}
	two := func(s string) bool { return s == "two" }
	failure = errors.New("down")
	want("", 1, nil)
	want("", 1, nil) // a moment ago
	clk.Advance(11 * time.Second)
	failure = nil
	want("one", 2, nil)
	want("one", 2, nil)
	want("one", 3, two) // at once, once
	want("one", 3, two) // and then seldom
	answer = "two"
	clk.Advance(time.Minute)
	want("two", 4, two)
	failure = errors.New("down")
	clk.Advance(11 * time.Minute)
	want("two", 5, nil) // the old one serves
	clk.Advance(61 * time.Minute)
	want("", 6, nil) // but not for ever
	failure = nil
	clk.Advance(2 * time.Minute)
	want("two", 7, nil)
	failure = final
	clk.Advance(11 * time.Minute)
	want("", 8, nil) // the host has said so
}

// A flood of addresses is forgotten in its order, and locks nobody out.
func TestMemoryIsBounded(t *testing.T) {
	clk := clock.NewFake(start)
	var m remote.Memory[string]
	asked := map[string]int{}
	recall := func(address string) {
		t.Helper()
		got, err := m.Recall(t.Context(), remote.Question[string]{
			Place: remote.Place{Account: "acc_a", Address: address}, Clock: clk, Every: time.Minute, Stale: time.Hour,
			Fresh: func(string) time.Duration { return time.Hour },
			Fetch: func(context.Context) (string, error) { asked[address]++; return address, nil },
		})
		if err != nil || got != address {
			t.Fatal(address, err)
		}
	}
	for i := range 20_000 {
		clk.Advance(time.Millisecond)
		recall(fmt.Sprint("https://", i, ".example/"))
	}
	recall("https://19999.example/")
	recall("https://18000.example/")
	recall("https://1.example/")
	if asked["https://19999.example/"] != 1 || asked["https://18000.example/"] != 1 || asked["https://1.example/"] != 2 {
		t.Fatal("what is remembered")
	}
}
