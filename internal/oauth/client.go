package oauth

import (
	"context"
	"slices"

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
	Name         string
	RedirectURIs []string
	Settings     application.OAuth
}

// Public tells whether the client has no way to prove itself.
func (c Client) Public() bool { return c.Settings.AuthMethod == application.AuthNone }

// MayUse tells whether the client has a grant type.
func (c Client) MayUse(grantType string) bool {
	return slices.Contains(c.Settings.GrantTypes, grantType)
}

// Clients finds clients.
type Clients interface {
	// Client returns the active client of an account, or an *Error with InvalidClient. For a metadata
	// document it may fetch it, and so must not be called inside a unit of work.
	Client(ctx context.Context, account ident.AccountID, id string) (Client, error)
}
