package wire

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth"
)

// statuses are those that are not 400.
var statuses = map[oauth.Code]int{
	oauth.InvalidClient:          http.StatusUnauthorized,
	oauth.InvalidToken:           http.StatusUnauthorized,
	oauth.InsufficientAuth:       http.StatusUnauthorized,
	oauth.InsufficientScope:      http.StatusForbidden,
	oauth.ServerError:            http.StatusInternalServerError,
	oauth.TemporarilyUnavailable: http.StatusServiceUnavailable,
}

type errorBody struct {
	Error       oauth.Code `json:"error"`
	Description string     `json:"error_description,omitempty"`
	ErrorID     string     `json:"errorId"`
}

// Error is the ErrorWriter of the OAuth endpoints: RFC 6749 section 5.2, with errorId as in all our
// answers. An answer 401 names the scheme that the caller should use, unless the handler has set a
// challenge of its own (RFC 9110 section 11.6.1).
func Error(w http.ResponseWriter, r *http.Request, err error) {
	status, e := Reduce(r, err)
	h := w.Header()
	h["Cache-Control"] = []string{"no-store"}
	if status == http.StatusUnauthorized && len(h["Www-Authenticate"]) == 0 {
		h["Www-Authenticate"] = []string{challenge(e)}
	}
	if web.JSON(w, status, errorBody{e.Code, e.Description, web.RequestID(r)}) != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// challenge is what a 401 asks for: client authentication, or a token.
func challenge(e *oauth.Error) string {
	if e.Code == oauth.InvalidClient {
		return `Basic realm="admit", charset="UTF-8"`
	}
	return `Bearer realm="admit", error=` + strconv.Quote(string(e.Code))
}

// Reduce finds what a client may learn of an error: its status, code and description.
func Reduce(r *http.Request, err error) (int, *oauth.Error) {
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		if status, ok := statuses[e.Code]; ok {
			return status, e
		}
		return http.StatusBadRequest, e
	}
	f := web.Translate(r, err)
	code := oauth.InvalidRequest
	proof, _ := errors.AsType[*web.ProofError](err)
	switch {
	case proof != nil: // what its challenge says (RFC 9449 section 7.1)
		code = oauth.Code(proof.Code)
	case f.Status == http.StatusTooManyRequests, f.Status == http.StatusServiceUnavailable:
		code = oauth.TemporarilyUnavailable
	case f.Status >= http.StatusInternalServerError:
		code = oauth.ServerError
	case f.Status == http.StatusUnauthorized:
		code = oauth.InvalidToken
	case f.Status == http.StatusForbidden:
		code = oauth.AccessDenied
	}
	return f.Status, &oauth.Error{Code: code, Description: plain(f.Public)}
}

// plain keeps the characters that RFC 6749 section 5.2 allows in a description.
func plain(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return -1
		}
		return c
	}, text)
}

// The values of headers, shared by all answers.
var (
	valueNoStore    = []string{"no-store"}
	valueNoCache    = []string{"no-cache"}
	valueNoReferrer = []string{"no-referrer"}
)

// NoStore sets the headers of an answer that holds codes or tokens (RFC 6749 section 5.1).
func NoStore(h http.Header) {
	h["Cache-Control"] = valueNoStore
	h["Pragma"] = valueNoCache
	h["Referrer-Policy"] = valueNoReferrer
}
