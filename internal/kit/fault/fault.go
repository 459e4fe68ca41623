// Package fault owns Admit's one error type. Features return faults; each surface
// translates them once. The cause is for the log and never passes a surface.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what class of outcome an error is; surfaces choose the status by it.
type Kind uint8

// The kinds, with the HTTP status that the JSON surfaces give them.
const (
	Internal        Kind = iota // 500: ours
	Invalid                     // 400: the request cannot be understood
	Unauthenticated             // 401: no or no valid proof of who is calling
	Forbidden                   // 403: known caller, not allowed
	NotFound                    // 404
	Conflict                    // 409
	Precondition                // 412: the caller's version is not the current one
	TooLarge                    // 413
	Misdirected                 // 421: no account answers to this host
	Unprocessable               // 422: understood, but breaks a rule
	Limited                     // 429: too many requests
	Unavailable                 // 503: cannot be decided now
	Gone                        // 410: it was there and is not kept any more
)

// Stable codes that clients see. The list with its meanings is api/errors.md.
const (
	CodeInvalidRequest  = "InvalidRequest"
	CodeUnauthenticated = "Unauthenticated"
	CodeForbidden       = "Forbidden"
	CodeNotFound        = "NotFound"
	CodeConflict        = "Conflict"
	CodeExpired         = "Expired"
	CodeTooLarge        = "TooLarge"
	CodeUnknownHost     = "UnknownHost"
	CodeTooManyRequests = "TooManyRequests"
	CodeUnavailable     = "Unavailable"
	CodeInternal        = "InternalError"
	CodeCursorExpired   = "CursorExpired"
)

// Error is an outcome that is not success.
type Error struct {
	Kind   Kind
	Code   string // stable, for clients; empty means the kind's own code
	Public string // one sentence for the person who sees it; may change
	Facts  []Fact // numbers that a client may learn besides
	Op     string // where it happened, for the log
	Err    error  // cause, for the log only
}

// Fact is a number with its name in an answer.
type Fact struct {
	Name  string // camelCase
	Value int64
}

// Error is the log's text.
func (e *Error) Error() string {
	text := e.Public
	if e.Err != nil {
		if cause := e.Err.Error(); strings.Contains(cause, e.Public) {
			text = cause // a fault that was only wrapped
		} else {
			text += " (" + cause + ")"
		}
	}
	if e.Op != "" {
		text = e.Op + ": " + text
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error with a public sentence.
func New(kind Kind, code, public string) *Error {
	return &Error{Kind: kind, Code: code, Public: public}
}

// Newf is New with formatting. Do not format secrets.
func Newf(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Public: fmt.Sprintf(format, args...)}
}

// Wrap adds the operation to a cause and keeps the cause's kind, code and public text.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{Kind: e.Kind, Code: e.Code, Public: e.Public, Facts: e.Facts, Op: op, Err: err}
	}
	return &Error{Kind: Internal, Code: CodeInternal, Public: "Something went wrong on our side.", Op: op, Err: err}
}

// With returns a copy of e that carries a cause for the log.
func (e *Error) With(cause error) *Error {
	c := *e
	c.Err = cause
	return &c
}

// KindOf returns the kind of err; an error that is no fault is Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Is tells whether err is a fault of that kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
