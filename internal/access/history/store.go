package history

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// InForce asks for what is in force now, whatever the clocks say.
const InForce int64 = 1<<63 - 1

// Moment is a time to read versions at, in microseconds, or InForce.
type Moment = int64

// Version is a state of a record and the time in which it was in force.
type Version struct {
	access.Record
	Since, Until int64 // microseconds: Since <= t < Until; Until is InForce while nothing has followed
}

// Store reads versions. A term is "u:" and a user, "g:" and a group, or "r:" and the plain
// beginning of a granted resource.
type Store interface {
	// Begin is the time at which the history begins, and the number of the last change.
	Begin(ctx context.Context, t tx.Tx) (began time.Time, revision int64, err error)
	// Records returns versions of records that have one of the terms at the moment, in order of
	// ids, after an id.
	Records(ctx context.Context, t tx.Tx, account ident.AccountID, terms []string, at Moment, after ident.RecordID, limit int) ([]Version, error)
	// Ended returns versions of records that had one of the terms and ended in the time (from, to],
	// the latest first.
	Ended(ctx context.Context, t tx.Tx, account ident.AccountID, terms []string, from, to int64, limit int) ([]Version, error)
	// Groups returns the groups of a user at the moment, in order of ids.
	Groups(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, at Moment) ([]ident.GroupID, error)
	// Left returns the groups that a user left in the time (from, to], each with the time, the latest first.
	Left(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, from, to int64, limit int) ([]Left, error)
	// Members returns who is in the group at the moment.
	Members(ctx context.Context, t tx.Tx, account ident.AccountID, group ident.GroupID, at Moment) ([]ident.UserID, error)
	// Role returns the role at the moment, or a fault of kind NotFound.
	Role(ctx context.Context, t tx.Tx, account ident.AccountID, role ident.RoleID, at Moment) (access.Role, error)
	// Public returns the resources that are public at the moment and have one of the terms.
	Public(ctx context.Context, t tx.Tx, account ident.AccountID, terms []string, at Moment) ([]string, error)
}

// Left is a group that a user left.
type Left struct {
	Group ident.GroupID
	At    int64
}
