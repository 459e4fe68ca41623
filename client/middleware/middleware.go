// Package middleware protects a net/http API with Admit's access tokens.
//
// It owns the way from the Authorization header to verified claims in the request's
// context, and the answers to requests that have none.
package middleware

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/admit-id/admit/client/verify"
)

// Verifier checks a token; *verify.Verifier is one.
type Verifier interface {
	Verify(ctx context.Context, token string) (verify.Claims, error)
}

// Options adjust RequireToken. The zero value is right for most APIs.
type Options struct {
	// Refused is told of every request that is not let through and why, for the log. The
	// error never holds the token. Nil means nobody is told.
	Refused func(r *http.Request, why error)
}

// ErrNoToken is what Refused hears when the request has no Authorization header.
var ErrNoToken = errors.New("middleware: no token")

// ErrHeader is what Refused hears when the Authorization header is not one bearer token.
var ErrHeader = errors.New("middleware: the Authorization header is not one bearer token")

type grant struct {
	claims verify.Claims
	token  string
}

type key struct{}

// RequireToken lets a request through only if its Authorization header carries one token
// that v accepts. The handler behind it reads who is calling with [Claims].
//
// A request without a token, or with one that is forged, expired or of another issuer, is
// answered with 401 and a WWW-Authenticate header (RFC 6750 section 3); the body says no
// more than that. If the issuer's keys cannot be had, the answer is 503. Tokens in the query or
// in a form are not looked at.
func RequireToken(v Verifier, options Options) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, err := Bearer(r)
			if err == nil {
				var claims verify.Claims
				if claims, err = v.Verify(r.Context(), token); err == nil {
					ctx := context.WithValue(r.Context(), key{}, grant{claims, token})
					next.ServeHTTP(w, r.WithContext(ctx))
					return
				}
			}
			if options.Refused != nil {
				options.Refused(r, err)
			}
			refuse(w, err)
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
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", ErrNoToken
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " ,\t") {
		return "", ErrHeader
	}
	return token, nil
}

func refuse(w http.ResponseWriter, err error) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	if errors.Is(err, verify.ErrKeysUnavailable) {
		h.Set("Retry-After", "5")
		answer(w, http.StatusServiceUnavailable, "The token cannot be checked at the moment.", "Unavailable")
		return
	}
	challenge := `Bearer`
	if !errors.Is(err, ErrNoToken) {
		challenge = `Bearer error="invalid_token", error_description="The access token is not valid."`
	}
	h.Set("WWW-Authenticate", challenge)
	answer(w, http.StatusUnauthorized, "A valid access token is needed.", "Unauthenticated")
}

func answer(w http.ResponseWriter, status int, title, code string) {
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"title":"` + title + `","errorCode":"` + code + "\"}\n")) // the caller may be gone
}
