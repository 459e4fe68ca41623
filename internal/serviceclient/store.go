package serviceclient

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Query asks for a part of an account's clients, in the order of their ids.
type Query struct {
	After  ident.ServiceClientID // exclusive; empty from the start
	Limit  int
	Filter string // lower-case substring of SearchText; empty for all
}

// Store keeps clients. Every method sees and changes clients that are not deleted only.
type Store interface {
	// Insert adds a client without keys.
	Insert(ctx context.Context, t tx.Tx, c Client) error
	// Update replaces name, options, limits and tags, and tells whether the client is there.
	Update(ctx context.Context, t tx.Tx, c Client) (bool, error)
	// Remove deletes a client and its keys for good, and tells whether it was there.
	Remove(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ServiceClientID) (bool, error)
	// Get returns a client with its active keys, or a fault of kind NotFound.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ServiceClientID) (Client, error)
	// List returns at most q.Limit clients with their active keys.
	List(ctx context.Context, t tx.Tx, account ident.AccountID, q Query) ([]Client, error)
}

// KeyStore keeps the public halves of access keys.
type KeyStore interface {
	// Lock keeps other units of work from changing a client until this one ends, and tells
	// whether the client is there.
	Lock(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ServiceClientID) (bool, error)
	// AddKey adds a key unless the client has limit active ones already. It locks the client,
	// so that two calls at once cannot both take the last place.
	AddKey(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ServiceClientID, k Key, limit int) (Added, error)
	// RemoveKey takes an active key away for good, and tells whether it was there.
	RemoveKey(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ServiceClientID, key ident.KeyID) (bool, error)
	// All returns the clients of every account with their active keys. It needs the scope tx.System.
	All(ctx context.Context, t tx.Tx) ([]Client, error)
}

// Added is what became of a new key.
type Added uint8

// The outcomes of AddKey.
const (
	KeyAdded    Added = iota
	NoClient          // there is no such client
	TooManyKeys       // the client has as many active keys as it may
)
