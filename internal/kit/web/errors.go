package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

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
	fault.Gone:            http.StatusGone,
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
	fault.Gone:            fault.CodeCursorExpired,
}

// Failure is what a client may learn of an error.
type Failure struct {
	Status  int
	Code    string // stable
	Public  string // one sentence for a person
	ErrorID string // the request id, to ask about
	Facts   []fault.Fact
}

// Translate reduces an error to what a client may learn. Causes and operations stay behind;
// an error that is no fault says nothing but that something went wrong.
func Translate(r *http.Request, err error) Failure {
	f := Failure{ErrorID: RequestID(r)}
	if own, ok := errors.AsType[*refusal](err); ok {
		f.Status, f.Code, f.Public = own.status, own.code, own.public
		return f
	}
	e := reduce(err)
	f.Status, f.Code, f.Public, f.Facts = http.StatusInternalServerError, e.Code, e.Public, e.Facts
	if int(e.Kind) < len(statusOf) {
		f.Status = statusOf[e.Kind]
		if f.Code == "" {
			f.Code = codeOf[e.Kind]
		}
	}
	return f
}

// reduce finds the fault that a client is told of.
func reduce(err error) *fault.Error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Kind != fault.Internal {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return errTooSlow
	}
	return errInternal
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

// JSONError is the ErrorWriter of the JSON surfaces: {title, errorCode, errorId} and the error's facts. It is written by
// hand because "no" is the answer to half of all permission checks.
func JSONError(w http.ResponseWriter, r *http.Request, err error) {
	f := Translate(r, err)
	w.Header()["Cache-Control"] = valueNoStore
	body := make([]byte, 0, 256)
	body = AppendText(append(body, `{"title":`...), f.Public)
	body = AppendText(append(body, `,"errorCode":`...), f.Code)
	body = AppendText(append(body, `,"errorId":`...), f.ErrorID)
	for _, fact := range f.Facts {
		body = append(AppendText(append(body, ','), fact.Name), ':')
		body = strconv.AppendInt(body, fact.Value, 10)
	}
	JSONBytes(w, f.Status, append(body, '}'))
}

// verbatim are the bytes that stand for themselves in a JSON string that encoding/json writes.
var verbatim = func() (table [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		table[c] = !strings.ContainsRune(`"\<>&`, rune(c))
	}
	return table
}()

// AppendText appends s as a JSON string, spelled as encoding/json does.
func AppendText[T ~string](to []byte, s T) []byte {
	for i := 0; i < len(s); i++ {
		if !verbatim[s[i]] {
			quoted, _ := json.Marshal(string(s)) // a string always encodes
			return append(to, quoted...)
		}
	}
	to = append(to, '"')
	to = append(to, s...)
	return append(to, '"')
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
