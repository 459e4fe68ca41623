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

// A token that is verified elsewhere dies with its session.
func TestRevocationFeed(t *testing.T) {
	everywhere(t, func(p *testServer) {
		token := p.accessToken()
		client := p.elsewhere()
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
		begun := time.Now()
		err = p.db.Write(p.Context(), tx.In(ident.DefaultAccount), func(ctx context.Context, tt tx.Tx) error {
			return p.f.sessions.EndUser(ctx, tt, actor.ForSystem(ident.DefaultAccount), p.user.ID)
		})
		if err != nil {
			p.Fatal(err)
		}
		for err = nil; !errors.Is(err, verify.ErrRevoked) && time.Since(begun) < 30*time.Second; time.Sleep(5 * time.Millisecond) {
			_, err = v.Verify(p.Context(), token)
		}
		took := time.Since(begun)
		p.Logf("refused elsewhere after %s", took)
		if !errors.Is(err, verify.ErrRevoked) {
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

// A key that is withdrawn verifies nothing elsewhere any more, and it may be the one that signs the list.
func TestWithdrawnKeysElsewhere(t *testing.T) {
	everywhere(t, func(p *testServer) {
		token, client := p.accessToken(), p.elsewhere()
		revocations, err := verify.NewRevocations("http://localhost:4000", client)
		if err != nil {
			p.Fatal(err)
		}
		v, err := verify.New(verify.Config{Issuer: "http://localhost:4000", InsecureAnyAudience: true, HTTPClient: client, Revocations: revocations})
		if err != nil {
			p.Fatal(err)
		}
		if err := revocations.Follow(p.Context()); err != nil {
			p.Fatal(err)
		}
		if _, err := v.Verify(p.Context(), token); err != nil {
			p.Fatal(err)
		}
		for _, text := range []string{p.get("/.well-known/revocations", "").text, token} {
			signed, err := verify.Parse(text)
			if err != nil {
				p.Fatal(err)
			}
			if _, err := p.f.signing.Withdraw(p.Context(), actor.ForSystem(ident.DefaultAccount), ident.KeyID(signed.KeyID())); err != nil {
				p.Fatal(err)
			}
			if err := revocations.Follow(p.Context()); err != nil {
				p.Fatal(err)
			}
		}
		if _, err := v.Verify(p.Context(), token); !errors.Is(err, verify.ErrRevoked) {
			p.Errorf("a token by a withdrawn key: %v", err)
		}
		next := p.accessToken()
		if _, err := v.Verify(p.Context(), next); err != nil {
			p.Errorf("a token by its successor: %v", err)
		}
	})
}

// accessToken is one of the person's.
func (p *testServer) accessToken() string {
	p.Helper()
	id, _ := p.application(application.OAuth{})
	out := p.post("/oauth/token", "grant_type", "authorization_code", "client_id", id, "code", p.code(id, "openid"), "redirect_uri", testBack, "code_verifier", testVerifier)
	if out.status != http.StatusOK {
		p.Fatal(out.status, out.text)
	}
	return text(out.body, "access_token")
}

// elsewhere is the client of an API, which reaches the issuer's host at the test's address.
func (p *testServer) elsewhere() *http.Client {
	p.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "localhost:4000"
		p.router.ServeHTTP(w, r)
	}))
	p.Cleanup(server.Close)
	to, err := url.Parse(server.URL)
	if err != nil {
		p.Fatal(err)
	}
	return &http.Client{Transport: redirected(to.Host)}
}

// redirected sends every request to one address.
type redirected string

func (to redirected) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = string(to)
	return http.DefaultTransport.RoundTrip(r)
}
