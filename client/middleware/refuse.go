package middleware

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/client/dpop"
	"github.com/admit-id/admit/client/verify"
)

// refusal is the answer to an error.
type refusal struct {
	status             int
	title, code        string
	error, description string // of the challenge
	scope              bool   // the challenge names the scopes
	stepUp             bool   // the challenge names how to sign in
	quiet              bool   // no challenge: another token would not help
}

var (
	answerNone  = refusal{status: 401, title: "A valid access token is needed.", code: "Unauthenticated"}
	answerToken = refusal{status: 401, title: answerNone.title, code: answerNone.code, error: "invalid_token", description: "The access token is not valid."}
	answerProof = refusal{status: 401, title: "A valid DPoP proof is needed.", code: answerNone.code, error: "invalid_dpop_proof", description: "The DPoP proof is not valid."}
	answerNonce = refusal{status: 401, title: answerProof.title, code: answerNone.code, error: "use_dpop_nonce", description: "Make a new DPoP proof with the nonce of the header DPoP-Nonce."}
	answerScope = refusal{status: 403, title: "The access token has not all of the scopes that this needs.", code: "Forbidden", error: "insufficient_scope", description: "More scopes are needed.", scope: true}
	answerStep  = refusal{status: 401, title: "Sign in again, or in a stronger way.", code: answerNone.code, error: "insufficient_user_authentication", description: "Another sign-in is needed.", stepUp: true}

	answerOrigin = refusal{status: 403, quiet: true, code: "CrossOrigin", title: "Only pages of this site may send this request. Open the site itself and try again."}
	answerHeader = refusal{status: 403, quiet: true, code: "CsrfHeader", title: "A request that comes with a cookie needs the header against forged requests, once and not empty. Send the one that this application asks for."}
	answerCSRF   = refusal{status: 403, quiet: true, code: "CsrfToken", title: "The token against forged requests is missing or of another session. Load the page again and try once more."}
	answerForm   = refusal{status: 403, quiet: true, code: "CsrfForm", title: "The form cannot be read. It is damaged or too large; send the token against forged requests in the header."}
)

func answerOf(err error) refusal {
	switch {
	case errors.Is(err, ErrNoToken):
		return answerNone
	case errors.Is(err, dpop.ErrNonce):
		return answerNonce
	case errors.Is(err, dpop.ErrProof), errors.Is(err, dpop.ErrMissing), errors.Is(err, ErrProofKey), errors.Is(err, ErrReplay):
		return answerProof
	case errors.Is(err, ErrScope):
		return answerScope
	case errors.Is(err, ErrStepUp):
		return answerStep
	case errors.Is(err, ErrCrossOrigin):
		return answerOrigin
	case errors.Is(err, ErrCSRFHeader):
		return answerHeader
	case errors.Is(err, ErrCSRFToken):
		return answerCSRF
	case errors.Is(err, ErrForm):
		return answerForm
	}
	return answerToken
}

func (g *guard) refuse(w http.ResponseWriter, r *http.Request, scheme string, need Need, err error) {
	if g.options.Refused != nil {
		g.options.Refused(r, err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	if errors.Is(err, verify.ErrKeysUnavailable) || errors.Is(err, ErrFull) {
		h.Set("Retry-After", "5")
		answer(w, http.StatusServiceUnavailable, "The token cannot be checked at the moment.", "Unavailable")
		return
	}
	a := answerOf(err)
	if a.quiet {
		answer(w, a.status, a.title, a.code)
		return
	}
	if c := g.options.Cookie; a.status == http.StatusUnauthorized && c.signsIn(r) {
		h.Del("Content-Type")
		c.config.SignIn.ServeHTTP(w, r)
		return
	}
	if a.error == answerNonce.error {
		h.Set(dpop.NonceHeader, g.options.Nonces.New(g.now()))
	}
	if errors.Is(err, ErrScheme) { // the scheme to use instead
		scheme = map[string]string{bearer: proved, proved: bearer}[scheme]
	}
	switch {
	case scheme == proved:
		h.Set("WWW-Authenticate", g.challenge(proved, a, need))
	case a.error == "" && g.options.BaseURL != "":
		h.Set("WWW-Authenticate", g.challenge(bearer, a, need))
		h.Add("WWW-Authenticate", g.challenge(proved, a, need))
	default:
		h.Set("WWW-Authenticate", g.challenge(bearer, a, need))
	}
	answer(w, a.status, a.title, a.code)
}

// challenge is one WWW-Authenticate value. Everything in it is this package's or the operator's text.
func (g *guard) challenge(scheme string, a refusal, need Need) string {
	var params []string
	add := func(name, value string) {
		if value != "" {
			params = append(params, name+"="+strconv.Quote(value))
		}
	}
	add("error", a.error)
	add("error_description", a.description)
	if a.scope {
		add("scope", strings.Join(need.Scopes, " "))
	}
	if a.stepUp {
		add("acr_values", strings.Join(need.ACR, " "))
		if need.MaxAge > 0 {
			add("max_age", strconv.Itoa(int(need.MaxAge/time.Second)))
		}
	}
	if scheme == proved {
		add("algs", strings.Join(dpop.Algorithms(), " "))
	}
	add("resource_metadata", g.options.Metadata)
	if len(params) == 0 {
		return scheme
	}
	return scheme + " " + strings.Join(params, ", ")
}

func answer(w http.ResponseWriter, status int, title, code string) {
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"title":"` + title + `","errorCode":"` + code + "\"}\n")) // the caller may be gone
}
