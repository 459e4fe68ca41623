package extension

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/serviceclient"
)

// ID names an extension ("ext_...").
type ID string

// Extension is an extension with what its two parts say.
type Extension struct {
	Account      ident.AccountID
	ID           ID
	Name         string
	Tags         map[string]string
	Application  ident.ApplicationID
	Client       ident.ServiceClientID
	RedirectURLs []string                  // of the application
	RateLimits   []serviceclient.RateLimit // of the client
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// The events of this feature; the target is the extension's id.
const (
	EventCreated = "extension.created" // details "application", "client"
	EventUpdated = "extension.updated"
	EventDeleted = "extension.deleted"
)

// Query asks for a part of an account's extensions, in the order of their ids.
type Query struct {
	After ID // exclusive; empty from the start
	Limit int
}

// Store keeps what ties an extension's parts: everything but RedirectURLs and RateLimits. Every
// method sees and changes extensions that are not deleted only.
type Store interface {
	Insert(ctx context.Context, t tx.Tx, e Extension) error
	// Update replaces name and tags and tells whether the extension is there. Until the unit of
	// work ends nobody else changes it.
	Update(ctx context.Context, t tx.Tx, e Extension) (bool, error)
	// Remove deletes an extension for good, and tells whether it was there.
	Remove(ctx context.Context, t tx.Tx, account ident.AccountID, id ID) (bool, error)
	// Get returns one extension, or a fault of kind NotFound.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ID) (Extension, error)
	// List returns at most q.Limit extensions of one account.
	List(ctx context.Context, t tx.Tx, account ident.AccountID, q Query) ([]Extension, error)
}
