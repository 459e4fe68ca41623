package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// publisher is an issuer's key set whose contents and health a test decides.
type publisher struct {
	*httptest.Server
	mu      sync.Mutex
	body    string
	status  int
	fetches atomic.Int64
}

func newPublisher(t *testing.T) *publisher {
	p := &publisher{status: http.StatusOK}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.fetches.Add(1)
		p.mu.Lock()
		defer p.mu.Unlock()
		if r.URL.Path != KeySetPath || r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		if p.status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(p.status)
		_, _ = w.Write([]byte(p.body))
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) set(status int, kids ...string) {
	var keys []string
	for _, kid := range kids {
		keys = append(keys, fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":%q,"x":%q}`, kid, b64(string(publicOf(keyFor(kid))))))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.body = status, `{"keys":[`+strings.Join(keys, ",")+`]}`
}

func (p *publisher) keys(now func() time.Time) *remoteKeys {
	return &remoteKeys{url: p.URL + KeySetPath, client: fetcher(nil), now: now}
}

type stopwatch struct{ at atomic.Int64 }

func (s *stopwatch) now() time.Time          { return time.Unix(0, s.at.Load()) }
func (s *stopwatch) advance(d time.Duration) { s.at.Add(int64(d)) }
func newStopwatch() *stopwatch               { s := &stopwatch{}; s.at.Store(now.UnixNano()); return s }

// settle waits for a background fetch.
func (r *remoteKeys) settle() {
	r.mu.Lock()
	flight := r.flight
	r.mu.Unlock()
	if flight != nil {
		<-flight
	}
}

func expect(t *testing.T, r *remoteKeys, kid string, want error) {
	t.Helper()
	key, err := r.find(context.Background(), kid)
	if !errors.Is(err, want) || want == nil && !publicOf(keyFor(kid)).Equal(key.Public) {
		t.Errorf("%s: got %v, want %v", kid, err, want)
	}
}

func (p *publisher) expectFetches(t *testing.T, want int64) {
	t.Helper()
	if got := p.fetches.Load(); got != want {
		t.Errorf("%d fetches, want %d", got, want)
	}
}

func TestKeysAreFetchedOnceForMany(t *testing.T) {
	p, clock := newPublisher(t), newStopwatch()
	p.set(http.StatusOK, "k1")
	r := p.keys(clock.now)
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() { expect(t, r, "k1", nil) })
	}
	wait.Wait()
	p.expectFetches(t, 1)
}

// OIU-07: a flood of unknown kids makes one fetch a minute, plus the first sight.
func TestOIU07UnknownKids(t *testing.T) {
	p, clock := newPublisher(t), newStopwatch()
	p.set(http.StatusOK, "k1")
	r := p.keys(clock.now)
	expect(t, r, "k1", nil)
	flood := func() {
		for i := range 1000 {
			expect(t, r, fmt.Sprint("unknown", i), ErrUnknownKey)
		}
	}
	flood()
	p.expectFetches(t, 2)
	clock.advance(30 * time.Second)
	flood()
	p.expectFetches(t, 2)
	clock.advance(31 * time.Second)
	flood()
	p.expectFetches(t, 3)
	expect(t, r, "k1", nil)

	// A rotation is seen within the minute, and a key that is gone is no longer taken.
	p.set(http.StatusOK, "k2")
	clock.advance(refetchAfter)
	expect(t, r, "k2", nil)
	expect(t, r, "k1", ErrUnknownKey)
}

func TestStaleKeysServeWhileFetchesFail(t *testing.T) {
	p, clock := newPublisher(t), newStopwatch()
	p.set(http.StatusOK, "k1")
	r := p.keys(clock.now)
	expect(t, r, "k1", nil)
	for _, status := range []int{http.StatusInternalServerError, http.StatusFound, http.StatusNotFound} {
		p.set(status, "k1")
		clock.advance(refreshAfter)
		expect(t, r, "k1", nil)
		r.settle()
	}
	p.expectFetches(t, 4)
	clock.advance(staleAfter)
	expect(t, r, "k1", ErrKeysUnavailable)
	clock.advance(refetchAfter)
	p.set(http.StatusOK, "k1")
	expect(t, r, "k1", nil)
}

