package oauth

import (
	"context"
	"encoding/json"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// The lives of what an authorization makes.
const (
	CodeLife    = time.Minute      // an authorization code (FAPI 2.0 section 5.3.2.1)
	RequestLife = time.Hour        // an authorization request on its way through login and consent
	PushedLife  = 90 * time.Second // a pushed authorization request (RFC 9126)
	AccessLife  = 15 * time.Minute // an access token, where the client says nothing else
)

// Authorization is what a client was allowed, by a person or for itself: the facts that tokens are
// issued from. Assurance (AuthTime, AMR, ACR) is that of the session's evidence at the moment of the
// decision (I-9).
type Authorization struct {
	Grant      string             `json:"grant,omitempty"` // id of the family of tokens ("gra_..."); every token names it
	Account    ident.AccountID    `json:"account,omitempty"`
	Client     string             `json:"client,omitempty"`
	User       ident.UserID       `json:"user,omitempty"`    // empty when the client acts for itself
	Session    ident.SessionID    `json:"session,omitempty"` // the `sid`, or empty
	Root       ident.SessionID    `json:"root,omitempty"`    // the chain of sessions that it belongs to, or empty
	Connection ident.ConnectionID `json:"connection,omitempty"`
	Scopes     []string           `json:"scopes,omitempty"`
	Resources  []string           `json:"resources,omitempty"` // RFC 8707; empty: the client's default audience
	Details    json.RawMessage    `json:"details,omitempty"`   // RFC 9396, or empty
	Claims     json.RawMessage    `json:"claims,omitempty"`    // the `claims` parameter, OpenID Connect Core section 5.5, or empty
	Nonce      string             `json:"nonce,omitempty"`
	AuthTime   time.Time          `json:"authTime,omitzero"`
	AMR        []string           `json:"amr,omitempty"`
	ACR        string             `json:"acr,omitempty"`
	JKT        string             `json:"jkt,omitempty"` // DPoP key thumbprint (RFC 9449), or empty
	X5T        string             `json:"x5t,omitempty"` // certificate thumbprint, base64url SHA-256 (RFC 8705), or empty
	Actor      json.RawMessage    `json:"act,omitempty"` // the `act` claim (RFC 8693), or empty
}

// AuthorizationCode is a code that was given out. Hash, RedirectURI, Challenge, and of the
// Authorization Account, Client and JKT (the `dpop_jkt`) are bindings of its redemption.
type AuthorizationCode struct {
	Hash        []byte
	RedirectURI string
	Challenge   string // PKCE S256
	Authorization
	ExpiresAt time.Time
}

// CodeHash is what is kept of an authorization code.
func CodeHash(code secret.Text) []byte { return secret.Hash("oauth/code", code.Reveal()) }

// Codes keeps authorization codes.
type Codes interface {
	InsertCode(ctx context.Context, t tx.Tx, c AuthorizationCode) error
	// TakeCode uses a code up, in one statement that carries all bindings and the expiry (I-4). A fault of kind NotFound otherwise.
	TakeCode(ctx context.Context, t tx.Tx, c AuthorizationCode) (AuthorizationCode, error)
	// SpentCode returns a code that was used already, under the same bindings.
	SpentCode(ctx context.Context, t tx.Tx, c AuthorizationCode) (AuthorizationCode, error)
}
