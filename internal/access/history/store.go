package history

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Moment is a time to read versions at, in microseconds, or InForce.
type Moment = int64

// InForce asks for what is in force now, whatever the clocks say. It is also the end of a version that
// nothing has followed yet.
const InForce Moment = 1<<63 - 1

// Version is a state of a record and the time in which it was in force.
type Version struct {
	access.Record        // without its times
	Since         Moment // microseconds: Since <= t < Until
	Until         Moment
}

// Start is what bounds the answers.
type Start struct {
	Began    time.Time // nothing is known about the time before
	Revision int64     // number of the last change in the feed that the reading sees
}

// Range asks for records that name one of the terms at a moment, in order of ids.
type Range struct {
	Terms []string
	At    Moment
	After ident.RecordID
	Limit int
}

// Window asks for what ended in the time (From, To], the latest first.
type Window struct {
	From, To Moment
	Limit    int
}

// Left is a group that a user left.
type Left struct {
	Group ident.GroupID
	At    Moment
}

// Store reads versions.
type Store interface {
	Begin(ctx context.Context, t tx.Tx) (Start, error)
	// Records returns the versions that are in force at the moment.
	Records(ctx context.Context, t tx.Tx, account ident.AccountID, r Range) ([]Version, error)
	// Ended returns versions of records that named one of the terms at some time in the window or
	// now. It may look at no more than a thousand such records.
	Ended(ctx context.Context, t tx.Tx, account ident.AccountID, terms []string, w Window) ([]Version, error)
	// Groups returns the groups of a user at the moment, in order of ids.
	Groups(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, at Moment) ([]ident.GroupID, error)
	// Left returns groups that a user left, or that went away.
	Left(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, w Window) ([]Left, error)
	// Members returns who is in the group at the moment; nobody when there is no such group.
	Members(ctx context.Context, t tx.Tx, account ident.AccountID, group ident.GroupID, at Moment) ([]ident.UserID, error)
	// Role returns the role at the moment, or a fault of kind NotFound. It does not know the built-in ones.
	Role(ctx context.Context, t tx.Tx, account ident.AccountID, role ident.RoleID, at Moment) (access.Role, error)
	// Public returns the resources that are public at the moment and have one of the terms, in order.
	Public(ctx context.Context, t tx.Tx, account ident.AccountID, terms []string, at Moment) ([]string, error)
}
