package egress_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
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
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func start(t *testing.T, h http.HandlerFunc) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return s, pool
}

func fake() *clock.Fake { return clock.NewFake(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) }

func get(c *http.Client, url string) ([]byte, int, error) {
	resp, err := c.Get(url)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return b, resp.StatusCode, err
}

func TestPublicAddresses(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "93.184.216.34": true, "2606:4700::1111": true, "2a00:1450:4001::200e": true,
		"::ffff:8.8.8.8": true, "64:ff9b::808:808": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "100.64.0.1": false, "100.100.100.200": false,
		"127.0.0.1": false, "127.255.255.254": false, "168.63.129.16": false, "169.254.169.254": false,
		"172.16.0.1": false, "172.31.255.255": false, "192.0.0.192": false, "192.0.2.1": false,
		"192.88.99.1": false, "192.168.1.1": false, "198.18.0.1": false, "198.19.255.255": false,
		"198.51.100.1": false, "203.0.113.9": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::1": false, "100::1": false,
		"2001::1": false, "2001:db8::1": false, "2002:7f00:1::": false, "2002:a9fe:a9fe::1": false,
		"3fff::1": false, "5f00::1": false, "fc00::1": false, "fd00:ec2::254": false, "fe80::1": false,
		"fe80::1%eth0": false, "2606:4700::1111%eth0": false, "fec0::1": false, "ff02::1": false, "4000::1": false,
	} {
		if got := egress.Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("Public(%s) = %v", text, got)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for text, want := range map[string][2]bool{
		"https://idp.example.com/path?x=1": {true, true},
		"http://localhost:4000/":           {false, true},
		"http://127.0.0.1:4000/":           {false, true},
		"http://[::1]:4000/":               {false, true},
		"http://idp.example.com/":          {false, false},
		"http://localhost.example.com/":    {false, false},
		"https://user@idp.example.com/":    {false, false},
		"https://user:p@idp.example.com/":  {false, false},
		"https://idp.example.com/#x":       {false, false},
		"https://idp.example.com/#":        {false, false},
		"https://idp.example.com\\@evil/":  {false, false},
		"https:///path":                    {false, false},
		"https:idp.example.com":            {false, false},
		"file:///etc/passwd":               {false, false},
		"gopher://x/":                      {false, false},
		"//idp.example.com/":               {false, false},
		"":                                 {false, false},
	} {
		for i, allow := range []bool{false, true} {
			if got := egress.CheckURL(text, allow) == nil; got != want[i] {
				t.Errorf("CheckURL(%q, %v) accepted: %v", text, allow, got)
			}
		}
	}
}

// The stub listens on loopback; a name (localhost) and every spelling of its address must fail.
func TestSpecialAddressIsRefusedWhenDialled(t *testing.T) {
	var hits atomic.Int32
	s, pool := start(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	c := egress.New(egress.Options{Clock: fake(), Roots: pool})
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"} {
		_, _, err := get(c, "https://"+host+":"+port+"/")
		var refused *egress.AddressError
		if !errors.As(err, &refused) && host != "localhost" || err == nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("the stub was reached %d times", hits.Load())
	}
}

func TestPlainHTTPNeedsAnAllowedLoopbackBlock(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
	defer s.Close()
	if _, _, err := get(egress.New(egress.Options{Clock: fake()}), s.URL); err == nil {
		t.Error("plain http went through without an allowed block")
	}
	other := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	if _, _, err := get(egress.New(egress.Options{Clock: fake(), Allow: other}), s.URL); err == nil {
		t.Error("plain http went through with another allowed block")
	}
	if b, _, err := get(egress.New(egress.Options{Clock: fake(), Allow: loopback}), s.URL); err != nil || string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestSSR05_CertificatesAreVerified(t *testing.T) {
	s, pool := start(t, func(http.ResponseWriter, *http.Request) {})
	if _, _, err := get(egress.New(egress.Options{Clock: fake(), Allow: loopback}), s.URL); err == nil {
		t.Error("a self-signed certificate was accepted")
	}
	c := egress.New(egress.Options{Clock: fake(), Allow: loopback, Roots: pool})
	if _, _, err := get(c, strings.Replace(s.URL, "127.0.0.1", "127.0.0.2", 1)); err == nil {
		t.Error("a certificate of another host was accepted")
	}
	old := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	if _, _, err := get(c, old.URL); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}

func TestSSR05_ProxyOfTheEnvironmentIsIgnored(t *testing.T) {
	var hits atomic.Int32
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer sink.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"} {
		t.Setenv(name, sink.URL)
	}
	s, pool := start(t, func(http.ResponseWriter, *http.Request) {})
	if _, _, err := get(egress.New(egress.Options{Clock: fake(), Allow: loopback, Roots: pool}), s.URL); err != nil {
		t.Error(err)
	}
	if hits.Load() != 0 {
		t.Error("the proxy was used")
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var second atomic.Int32
	s, pool := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/second" {
			second.Add(1)
		}
		http.Redirect(w, r, "/second", http.StatusFound)
	})
	_, status, err := get(egress.New(egress.Options{Clock: fake(), Allow: loopback, Roots: pool}), s.URL)
	if err != nil || status != http.StatusFound || second.Load() != 0 {
		t.Errorf("status %d, error %v, followed %d", status, err, second.Load())
	}
}

