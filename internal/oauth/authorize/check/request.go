package check

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/oauth"
)

// Stage says where a request comes from.
type Stage uint8

// The stages.
const (
	Arrival Stage = iota // a browser brings it
	Push                 // a client pushes it, having authenticated itself (RFC 9126)
	Return               // a browser comes back to it after login or consent
)

// Sent is a request before the checks.
type Sent struct {
	Account ident.AccountID
	Stage   Stage
	// Query and Form are what a browser brought: Form is nil but for a POST. Both as they came.
	Query, Form url.Values
	// Extension tells that it came to the address of extensions, which leave some parameters out.
	Extension bool
	// Params are the parameters in effect of the stages Push and Return, each once.
	Params url.Values
	// Pushed and Signed tell in the stage Return how they had come.
	Pushed, Signed bool
	Client         oauth.Client // who pushes
}

// Request is what the checks have made of a request so far.
type Request struct {
	Sent
	Trusted     bool // client and redirect URL are good: errors are the client's to hear
	RedirectURI string
	State       string
	Mode        Mode
	Scopes      []string
	Resources   []string
	Details     json.RawMessage
	Claims      json.RawMessage
	Nonce       string
	Challenge   string
	JKT         string
	Prompt      Prompt
	MaxAge      time.Duration // how old the person's proof may be; negative: any age
	ACR         []string      // wished, the best first
	Essential   []string      // one of these must be reached
	Subject     ident.UserID  // who it must be, or empty
	LoginHint   string
	Locales     string
}

// Prompt is the prompt parameter, OpenID Connect Core section 3.1.2.1.
type Prompt struct{ None, Login, Consent, Select bool }

// Pushed is what a pushed request holds.
type Pushed struct {
	Params url.Values
	Signed bool
}

// Hint is what an ID token of ours says that a client sends as a hint.
type Hint struct {
	User     ident.UserID
	Audience []string
}

// Tools is what checks ask. None is called inside a unit of work.
type Tools struct {
	Clients oauth.Clients
	Issuer  func(ident.AccountID) string
	Clock   clock.Clock
	// TakePushed uses a pushed request of a client up, by its request_uri. A fault of kind NotFound
	// when there is none.
	TakePushed func(ctx context.Context, account ident.AccountID, client, uri string) (Pushed, error)
	// VerifySigned returns the claims of a token that a client has signed.
	VerifySigned func(ctx context.Context, c oauth.Client, text string, algorithms, types []string) (map[string]any, error)
	// Hint reads an ID token of ours, expired or not.
	Hint func(ctx context.Context, account ident.AccountID, token string) (Hint, error)
}

// get returns a parameter in effect, or "".
func (r *Request) get(name string) string { return r.Params.Get(name) }

func refuse(code oauth.Code, description string) error { return oauth.Fail(code, description) }
