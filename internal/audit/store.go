package audit

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Query asks for a part of an account's entries, the newest first.
type Query struct {
	Before string // id of an entry, exclusive; empty from the newest
	Limit  int
	Type   string // only this type; empty for all
	Target string // only this target; empty for all
	Actor  string // only this actor; empty for all
	Person string // only what concerns this person; then Type, Target and Actor are not looked at
}

// Store appends and reads. It has no way to change or remove an entry.
type Store interface {
	Append(ctx context.Context, t tx.Tx, e Entry) error
	// List returns at most q.Limit entries of one account.
	List(ctx context.Context, t tx.Tx, account ident.AccountID, q Query) ([]Entry, error)
}
