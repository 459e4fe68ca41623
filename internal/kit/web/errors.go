package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/admit-id/admit/internal/kit/fault"
)

var statusOf = [...]int{
	fault.Internal:        http.StatusInternalServerError,
	fault.Invalid:         http.StatusBadRequest,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.Precondition:    http.StatusPreconditionFailed,
	fault.TooLarge:        http.StatusRequestEntityTooLarge,
	fault.Misdirected:     http.StatusMisdirectedRequest,
	fault.Unprocessable:   http.StatusUnprocessableEntity,
	fault.Limited:         http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
}

var codeOf = [...]string{
	fault.Internal:        fault.CodeInternal,
	fault.Invalid:         fault.CodeInvalidRequest,
	fault.Unauthenticated: fault.CodeUnauthenticated,
	fault.Forbidden:       fault.CodeForbidden,
	fault.NotFound:        fault.CodeNotFound,
	fault.Conflict:        fault.CodeConflict,
	fault.Precondition:    fault.CodeConflict,
	fault.TooLarge:        fault.CodeTooLarge,
	fault.Misdirected:     fault.CodeUnknownHost,
	fault.Unprocessable:   fault.CodeInvalidRequest,
	fault.Limited:         fault.CodeTooManyRequests,
	fault.Unavailable:     fault.CodeUnavailable,
}

// Failure is what a client may learn of an error.
type Failure struct {
	Status  int
	Code    string // stable
	Public  string // one sentence for a person
	ErrorID string // the request id, to ask about
}

// Translate reduces an error to what a client may learn. Causes and operations stay behind;
// an error that is no fault says nothing but that something went wrong.
func Translate(r *http.Request, err error) Failure {
	f := Failure{ErrorID: RequestID(r)}
	var own *refusal
	if errors.As(err, &own) {
		f.Status, f.Code, f.Public = own.status, own.code, own.public
		return f
	}
	var e *fault.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		e = errTooLarge
	case errors.As(err, &e) && e.Kind != fault.Internal:
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		e = errTooSlow
	default:
		e = errInternal
	}
	f.Status, f.Code, f.Public = http.StatusInternalServerError, e.Code, e.Public
	if int(e.Kind) < len(statusOf) {
		f.Status = statusOf[e.Kind]
		if f.Code == "" {
			f.Code = codeOf[e.Kind]
		}
	}
	return f
}

var (
	errInternal = fault.New(fault.Internal, fault.CodeInternal, "Something went wrong on our side.")
	errTooSlow  = fault.New(fault.Unavailable, fault.CodeUnavailable, "This took too long. Please try again.")
	errTooLarge = fault.New(fault.TooLarge, fault.CodeTooLarge, "The request is larger than this accepts.")
	errNotFound = fault.New(fault.NotFound, fault.CodeNotFound, "There is nothing at this address.")
	errHost     = fault.New(fault.Misdirected, fault.CodeUnknownHost, "No account answers to this host name.")
	errForeign  = fault.New(fault.Forbidden, fault.CodeForbidden, "This request comes from another site, which may not do this.")
	errLimited  = fault.New(fault.Limited, fault.CodeTooManyRequests, "Too many requests. Please wait a moment and try again.")
	errStale    = fault.New(fault.Unavailable, fault.CodeUnavailable, "This node cannot decide at the moment. Please try again.")

	errEncoding = &refusal{http.StatusUnsupportedMediaType, "UnsupportedEncoding", "Send the body without a content encoding."}
	errMethod   = &refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", "This address does not know that method."}
)

// refusal is for statuses that no fault has, because no feature can cause them.
type refusal struct {
	status       int
	code, public string
}

func (e *refusal) Error() string { return e.public }

type errorBody struct {
	Title     string `json:"title"`
	ErrorCode string `json:"errorCode"`
	ErrorID   string `json:"errorId"`
}

// JSONError is the ErrorWriter of the JSON surfaces: {title, errorCode, errorId}.
func JSONError(w http.ResponseWriter, r *http.Request, err error) {
	f := Translate(r, err)
	w.Header()["Cache-Control"] = valueNoStore
	if JSON(w, f.Status, errorBody{f.Public, f.Code, f.ErrorID}) != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// methodNotAllowed refuses and names the methods that the path has.
func methodNotAllowed(w http.ResponseWriter, methods map[string]*leaf) error {
	w.Header()["Allow"] = []string{strings.Join(allowedMethods(methods), ", ")}
	return errMethod
}

// wantsPage tells whether a person with a browser is waiting for the answer.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
