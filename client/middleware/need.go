package middleware

import (
	"net/http"
	"slices"
	"time"

	"github.com/admit-id/admit/client/verify"
)

// Need is what a request needs besides a valid token.
type Need struct {
	// Scopes are all needed. A scope says what the holder of the token may ask for; what the person may
	// do is a question to Admit (package client).
	Scopes []string
	// ACR are authentication context classes, such as "urn:admit:aal1"; one of them is needed.
	ACR []string
	// MaxAge is how long ago the person may have signed in. 0 is no bound.
	MaxAge time.Duration
}

// met tells what is missing.
func (n Need) met(c verify.Claims, now time.Time) error {
	for _, s := range n.Scopes {
		if !c.HasScope(s) {
			return ErrScope
		}
	}
	if len(n.ACR) > 0 && (c.ACR == "" || !slices.Contains(n.ACR, c.ACR)) {
		return ErrStepUp
	}
	if n.MaxAge > 0 && (c.AuthTime.IsZero() || now.Sub(c.AuthTime) > n.MaxAge) {
		return ErrStepUp
	}
	return nil
}

// Require lets a request through only if its token has what is needed. It stands behind RequireToken.
// Missing scopes are answered with 403 insufficient_scope (RFC 6750), a sign-in that is too weak or too
// long ago with 401 insufficient_user_authentication and how to sign in (RFC 9470). A request that
// has not passed RequireToken is refused.
func Require(need Need) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			found, ok := r.Context().Value(key{}).(grant)
			if !ok {
				newGuard(nil, Options{}).refuse(w, r, bearer, need, ErrNoToken)
				return
			}
			if err := need.met(found.claims, found.guard.now()); err != nil {
				found.guard.refuse(w, r, found.scheme, need, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
