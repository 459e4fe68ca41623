// Package middleware protects a net/http API with Admit's access tokens.
//
// It owns the way from the Authorization header, or a web application's cookie, to verified claims in the request's
// context, and the answers to requests that have none or not enough: RFC 6750, proofs of
// possession (RFC 9449), certificates (RFC 8705), step-up (RFC 9470) and the metadata of a
// protected resource (RFC 9728).
package middleware

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/admit-id/admit/client/dpop"
	"github.com/admit-id/admit/client/verify"
)

// Verifier checks a token; *verify.Verifier is one. If it has the method VerifyBound as well, tokens
// that are bound to a key or a certificate are taken too.
type Verifier interface {
	Verify(ctx context.Context, token string) (verify.Claims, error)
}

type boundVerifier interface {
	VerifyBound(ctx context.Context, token string) (verify.Claims, error)
}

// Options adjust RequireToken. The zero value is right for APIs that take plain bearer tokens.
type Options struct {
	// Refused is told of every request that is not let through and why, for the log. The
	// error never holds the token. Nil means nobody is told.
	Refused func(r *http.Request, why error)

	// Need is what every request needs besides a token; Require asks for more on single routes.
	Need Need

	// BaseURL is the scheme and host of this API as its clients write them, such as
	// "https://api.example.com". DPoP proofs name the URL of the request, so without it tokens that
	// are bound to a key are refused: the Host header is not to be believed.
	BaseURL string
	// Nonces are demanded in DPoP proofs, if there are any.
	Nonces *dpop.Nonces
	// Memory remembers used proofs. Nil means one of RequireToken's own; give several handlers of one
	// API the same.
	Memory *dpop.Memory
	// Certificate returns the certificate that the client of a request has proved to hold, or nil.
	// Nil means the one of the TLS connection. Behind a proxy that passes it on, read the proxy's header
	// here, and only in requests that come from the proxy.
	Certificate func(r *http.Request) *x509.Certificate
	// OnlyBound refuses tokens that are bound to nothing.
	OnlyBound bool

	// Cookie lets a web application take the token from a cookie where there is no Authorization
	// header. Nil means that cookies are not looked at, which is right for APIs.
	Cookie *Cookie

	// Metadata is the URL of the metadata of this API (RFC 9728), which refusals name; see Resource.
	Metadata string
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
}

// What Refused hears besides the errors of verify and dpop.
var (
	ErrNoToken     = errors.New("middleware: no token")
	ErrHeader      = errors.New("middleware: the Authorization header is not one token")
	ErrScheme      = errors.New("middleware: the token was sent with the scheme of another kind of token")
	ErrProofKey    = errors.New("middleware: the DPoP proof is of another key than the token's")
	ErrReplay      = errors.New("middleware: the DPoP proof was used before")
	ErrFull        = errors.New("middleware: no room to remember more DPoP proofs")
	ErrCertificate = errors.New("middleware: the token is bound to another certificate than the connection's")
	ErrUnbound     = errors.New("middleware: the token is bound to nothing")
	ErrNoBaseURL   = errors.New("middleware: Options.BaseURL is empty, so no DPoP proof can be checked")
	ErrScope       = errors.New("middleware: the token has not all of the scopes")
	ErrStepUp      = errors.New("middleware: the person has to sign in again, or in a stronger way")
	ErrCookies     = errors.New("middleware: the cookies of one name are of several sessions")
	ErrNoSession   = errors.New("middleware: the token in the cookie is of no session")
	ErrCrossOrigin = errors.New("middleware: a page of another origin has sent the request")
	ErrCSRFHeader  = errors.New("middleware: the header against forged requests is missing, empty or there twice")
	ErrCSRFToken   = errors.New("middleware: the token against forged requests is missing, there twice or of another session")
	ErrForm        = errors.New("middleware: the form cannot be read for its token against forged requests")
)

type grant struct {
	claims verify.Claims
	token  string
	guard  *guard
	scheme string
}

type key struct{}

// RequireToken lets a request through only if its Authorization header carries one token
// that v accepts. The handler behind it reads who is calling with [Claims].
//
// A request without a token, or with one that is forged, expired or of another issuer, is
// answered with 401 and a WWW-Authenticate header (RFC 6750 section 3); the body says no
// more than that. If the issuer's keys cannot be had, the answer is 503. Tokens in the query or
// in a form are not looked at.
//
// With Options.Cookie a web application takes the token from a cookie if there is no Authorization header,
// and a request that changes something has to show that the application's own pages sent it. Otherwise the answer is 403
// with errorCode CrossOrigin, CsrfHeader, CsrfToken or CsrfForm. Tokens that are bound to a key or a certificate are
// not taken from cookies.
//
// A token that is bound to a key is taken with the scheme DPoP and a proof, and only so; one that is bound
// to a certificate over a connection with that certificate.
func RequireToken(v Verifier, options Options) func(http.Handler) http.Handler {
	g := newGuard(v, options)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			found, err := g.check(w, r)
			if err == nil {
				err = g.options.Need.met(found.claims, g.now())
			}
			if err != nil {
				g.refuse(w, r, found.scheme, g.options.Need, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, found)))
		})
	}
}

// Claims returns who is calling. ok is false if the request did not pass RequireToken.
func Claims(ctx context.Context) (claims verify.Claims, ok bool) {
	g, ok := ctx.Value(key{}).(grant)
	return g.claims, ok
}

// Token returns the caller's verified token, to ask Admit in the caller's own name. It is a
// secret. It is empty if the request did not pass RequireToken.
func Token(ctx context.Context) string {
	g, _ := ctx.Value(key{}).(grant)
	return g.token
}

// Bearer returns the token of the request's one Authorization header (RFC 6750 section 2.1).
// The error is ErrNoToken or ErrHeader.
func Bearer(r *http.Request) (string, error) {
	scheme, token, err := credentials(r)
	if err == nil && scheme != bearer {
		err = ErrHeader
	}
	if err != nil {
		return "", err
	}
	return token, nil
}

const (
	bearer = "Bearer"
	proved = "DPoP"
)

// credentials returns the scheme, bearer or proved, and the token.
func credentials(r *http.Request) (scheme, token string, err error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", "", ErrNoToken
	}
	scheme, token, _ = strings.Cut(values[0], " ")
	switch {
	case strings.EqualFold(scheme, bearer):
		scheme = bearer
	case strings.EqualFold(scheme, proved):
		scheme = proved
	default:
		return "", "", ErrHeader
	}
	if len(values) > 1 || token == "" || strings.ContainsAny(token, " ,\t") {
		return "", "", ErrHeader
	}
	return scheme, token, nil
}
