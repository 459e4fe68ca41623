package totp

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Stored is a device with what is compared.
type Stored struct {
	Device
	Sealed   []byte
	LastStep int64
}

// Store keeps devices. Methods that look for one thing return a fault of kind NotFound when there is none.
type Store interface {
	// Insert stores a device, and tells false when the person has MaxHeld already.
	Insert(ctx context.Context, t tx.Tx, d Stored) (bool, error)
	// List returns a person's devices, the oldest first.
	List(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]Stored, error)
	// Use notes that a step was used, in one statement; NotFound when it or a later one was before.
	Use(ctx context.Context, t tx.Tx, d Device, step int64) error
	// Rename gives a device another name.
	Rename(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, id, name string) error
	// Remove deletes a device.
	Remove(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, id string) error
	// Forget deletes all that there is of a person, and tells how many devices it was.
	Forget(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (int64, error)
}

// Pending is an enrolment without its seed.
type Pending struct {
	Account   ident.AccountID
	User      ident.UserID
	Binding   []byte // hash
	ID        string
	Sealed    []byte
	Attempts  int
	ExpiresAt time.Time
}

// PendingStore keeps the enrolments that wait, one per person and binding.
type PendingStore interface {
	// Put stores an enrolment in place of the one before.
	Put(ctx context.Context, t tx.Tx, p Pending) error
	// Get returns a living one.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, binding []byte) (Pending, error)
	// Count spends one attempt of a living one, and returns it.
	Count(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, binding []byte) (Pending, error)
	// Consume deletes a living one; NotFound when it is gone.
	Consume(ctx context.Context, t tx.Tx, p Pending) error
	// Purge deletes up to limit that expired. It needs the system scope.
	Purge(ctx context.Context, t tx.Tx, limit int) (int64, error)
}