func TestFirstFetchFails(t *testing.T) {
	p, clock := newPublisher(t), newStopwatch()
	p.set(http.StatusInternalServerError)
	r := p.keys(clock.now)
	for range 100 {
		expect(t, r, "k1", ErrKeysUnavailable)
	}
	p.expectFetches(t, 1)
	clock.advance(2 * time.Second)
	p.set(http.StatusOK, "k1")
	expect(t, r, "k1", nil)
	p.expectFetches(t, 2)
}

func TestWaitingForKeysEndsWithTheContext(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	r := &remoteKeys{url: server.URL, client: fetcher(nil), now: time.Now}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := r.find(ctx, "k"); !errors.Is(err, ErrKeysUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestKeySetIsBounded(t *testing.T) {
	p, clock := newPublisher(t), newStopwatch()
	p.set(http.StatusOK, "k1")
	p.body += strings.Repeat(" ", maxKeySetBytes)
	expect(t, p.keys(clock.now), "k1", ErrKeysUnavailable)
}

func TestParseKeySet(t *testing.T) {
	x := b64(string(publicOf(keyFor("k"))))
	good := `{"kty":"OKP","crv":"Ed25519","kid":"k","x":"` + x + `"}`
	for text, want := range map[string]int{
		`{"keys":[]}`:             0,
		`{"keys":[` + good + `]}`: 1,
		`{"keys":[{"kty":"RSA","n":"AA","e":"AQAB","kid":"r"},` + good + `]}`:                1,
		`{"keys":[{"kty":"OKP","crv":"Ed448","kid":"e","x":"AA"}]}`:                          0,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"Ed25519","kid":"e","x":"` + x + `"}]}`: 0,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","use":"enc","kid":"e","x":"` + x + `"}]}`:     0,
		`{"keys":[` + good + `,` + good + `]}`:                                               -1,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"` + x + `","d":"` + x + `"}]}`: -1,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"` + x + `"}]}`:                           -1,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"` + x + `="}]}`:                -1,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"AAAA"}]}`:                      -1,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"` + x + `","KID":"j"}]}`:       -1,
		`{"keys":{}}`: -1,
		`{}`:          -1,
		`[]`:          -1,
		``:            -1,
		`{"keys":[` + strings.TrimSuffix(strings.Repeat(`{"kty":"RSA"},`, maxKeys+1), ",") + `]}`: -1,
	} {
		keys, err := ParseKeySet([]byte(text))
		if want < 0 && err == nil || want >= 0 && (err != nil || len(keys) != want) {
			t.Errorf("%.90s: %d keys, %v; want %d", text, len(keys), err, want)
		}
	}
}

func TestNewChecksTheConfiguration(t *testing.T) {
	for _, c := range []Config{
		{}, {Issuer: issuer}, {Issuer: issuer, Audience: "a", InsecureAnyAudience: true},
		{Issuer: issuer + "/", Audience: "a"}, {Issuer: "http://login.example.test", Audience: "a"}, {Issuer: "https://u:p@x.test", Audience: "a"},
		{Issuer: "https://x.test?a", Audience: "a"}, {Issuer: "https://x.test#a", Audience: "a"}, {Issuer: "login.example.test", Audience: "a"}, {Issuer: "https:x", Audience: "a"}, {Issuer: "ftp://x.test", Audience: "a"},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	for _, c := range []Config{
		{Issuer: issuer, Audience: "a"}, {Issuer: "http://localhost:8080", Audience: "a"}, {Issuer: "http://127.0.0.1:8080", InsecureAnyAudience: true}, {Issuer: "http://[::1]:8080", Audience: "a"},
	} {
		if _, err := New(c); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestVerifyAgainstAKeySet(t *testing.T) {
	p := newPublisher(t)
	p.set(http.StatusOK, honestID)
	v, err := New(Config{Issuer: p.URL, InsecureAnyAudience: true, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Verify(context.Background(), forge(honestHeader, honestClaims(map[string]any{"iss": p.URL, "roles": []string{"a"}})))
	if err != nil {
		t.Fatal(err)
	}
	var extra struct{ Roles []string }
	if err := c.Decode(&extra); err != nil || len(extra.Roles) != 1 {
		t.Errorf("got %v, %v", extra, err)
	}
	if c.Subject != "u_1" || c.SessionID != "s_1" || c.ClientID != "app_default" || c.AuthorizedParty != "con_email" || c.TokenID != "t_1" || c.Scope == "" || !c.ExpiresAt.Equal(now.Add(time.Hour)) {
		t.Errorf("got %+v", c)
	}
}
