package oauth

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Kind says what a client is in Admit.
type Kind uint8

// The kinds.
const (
	Application Kind = iota // an application, its extension included
	Service                 // a service client: no person, no redirect
	Document                // a client id metadata document: the id is its https URL
)

// Client is a party that asks for tokens. It is active, and its settings have their defaults filled in (I-11).
type Client struct {
	Account      ident.AccountID
	ID           string // the `client_id`
	Kind         Kind
	Application  ident.ApplicationID // of kind Application: whose settings these are; an extension's id is another
	Name         string              // of kind Document what the document says: show Host beside it
	RedirectURIs []string
	Settings     application.OAuth
}

// Public tells whether the client has no way to prove itself.
func (c Client) Public() bool { return c.Settings.AuthMethod == application.AuthNone }

// FirstParty tells whether the client is the account's own: tokens without a resource open Admit's own
// API then, and carry what an administrator has put into tokens of the person. Extensions are other
// people's products.
func (c Client) FirstParty() bool {
	return c.Kind != Document && !strings.HasPrefix(c.ID, "ext_") && !c.Settings.ThirdParty && c.Settings.Registered == ""
}

// Stranger tells whether anybody could have made the client: it registered itself, or is a metadata
// document. A browser in which nobody is signed in is not sent to its addresses (RFC 9700 section 4.11).
func (c Client) Stranger() bool { return c.Kind == Document || c.Settings.Registered != "" }

// MayUse tells whether the client has a grant type.
func (c Client) MayUse(grantType string) bool {
	return slices.Contains(c.Settings.GrantTypes, grantType)
}

// AllowsRedirect tells whether an authorization response may go to uri, see application.MatchesRedirect.
func (c Client) AllowsRedirect(uri string) bool {
	return c.Kind != Service && application.MatchesRedirect(c.RedirectURIs, c.Settings.Native, uri)
}

// Host is the host name of a metadata document, which the consent page shows; otherwise empty.
func (c Client) Host() string {
	if c.Kind != Document {
		return ""
	}
	u, err := url.Parse(c.ID)
	if err != nil {
		return ""
	}
	return u.Host
}

// Clients finds clients.
type Clients interface {
	// Client returns the active client of an account, or an *Error with InvalidClient. For a metadata
	// document it may fetch it, and so must not be called inside a unit of work.
	Client(ctx context.Context, account ident.AccountID, id string) (Client, error)
}
