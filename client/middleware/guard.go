package middleware

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/admit-id/admit/client/dpop"
	"github.com/admit-id/admit/client/verify"
)

// guard is what one RequireToken checks with.
type guard struct {
	verifier Verifier
	options  Options
	memory   *dpop.Memory
	now      func() time.Time
}

func newGuard(v Verifier, options Options) *guard {
	g := &guard{verifier: v, options: options, memory: options.Memory, now: options.Now}
	if g.now == nil {
		g.now = time.Now
	}
	if g.memory == nil && options.BaseURL != "" {
		g.memory = dpop.NewMemory(0)
	}
	if g.options.Certificate == nil {
		g.options.Certificate = shown
	}
	return g
}

// shown returns the certificate of the TLS connection.
func shown(r *http.Request) *x509.Certificate {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil
	}
	return r.TLS.PeerCertificates[0]
}

// check verifies the token of a request and what it is bound to. The grant names the scheme even
// if there is an error.
func (g *guard) check(w http.ResponseWriter, r *http.Request) (grant, error) {
	if g.options.Cookie != nil && len(r.Header.Values("Authorization")) == 0 {
		return g.checkCookie(w, r)
	}
	scheme, token, err := credentials(r)
	found := grant{guard: g, scheme: scheme}
	if err != nil {
		return found, err
	}
	claims, err := g.verify(r, token)
	if err != nil {
		return found, err
	}
	if err := g.prove(r, scheme, token, claims.Confirmation); err != nil {
		return found, err
	}
	found.claims, found.token = claims, token
	return found, nil
}

func (g *guard) verify(r *http.Request, token string) (verify.Claims, error) {
	if v, ok := g.verifier.(boundVerifier); ok {
		return v.VerifyBound(r.Context(), token)
	}
	return g.verifier.Verify(r.Context(), token)
}

// prove checks what a token is bound to.
func (g *guard) prove(r *http.Request, scheme, token string, c verify.Confirmation) error {
	switch {
	case (c.JKT != "") != (scheme == proved):
		return ErrScheme
	case !c.Bound() && g.options.OnlyBound:
		return ErrUnbound
	}
	if c.X5T != "" {
		cert := g.options.Certificate(r)
		if cert == nil {
			return ErrCertificate
		}
		sum := sha256.Sum256(cert.Raw)
		if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(c.X5T)) != 1 {
			return ErrCertificate
		}
	}
	if c.JKT == "" {
		return nil
	}
	return g.proveKey(r, token, c.JKT)
}

func (g *guard) proveKey(r *http.Request, token, jkt string) error {
	if g.options.BaseURL == "" {
		return ErrNoBaseURL
	}
	now := g.now()
	expect := dpop.Expect{Method: r.Method, URL: g.options.BaseURL + path(r), AccessToken: token, Now: now}
	if g.options.Nonces != nil {
		expect.Nonce = func(nonce string) bool { return g.options.Nonces.Known(nonce, now) }
	}
	p, err := dpop.Verify(r.Header.Values(dpop.Header), expect)
	switch {
	case err != nil:
		return err
	case p.JKT != jkt:
		return ErrProofKey
	}
	fresh, full := g.memory.Take(jkt+"\n"+p.ID, p.Until, now)
	switch {
	case full:
		return ErrFull
	case !fresh:
		return ErrReplay
	}
	return nil
}

// path returns the path as the client has sent it, whatever a router has cut off since.
func path(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		return path
	}
	return r.URL.EscapedPath()
}
