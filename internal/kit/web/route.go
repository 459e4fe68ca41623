// Package web owns how Admit speaks HTTP: every route is declared with who may call
// it, and one chain gives every request its id, its account, its caller, its limits
// and its headers. It knows nothing of identity; what it needs of features it takes
// as small interfaces (Accounts, Verifier, Origins, Limiter).
//
// Entry points: Route, NewRouter, NewServer. For handlers: AccountOf, ActorOf,
// RequestID, ClientAddress, DecodeJSON, JSON. Never: an absolute URL made from a
// request header (I-2), a route without a declaration (I-29).
package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Handler answers one request. An error it returns is written by the route's
// ErrorWriter, unless the response has begun; then it is only logged.
type Handler func(w http.ResponseWriter, r *http.Request) error

// ErrorWriter turns an error into an answer. Each surface has exactly one.
type ErrorWriter func(w http.ResponseWriter, r *http.Request, err error)

// Auth says what proof of the caller a route wants before its handler runs.
type Auth uint8

// The levels. The zero value is no level: a route must say what it wants.
const (
	undeclaredAuth Auth = iota
	// Public wants nothing. State that it changes must be bound by something else in the
	// request, such as a provider's callback by its state.
	Public
	// Bearer wants a valid token or access key in the Authorization header.
	Bearer
	// Browser is a page or a form of our own origin: unsafe methods are refused when they
	// come from another origin.
	Browser
	// SessionCookie acts on the browser's session. Unsafe methods are refused when they come
	// from an origin that is neither ours nor registered. The handler resumes the session.
	SessionCookie
	// BearerOrCookie is Bearer when an Authorization header is present, else SessionCookie.
	BearerOrCookie
	// Local wants a direct call from this machine to a loopback host name.
	Local
)

func (a Auth) String() string {
	return [...]string{"undeclared", "public", "bearer", "browser", "session", "bearer or session", "local"}[a]
}

// CORS says which foreign pages may read a route's answers.
type CORS uint8

// The classes. The zero value is no class: a route must say.
const (
	undeclaredCORS CORS = iota
	// NoCORS lets no foreign page read the answer.
	NoCORS
	// RegisteredOrigins echoes an origin that is byte-equal to one registered in the account,
	// with credentials.
	RegisteredOrigins
	// AnyOrigin is for public documents: "*", without credentials.
	AnyOrigin
)

func (c CORS) String() string {
	return [...]string{"undeclared", "none", "registered origins", "any origin"}[c]
}

// LimitClass groups routes that share one budget per client network.
type LimitClass uint8

// The classes, from the most generous to the tightest. The zero value is no class.
const (
	undeclaredLimit LimitClass = iota
	// LimitNone is only for callers who prove who they are; their failures count as LimitBadToken.
	LimitNone
	// LimitDocument is for public documents that services fetch, some for every request of theirs.
	LimitDocument
	// LimitPage is for pages and assets.
	LimitPage
	// LimitSession is for silent renewal and the session endpoints.
	LimitSession
	// LimitLogin is for starting and continuing sign-ins.
	LimitLogin
	// LimitGuess is for anything that compares a secret a stranger typed.
	LimitGuess
	// LimitMail is for anything that sends mail.
	LimitMail
	// LimitBadToken counts refused bearer tokens. Routes do not name it.
	LimitBadToken
	// LimitClasses is the number of classes, for tables indexed by class.
	LimitClasses
)

func (l LimitClass) String() string {
	return [...]string{"undeclared", "none", "document", "page", "session", "login", "guess", "mail", "bad token"}[l]
}

// Scope says whether a route belongs to the account that the host names.
type Scope string

// The scopes.
const (
	Account      Scope = "account"
	Installation Scope = "installation" // answers on any host: health
)

// Route declares one route. All fields are needed but those marked optional.
type Route struct {
	Method string
	// Pattern is a path of segments: literal, "{name}" (one segment), "{name...}" (the rest,
	// last only), "{$}" (the end) and "{name***}" (a resource: one encoded segment, or several
	// raw ones). Literals are compared with the raw bytes of the request.
	Pattern string
	Auth    Auth
	// Permission is what the caller needs, as "ACTION Resource", or "self" for what anybody may
	// do about themselves. The handler enforces it; here it documents. Needed unless the route
	// is Public, Browser or Local.
	Permission string
	Scope      Scope
	Limit      LimitClass
	CORS       CORS
	Handler    Handler

	Errors  ErrorWriter // optional; JSONError when nil
	MaxBody int64       // optional, bytes; DefaultMaxBody when 0
	Hot     bool        // optional; answers from memory: no deadline, logged at debug level only, parameters by PathValue
	// Lasting is optional; it marks a public document that stays right while the database cannot
	// be heard, such as a key set. It is answered then, so that tokens can still be verified.
	Lasting bool
	// Stream is optional; it marks an answer that goes on. It has no deadline as a whole: its handler
	// gives every write one, judges the caller again and again, and ends when the node stops.
	Stream bool
}

// RouteInfo is a declared route as `admit routes --json` shows it.
type RouteInfo struct {
	Method     string `json:"method"`
	Path       string `json:"path"`
	Auth       string `json:"auth"`
	Permission string `json:"permission,omitempty"`
	Scope      string `json:"scope"`
	Limit      string `json:"limit"`
	CORS       string `json:"cors"`
}

// Info returns the declaration without the code.
func (r Route) Info() RouteInfo {
	return RouteInfo{
		Method: r.Method, Path: r.Pattern, Auth: r.Auth.String(), Permission: r.Permission,
		Scope: string(r.Scope), Limit: r.Limit.String(), CORS: r.CORS.String(),
	}
}

func (r Route) validate() error {
	var problems []string
	want := func(ok bool, text string) {
		if !ok {
			problems = append(problems, text)
		}
	}
	want(r.Method != "" && r.Method == strings.ToUpper(r.Method) && r.Method != http.MethodOptions, "a method (not OPTIONS)")
	want(strings.HasPrefix(r.Pattern, "/"), "a pattern that begins with /")
	want(r.Auth > undeclaredAuth && r.Auth <= Local, "an auth level")
	want(r.CORS > undeclaredCORS && r.CORS <= AnyOrigin, "a CORS class")
	want(r.Limit > undeclaredLimit && r.Limit < LimitBadToken, "a limit class")
	want(r.Scope == Account || r.Scope == Installation, "a scope")
	want(r.Handler != nil, "a handler")
	proves := r.Auth == Bearer || r.Auth == SessionCookie || r.Auth == BearerOrCookie
	want(!proves || r.Permission != "", "the permission its caller needs")
	want(r.Limit != LimitNone || r.Auth == Bearer || r.Auth == Local || r.Scope == Installation,
		"a limit: a stranger can call it")
	want(r.Scope == Account || r.Auth == Public || r.Auth == Local, "the account scope: callers belong to an account")
	want(!r.Lasting || r.Auth == Public && r.Method == http.MethodGet, "no Lasting: only public documents are")
	want(r.CORS != AnyOrigin || r.Auth == Public, "another CORS class: any origin is for public documents")
	if problems == nil {
		return nil
	}
	return fmt.Errorf("web: route %q %q needs %s", r.Method, r.Pattern, strings.Join(problems, "; "))
}

func validateAll(routes []Route) error {
	var all []error
	for _, r := range routes {
		all = append(all, r.validate())
	}
	return errors.Join(all...)
}
