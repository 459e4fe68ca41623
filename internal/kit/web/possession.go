package web

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/admit-id/admit/client/dpop"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mtls"
)

// Proofs judges the proofs of possession that come with access tokens (RFC 9449 section 7).
type Proofs interface {
	// CheckToken judges a proof and uses it up. What is wrong with it is a *ProofError.
	CheckToken(account ident.AccountID, p TokenProof) error
	// Nonce returns a nonce that is good now.
	Nonce(account ident.AccountID) string
}

// TokenProof is a proof as it came, and what it has to prove.
type TokenProof struct {
	Headers     []string // all values of the header DPoP
	Method, URL string
	JKT         string // the thumbprint of the key that the token is bound to
	Token       string
}

// ProofError is what is wrong with a proof.
type ProofError struct {
	Code        string // invalid_dpop_proof or use_dpop_nonce
	Description string
}

func (e *ProofError) Error() string { return e.Code + ": " + e.Description }

const (
	proofScheme  = "DPoP "
	useNonce     = "use_dpop_nonce"
	badToken     = "invalid_token"
	challengeEnd = `, algs="EdDSA Ed25519 ES256 RS256 PS256"`
)

var (
	valueProof        = `DPoP realm="admit"` + challengeEnd
	valueProofInvalid = []string{proofChallenge(badToken, "")}

	errNeedsProof = fault.New(fault.Unauthenticated, fault.CodeUnauthenticated,
		"This token is bound to a key: send it as Authorization: DPoP TOKEN, with a proof in the header DPoP.")
	errUnbound = fault.New(fault.Unauthenticated, fault.CodeUnauthenticated,
		"This token is not bound to a key: send it as Authorization: Bearer TOKEN.")
	errCertificate = fault.New(fault.Unauthenticated, fault.CodeUnauthenticated,
		"This token is bound to another client certificate than the one of this connection.")
)

func proofChallenge(code, description string) string {
	out := `DPoP realm="admit", error="` + code + `"`
	if description != "" {
		out += `, error_description="` + description + `"`
	}
	return out + challengeEnd
}

// proofTokenOf reads the token of an Authorization header of the scheme DPoP.
func proofTokenOf(h http.Header) (string, bool) {
	values := h["Authorization"]
	if len(values) != 1 {
		return "", false
	}
	v := values[0]
	if len(v) <= len(proofScheme) || len(v) > maxBearer || !strings.EqualFold(v[:len(proofScheme)], proofScheme) {
		return "", false
	}
	token := v[len(proofScheme):]
	for i := 0; i < len(token); i++ {
		if !token68[token[i]] {
			return "", false
		}
	}
	return token, true
}

// TargetURL returns the URL that the request was sent to, up to its query, for proofs to be compared
// with and for nothing else (I-2): the host is one of the account's, byte for byte.
func TargetURL(r *http.Request) string {
	scheme := "http://"
	if rt := from(r).router; r.TLS != nil || rt != nil && rt.deps.HTTPS {
		scheme = "https://"
	}
	return scheme + r.Host + rawPath(r)
}

// Prove tells whether a request that carries an access token proves what the token is bound to;
// nil is a token that is bound to nothing. A token that is bound to a key is taken with the scheme
// DPoP only, one that is not with Bearer only. The challenge of a refusal is written to w. The
// chain does this by itself for every token that its Verifier knows.
func Prove(w http.ResponseWriter, r *http.Request, token string, b *actor.Binding) error {
	e := from(r)
	_, proved := proofTokenOf(r.Header)
	switch {
	case proved && (b == nil || b.JKT == ""):
		w.Header()["Www-Authenticate"] = valueProofInvalid
		return errUnbound
	case !proved && b != nil && b.JKT != "":
		w.Header()["Www-Authenticate"] = valueProofInvalid
		return errNeedsProof
	case b == nil:
		return nil
	}
	if b.X5T != "" && !holds(r, b.X5T) {
		w.Header()["Www-Authenticate"] = valueBearerInvalid
		if proved {
			w.Header()["Www-Authenticate"] = valueProofInvalid
		}
		return errCertificate
	}
	if b.JKT == "" {
		return nil
	}
	if e.router == nil || e.router.deps.Proofs == nil {
		return errNeedsProof
	}
	proofs := e.router.deps.Proofs
	err := proofs.CheckToken(e.account, TokenProof{
		Headers: r.Header["Dpop"], Method: r.Method, URL: TargetURL(r), JKT: b.JKT, Token: token,
	})
	wrong, ok := errors.AsType[*ProofError](err)
	if !ok {
		return err
	}
	h := w.Header()
	h["Www-Authenticate"] = []string{proofChallenge(wrong.Code, wrong.Description)}
	if wrong.Code == useNonce {
		h[http.CanonicalHeaderKey(dpop.NonceHeader)] = []string{proofs.Nonce(e.account)}
	}
	return fault.New(fault.Unauthenticated, fault.CodeUnauthenticated, wrong.Description).With(wrong)
}

// holds tells whether the client of the connection has shown the certificate of that thumbprint.
func holds(r *http.Request, x5t string) bool {
	cert := ClientCertificate(r)
	return cert != nil && subtle.ConstantTimeCompare([]byte(mtls.Thumbprint(cert)), []byte(x5t)) == 1
}

// authenticateProved is authenticate for a token that came with the scheme DPoP.
func (rt *Router) authenticateProved(w http.ResponseWriter, r *http.Request, e *exchange, token string) error {
	a, err := rt.deps.Tokens.Verify(e, e.account, token)
	if err == nil {
		if err = Prove(w, r, token, a.Bound); err == nil {
			rt.enterAs(e, a)
			return nil
		}
	} else {
		w.Header()["Www-Authenticate"] = valueProofInvalid
	}
	return rt.refused(w, e, err)
}

// enterAs makes a the caller of the request.
func (rt *Router) enterAs(e *exchange, a actor.Actor) {
	a.RequestID, a.Address = e.actor.RequestID, e.actor.Address
	e.actor = a
}

// refused counts a bad token or proof. One that only lacks a fresh nonce is none.
func (rt *Router) refused(w http.ResponseWriter, e *exchange, err error) error {
	wrong, _ := errors.AsType[*ProofError](err)
	if !fault.Is(err, fault.Unauthenticated) {
		delete(w.Header(), "Www-Authenticate")
		return err
	}
	if wrong == nil || wrong.Code != useNonce {
		if limited := rt.spend(w, LimitBadToken, e); limited != nil {
			delete(w.Header(), "Www-Authenticate")
			return limited
		}
	}
	return err
}
