package access

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Page says which part of a list to read, in the order of ids.
type Page struct {
	After  string // id after which it begins
	Limit  int
	Filter string // part of any of its texts, any case; "" for all
}

// RecordStore keeps access records. Get and Replace find deleted ones too.
type RecordStore interface {
	// Get returns a record, or a fault of kind NotFound.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.RecordID) (Record, error)
	// Create writes a new record and tells whether the id was free.
	Create(ctx context.Context, t tx.Tx, account ident.AccountID, r Record) (bool, error)
	// Replace writes a record whose LastUpdated was before, and tells whether it still was.
	Replace(ctx context.Context, t tx.Tx, account ident.AccountID, r Record, before time.Time) (bool, error)
	// List returns records with the status.
	List(ctx context.Context, t tx.Tx, account ident.AccountID, s Status, p Page) ([]Record, error)
	// AdminOf returns the ids of the records with the status that the user is an admin of, in order.
	AdminOf(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, s Status) ([]ident.RecordID, error)
	// Revision is the number of the last change in the feed that the unit of work sees.
	Revision(ctx context.Context, t tx.Tx) (int64, error)
	// ChangedSince tells whether something of the kind (ChangeRecord, ...) in the account changed after the revision.
	ChangedSince(ctx context.Context, t tx.Tx, account ident.AccountID, kind string, rev int64) (bool, error)
}

// FactStore reads what records in force give. The records that it hands to fn have users, groups and
// statements alone besides their ids, and are good until fn returns.
type FactStore interface {
	// Each calls fn for every record of the account, or of all accounts when it is "".
	Each(ctx context.Context, t tx.Tx, account ident.AccountID, fn func(ident.AccountID, *Record) error) error
	// Naming calls fn for every record that names the user or group itself.
	Naming(ctx context.Context, t tx.Tx, account ident.AccountID, who index.Principal, fn func(*Record) error) error
	// GroupsOf returns the groups that the user belongs to, in order.
	GroupsOf(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]ident.GroupID, error)
	// Accounts counts the records of every account that has any, deleted ones too, up to the given number.
	Accounts(ctx context.Context, t tx.Tx, most int) (map[ident.AccountID]int, error)
}

// RoleStore keeps roles, without the built-in ones.
type RoleStore interface {
	// Lock is Get, and keeps the role as it is until the unit of work ends; exclusive also
	// waits for everybody else who keeps it so.
	Lock(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.RoleID, exclusive bool) (Role, error)
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.RoleID) (Role, error)
	Create(ctx context.Context, t tx.Tx, account ident.AccountID, r Role) (bool, error)
	// Replace tells whether there was a role to replace.
	Replace(ctx context.Context, t tx.Tx, account ident.AccountID, r Role) (bool, error)
	Delete(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.RoleID) (bool, error)
	List(ctx context.Context, t tx.Tx, account ident.AccountID, p Page) ([]Role, error)
	Each(ctx context.Context, t tx.Tx, fn func(ident.AccountID, Role) error) error
}

// GroupStore keeps groups.
type GroupStore interface {
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.GroupID) (Group, error)
	Create(ctx context.Context, t tx.Tx, account ident.AccountID, g Group) (bool, error)
	// Replace writes a group whose LastUpdated was before, and tells whether it still was.
	Replace(ctx context.Context, t tx.Tx, account ident.AccountID, g Group, before time.Time) (bool, error)
	Delete(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.GroupID) (bool, error)
	// AdminOf returns the ids of the groups that the user is an admin of, in order. It reads all groups.
	AdminOf(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]ident.GroupID, error)
	List(ctx context.Context, t tx.Tx, account ident.AccountID, p Page) ([]Group, error)
	Each(ctx context.Context, t tx.Tx, fn func(ident.AccountID, Group) error) error
}

// ResourceConfig is what is said about a resource itself.
type ResourceConfig struct {
	Resource string // in canonical form, and not of Admit itself (check.Resource.System)
	Public   bool   // everybody may do everything to it and to what is below it
	Claim    bool   // what is directly below it may be claimed once
}

// ResourceStore keeps the configuration of resources. Whoever changes one also adds
// t.Changed(ChangeResource, account, resource) to the unit of work.
type ResourceStore interface {
	// Get returns the configuration of a resource. Where none is kept it has the resource's
	// name and nothing else, and there is no fault.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, resource string) (ResourceConfig, error)
	// Each calls fn for every configuration of all accounts.
	Each(ctx context.Context, t tx.Tx, fn func(ident.AccountID, ResourceConfig) error) error
}
