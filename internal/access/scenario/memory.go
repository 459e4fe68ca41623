package scenario

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// memory is a scenario at one moment in the place of a database. It has no past.
type memory struct {
	s   *Scenario
	now time.Time
}

var errReadOnly = errors.New("a scenario is not written to")

// Now is the time of the question.
func (m memory) Now() time.Time { return m.now }

// Emit refuses.
func (memory) Emit(context.Context, event.Event) error { return errReadOnly }

// Changed does nothing: nothing changes.
func (memory) Changed(string, ident.AccountID, string) {}

// Write refuses.
func (memory) Write(context.Context, tx.Scope, func(context.Context, tx.Tx) error) error {
	return errReadOnly
}

// Read runs fn.
func (m memory) Read(ctx context.Context, _ tx.Scope, fn func(context.Context, tx.Tx) error) error {
	return fn(ctx, m)
}

// Begin says that nothing came before.
func (memory) Begin(context.Context, tx.Tx) (history.Start, error) { return history.Start{}, nil }

// Records returns the records that name one of the terms.
func (m memory) Records(_ context.Context, _ tx.Tx, _ ident.AccountID, r history.Range) (out []history.Version, err error) {
	for i := range m.s.Records {
		record := &m.s.Records[i]
		if record.ID > r.After && names(record, r.Terms) {
			out = append(out, history.Version{Record: *record, Until: history.InForce})
		}
	}
	slices.SortFunc(out, func(a, b history.Version) int { return cmp.Compare(a.ID, b.ID) })
	return out[:min(len(out), r.Limit)], nil
}

func names(r *access.Record, terms []string) bool {
	is := func(users []ident.UserID, groups []ident.GroupID) bool {
		return slices.ContainsFunc(users, func(u ident.UserID) bool { return slices.Contains(terms, history.UserTerm(u)) }) ||
			slices.ContainsFunc(groups, func(g ident.GroupID) bool { return slices.Contains(terms, history.GroupTerm(g)) })
	}
	return is(r.Users, r.Groups) || slices.ContainsFunc(r.Statements, func(s access.Statement) bool { return is(s.Users, s.Groups) })
}

// Ended finds nothing.
func (memory) Ended(context.Context, tx.Tx, ident.AccountID, []string, history.Window) ([]history.Version, error) {
	return nil, nil
}

// Groups returns the groups of a user.
func (m memory) Groups(_ context.Context, _ tx.Tx, _ ident.AccountID, user ident.UserID, _ history.Moment) (out []ident.GroupID, err error) {
	for i := range m.s.Groups {
		if slices.Contains(m.s.Groups[i].Users, user) {
			out = append(out, m.s.Groups[i].ID)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Left finds nothing.
func (memory) Left(context.Context, tx.Tx, ident.AccountID, ident.UserID, history.Window) ([]history.Left, error) {
	return nil, nil
}

// Members returns who is in the group.
func (m memory) Members(_ context.Context, _ tx.Tx, _ ident.AccountID, id ident.GroupID, _ history.Moment) ([]ident.UserID, error) {
	for i := range m.s.Groups {
		if m.s.Groups[i].ID == id {
			return m.s.Groups[i].Users, nil
		}
	}
	return nil, nil
}

// Role returns the role.
func (m memory) Role(_ context.Context, _ tx.Tx, _ ident.AccountID, id ident.RoleID, _ history.Moment) (access.Role, error) {
	for i := range m.s.Roles {
		if m.s.Roles[i].ID == id {
			return m.s.Roles[i], nil
		}
	}
	return access.Role{}, fault.New(fault.NotFound, fault.CodeNotFound, "There is no such role.")
}

// Public returns the public resources; whoever asks tells which of them cover.
func (m memory) Public(context.Context, tx.Tx, ident.AccountID, []string, history.Moment) ([]string, error) {
	return m.s.Public, nil
}