func TestBodiesAreBounded(t *testing.T) {
	s, pool := start(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/exact":
			w.Write(make([]byte, egress.MaxBody))
		case "/declared":
			w.Header().Set("Content-Length", "5000000000")
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write(make([]byte, 64<<20))
			z.Close()
		case "/header":
			w.Header().Set("X-Big", strings.Repeat("a", 128<<10))
		default:
			for block := make([]byte, 64<<10); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}
	})
	c := egress.New(egress.Options{Clock: fake(), Allow: loopback, Roots: pool})
	if b, _, err := get(c, s.URL+"/exact"); err != nil || len(b) != egress.MaxBody {
		t.Errorf("a body of the limit: %d, %v", len(b), err)
	}
	for path, want := range map[string]error{"/declared": egress.ErrTooLarge, "/gzip": egress.ErrEncoded, "/endless": egress.ErrTooLarge} {
		if b, _, err := get(c, s.URL+path); !errors.Is(err, want) || len(b) > egress.MaxBody {
			t.Errorf("%s: %d bytes, %v", path, len(b), err)
		}
	}
	if _, _, err := get(c, s.URL+"/header"); err == nil {
		t.Error("a header of 128 KiB was accepted")
	}
}

// A host that hangs or drips costs at most the time limit, never keeps another host waiting,
// and after a few failures is left alone until the breaker lets one exchange probe.
func TestOIU06_HangingHostIsLeftAlone(t *testing.T) {
	var hang atomic.Bool
	hang.Store(true)
	var hanging atomic.Int32
	stop := make(chan struct{})
	bad, badPool := start(t, func(w http.ResponseWriter, r *http.Request) {
		hanging.Add(1)
		defer hanging.Add(-1)
		for hang.Load() {
			if r.URL.Path == "/drip" {
				w.Write([]byte("x"))
				w.(http.Flusher).Flush()
			}
			select {
			case <-stop:
				return
			case <-r.Context().Done():
				panic(http.ErrAbortHandler) // so that the end of the body is never sent
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	defer close(stop)
	good, _ := start(t, func(http.ResponseWriter, *http.Request) {})
	badPool.AddCert(good.Certificate())
	clk := fake()
	options := egress.Options{Clock: clk, Allow: loopback, Roots: badPool, Timeout: 2 * time.Minute}
	patient := egress.New(options)
	options.Timeout = time.Second
	c := egress.New(options)

	var wait sync.WaitGroup
	crowd := func(c *http.Client) {
		for i := range 40 {
			wait.Go(func() {
				path := "/"
				if i%2 == 0 {
					path = "/drip"
				}
				if b, status, err := get(c, bad.URL+path); err == nil {
					t.Errorf("a hanging host answered %s: %d, %q", path, status, b)
				}
			})
		}
	}
	crowd(patient)
	for end := time.Now().Add(time.Minute); hanging.Load() < 16; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody hangs")
		}
	}
	for range 20 { // while as many hang as may
		if _, _, err := get(patient, good.URL); err != nil {
			t.Error(err)
		}
	}
	if n := hanging.Load(); n != 16 {
		t.Errorf("honest hosts were asked while %d hung", n)
	}
	bad.CloseClientConnections()
	wait.Wait()

	crowd(c)
	wait.Wait()
	if _, _, err := get(c, bad.URL); !errors.Is(err, egress.ErrOpen) {
		t.Errorf("the breaker is not open: %v", err)
	}
	hang.Store(false)
	clk.Advance(11 * time.Second)
	for range 3 {
		if _, _, err := get(c, bad.URL); err != nil {
			t.Errorf("after it recovered: %v", err)
		}
	}
}

// A person who goes away must not make the host look broken.
func TestCallerWhoLeavesIsNotTheHostsFault(t *testing.T) {
	s, pool := start(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
			panic(http.ErrAbortHandler) // an answer could overtake the closing of the connection
		}
	})
	c := egress.New(egress.Options{Clock: fake(), Allow: loopback, Roots: pool})
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/slow", bytes.NewReader(nil))
		if resp, err := c.Do(r); err == nil {
			resp.Body.Close()
			t.Error("answered")
		}
	}
	if _, _, err := get(c, s.URL); err != nil {
		t.Error(err)
	}
}

func FuzzCheckURL(f *testing.F) {
	f.Add("https://idp.example.com/a?b=c")
	f.Add("http://localhost:1/")
	f.Add("https://a@b\\c#d")
	f.Fuzz(func(t *testing.T, text string) {
		if egress.CheckURL(text, false) == nil && !strings.HasPrefix(strings.ToLower(text), "https://") {
			t.Errorf("%q was accepted", text)
		}
	})
}
