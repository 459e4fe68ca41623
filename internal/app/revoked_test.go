package app

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/admit-id/admit/client/verify"
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// A token that is verified elsewhere dies with its session, within a second.
func TestRevocationFeed(t *testing.T) {
	everywhere(t, func(p *testServer) {
		id, _ := p.application(application.OAuth{})
		tokens := func() string {
			out := p.post("/oauth/token", "grant_type", "authorization_code", "client_id", id, "code", p.code(id, "openid"), "redirect_uri", testBack, "code_verifier", testVerifier)
			if out.status != http.StatusOK {
				p.Fatal(out.status, out.text)
			}
			return text(out.body, "access_token")
		}
		token := tokens()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Host = "localhost:4000"
			p.router.ServeHTTP(w, r)
		}))
		defer server.Close()
		// The API reaches the issuer's host at the test's address.
		to, err := url.Parse(server.URL)
		if err != nil {
			p.Fatal(err)
		}
		client := &http.Client{Transport: redirected(to.Host)}
		revocations, err := verify.NewRevocations("http://localhost:4000", client)
		if err != nil {
			p.Fatal(err)
		}
		v, err := verify.New(verify.Config{Issuer: "http://localhost:4000", InsecureAnyAudience: true, HTTPClient: client, Revocations: revocations})
		if err != nil {
			p.Fatal(err)
		}
		if _, err := v.Verify(p.Context(), token); !errors.Is(err, verify.ErrRevocationsUnavailable) {
			p.Errorf("before the first word: %v", err)
		}
		if err := revocations.Follow(p.Context()); err != nil {
			p.Fatal(err)
		}
		if _, err := v.Verify(p.Context(), token); err != nil {
			p.Fatal(err)
		}
		ctx, stop := context.WithCancel(p.Context())
		defer stop()
		go func() { _ = revocations.Run(ctx) }()
		time.Sleep(200 * time.Millisecond) // until it waits for something to tell
		begun := time.Now()
		err = p.db.Write(p.Context(), tx.In(ident.DefaultAccount), func(ctx context.Context, tt tx.Tx) error {
			return p.f.sessions.EndUser(ctx, tt, actor.ForSystem(ident.DefaultAccount), p.user.ID)
		})
		if err != nil {
			p.Fatal(err)
		}
		for err = nil; !errors.Is(err, verify.ErrRevoked) && time.Since(begun) < 5*time.Second; time.Sleep(5 * time.Millisecond) {
			_, err = v.Verify(p.Context(), token)
		}
		took := time.Since(begun)
		p.Logf("refused elsewhere after %s", took)
		if !errors.Is(err, verify.ErrRevoked) || took > time.Second {
			p.Errorf("after %s: %v", took, err)
		}
		// A process that begins later hears of it at once.
		later, err := verify.NewRevocations("http://localhost:4000", client)
		if err != nil {
			p.Fatal(err)
		}
		if err := later.Follow(p.Context()); err != nil {
			p.Fatal(err)
		}
		v, err = verify.New(verify.Config{Issuer: "http://localhost:4000", InsecureAnyAudience: true, HTTPClient: client, Revocations: later})
		if err != nil {
			p.Fatal(err)
		}
		if _, err := v.Verify(p.Context(), token); !errors.Is(err, verify.ErrRevoked) {
			p.Errorf("a process that began later: %v", err)
		}
		for _, bad := range []string{"?since=x", "?since=AAAA", "?wait=26", "?wait=-1", "?since=&since=", "?wait=x"} {
			if got := p.get("/.well-known/revocations"+bad, ""); got.status != http.StatusBadRequest {
				p.Errorf("%s: %d", bad, got.status)
			}
		}
	})
}

// redirected sends every request to one address.
type redirected string

func (to redirected) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = string(to)
	return http.DefaultTransport.RoundTrip(r)
}
