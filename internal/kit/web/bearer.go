package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Verifier finds out who a bearer is: a user's access token, a service client's own token or a
// raw access key. It returns a fault of kind Unauthenticated when the bearer proves nothing in
// this account. It looks at expiry and revocation every time.
type Verifier interface {
	Verify(ctx context.Context, account ident.AccountID, bearer string) (actor.Actor, error)
}

const maxBearer = 8 << 10 // bytes; a longer one is refused unread

var (
	errNoBearer = fault.New(fault.Unauthenticated, fault.CodeUnauthenticated,
		"This needs a token: send the header Authorization: Bearer TOKEN.")
	errBadBearer = fault.New(fault.Unauthenticated, fault.CodeUnauthenticated,
		"The Authorization header must be sent once, as: Bearer TOKEN.")

	valueBearer        = []string{`Bearer realm="admit"`, valueProof}
	valueBearerInvalid = []string{`Bearer realm="admit", error="invalid_token"`}
	valueBearerRequest = []string{`Bearer realm="admit", error="invalid_request"`}
)

// token68 are the characters of RFC 9110 section 11.2, which a key and a JWT are made of, and those
// inside the identifiers of raw access keys. A table, because every request is looked at whole.
var token68 = func() (table [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=" + "|:") {
		table[c] = true
	}
	return table
}()

// bearerOf reads the token of the Authorization header, the only place a token may come in.
func bearerOf(h http.Header) (string, error) {
	values := h["Authorization"]
	if len(values) == 0 {
		return "", errNoBearer
	}
	if len(values) > 1 {
		return "", errBadBearer
	}
	v := values[0]
	const scheme = len("Bearer ")
	if len(v) <= scheme || len(v) > maxBearer || !strings.EqualFold(v[:scheme], "Bearer ") {
		return "", errBadBearer
	}
	token := v[scheme:]
	for i := 0; i < len(token); i++ {
		if !token68[token[i]] {
			return "", errBadBearer
		}
	}
	return token, nil
}

// BearerOf returns the token of the request, or "". It is for answers that go on, which verify it
// again and again.
func BearerOf(r *http.Request) string {
	token, err := bearerOf(r.Header)
	if err != nil {
		token, _ = proofTokenOf(r.Header)
	}
	return token
}

func (rt *Router) authenticate(w http.ResponseWriter, r *http.Request, e *exchange) error {
	token, err := bearerOf(r.Header)
	challenge := valueBearerInvalid
	switch {
	case err == errNoBearer:
		challenge = valueBearer
	case err != nil:
		if token, ok := proofTokenOf(r.Header); ok {
			return rt.authenticateProved(w, r, e, token)
		}
		challenge = valueBearerRequest
	default:
		var a actor.Actor
		if a, err = rt.deps.Tokens.Verify(e, e.account, token); err == nil {
			if a.Bound != nil {
				if err = Prove(w, r, token, a.Bound); err != nil {
					return rt.refused(w, e, err)
				}
			}
			rt.enterAs(e, a)
			return nil
		}
	}
	if !fault.Is(err, fault.Unauthenticated) {
		return err
	}
	if err != errNoBearer {
		if limited := rt.spend(w, LimitBadToken, e); limited != nil {
			return limited
		}
	}
	w.Header()["Www-Authenticate"] = challenge
	return err
}
