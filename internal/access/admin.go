package access

import (
	"context"
	"slices"

	"github.com/admit-id/admit/internal/access/fact"
	"github.com/admit-id/admit/internal/access/form"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// ForgetUser is the reaction to the event "user.deleted": the user, named by the event's target,
// leaves every record and group, as one of their admins too, in the same unit of work.
func (s *Service) ForgetUser(ctx context.Context, t tx.Tx, e event.Event) error {
	user := ident.UserID(e.Target)
	a := e.Actor
	a.Account = e.Account
	of, err := s.adminOf(ctx, t, e.Account, user)
	if err != nil {
		return fault.Wrap("access.ForgetUser", err)
	}
	err = s.d.Facts.Naming(ctx, t, e.Account, index.Principal{User: user}, func(r *Record) error {
		of.records = append(of.records, r.ID)
		return nil
	})
	if err != nil {
		return fault.Wrap("access.ForgetUser", err)
	}
	groups, err := s.d.Facts.GroupsOf(ctx, t, e.Account, user)
	if err != nil {
		return fault.Wrap("access.ForgetUser", err)
	}
	for _, id := range form.Unique(of.records) {
		if err := s.leaveRecord(ctx, t, a, id, user); err != nil {
			return fault.Wrap("access.ForgetUser", err)
		}
	}
	for _, id := range form.Unique(append(of.groups, groups...)) {
		if err := s.leaveGroup(ctx, t, a, id, user); err != nil {
			return fault.Wrap("access.ForgetUser", err)
		}
	}
	return nil
}

func (s *Service) leaveRecord(ctx context.Context, t tx.Tx, a actor.Actor, id ident.RecordID, user ident.UserID) error {
	old, err := s.d.Records.Get(ctx, t, a.Account, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	r := old
	if old.Status == Deleted { // what it gave is history, but its admins may read it
		r.Admins = fact.Remove(old.Admins, user)
	} else {
		r = old.Without(user)
	}
	r.LastUpdated = fact.Next(t.Now(), old.LastUpdated)
	return s.replace(ctx, t, a, r, old, "access.record.updated")
}

func (s *Service) leaveGroup(ctx context.Context, t tx.Tx, a actor.Actor, id ident.GroupID, user ident.UserID) error {
	old, err := s.d.Groups.Get(ctx, t, a.Account, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	g := old
	g.Users, g.Admins = fact.Remove(old.Users, user), fact.Remove(old.Admins, user)
	g.LastUpdated = fact.Next(t.Now(), old.LastUpdated)
	won, err := s.d.Groups.Replace(ctx, t, a.Account, g, old.LastUpdated)
	if err != nil {
		return err
	}
	if !won {
		return errRaced
	}
	return s.groupChanged(ctx, t, a, id, "access.group.updated")
}

// administered is what somebody is an admin of; deleted records too, which their admins may read.
type administered struct {
	records []ident.RecordID
	groups  []ident.GroupID
}

func (s *Service) adminOf(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (out administered, err error) {
	for _, status := range []Status{Active, Deleted} {
		ids, err := s.d.Records.AdminOf(ctx, t, account, user, status)
		if err != nil {
			return out, err
		}
		out.records = append(out.records, ids...)
	}
	out.groups, err = s.d.Groups.AdminOf(ctx, t, account, user)
	return out, err
}

// administers are the records and groups that somebody is an admin of, as resources, sorted.
func (s *Service) administers(account ident.AccountID, user ident.UserID) (out []string, err error) {
	err = s.d.Runner.Read(context.Background(), tx.In(account).Aside(), func(ctx context.Context, t tx.Tx) error {
		of, err := s.adminOf(ctx, t, account, user)
		out = out[:0]
		for _, id := range of.records {
			out = append(out, System("AccessRecords", string(id)))
		}
		for _, id := range of.groups {
			out = append(out, System("Groups", string(id)))
		}
		slices.Sort(out)
		return err
	})
	return out, fault.Wrap("access.administers", err)
}
