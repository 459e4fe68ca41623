package invite

import (
	"context"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Accept gives the person what the invite gives, once, as its inviter would now. Accepting again
// changes nothing. Errors: Forbidden for who is no person, and when the inviter may not give it any
// more (the invite then stays as it was); NotFound for everything else that keeps the person from it.
func (s *Service) Accept(ctx context.Context, a actor.Actor, id secret.Text) error {
	if a.Kind != actor.User || a.ID == "" {
		return fault.New(fault.Forbidden, fault.CodeForbidden, "Only a person accepts an invite: send their token.")
	}
	person, hash := ident.UserID(a.ID), hashOf(id)
	err := s.d.DB.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		i, err := s.d.Store.Accept(ctx, t, a.Account, hash, person)
		if fault.Is(err, fault.NotFound) {
			return s.acceptedBefore(ctx, t, a, hash)
		}
		if err != nil {
			return err
		}
		if _, err := s.d.Users.Find(ctx, t, a.Account, person); err != nil {
			return err
		}
		record, err := s.give(ctx, t, i, person)
		if fault.Is(err, fault.Forbidden) {
			return fault.New(fault.Forbidden, fault.CodeForbidden, "Whoever made this invite may not give what it gives any more. Ask for another.")
		}
		if err != nil {
			return err
		}
		return t.Emit(ctx, event.New(a, EventAccepted, i.Key(), "by", i.By.String(), "record", string(record)))
	})
	return fault.Wrap("invite.Accept", err)
}

func (s *Service) acceptedBefore(ctx context.Context, t tx.Tx, a actor.Actor, hash []byte) error {
	i, err := s.d.Store.Get(ctx, t, a.Account, hash)
	switch {
	case err == nil && i.AcceptedBy == ident.UserID(a.ID):
		return nil
	case err == nil || fault.Is(err, fault.NotFound):
		return errNotFound
	}
	return err
}

// give writes the record as the inviter, judged on what results. It returns the record's id, or ""
// when nothing was to be done.
func (s *Service) give(ctx context.Context, t tx.Tx, i Invite, person ident.UserID) (ident.RecordID, error) {
	if len(i.Statements) == 0 {
		return "", nil
	}
	if err := s.judge(i.By, Invite{Statements: i.Statements}); err != nil {
		return "", err
	}
	records := s.d.Access.Inside(t)
	next := i.record("", person)
	if i.Strategy != NewRecord {
		old, found, err := s.former(ctx, records, i.By, person)
		if err != nil {
			return "", err
		}
		if found {
			return s.change(ctx, records, i, next, old)
		}
		next.ID = s.freeID(ctx, records, i.By, person)
	}
	made, err := records.CreateRecord(ctx, i.By, next)
	return made.ID, err
}

// former finds the person's record of the inviter's invites, if it is in force and has the shape that
// invites give it. Anybody who makes records could have made another of that id.
func (s *Service) former(ctx context.Context, records *access.Service, by actor.Actor, person ident.UserID) (access.Record, bool, error) {
	r, err := records.GetRecord(ctx, actor.ForSystem(by.Account), recordOf(by, person))
	if fault.Is(err, fault.NotFound) {
		return r, false, nil
	}
	admins := []ident.UserID{ident.UserID(by.ID)}
	if by.Kind != actor.User && by.Kind != actor.ServiceClient {
		admins = r.Admins
	}
	ours := r.Status != access.Deleted && slices.Equal(r.Users, []ident.UserID{person}) && len(r.Groups) == 0 && slices.Equal(r.Admins, admins)
	return r, err == nil && ours, err
}

// freeID is the id of the record of such invites, or "" for a random one when another record has it.
func (s *Service) freeID(ctx context.Context, records *access.Service, by actor.Actor, person ident.UserID) ident.RecordID {
	id := recordOf(by, person)
	r, err := records.GetRecord(ctx, actor.ForSystem(by.Account), id)
	if fault.Is(err, fault.NotFound) || err == nil && r.Status == access.Deleted {
		return id
	}
	return ""
}

func (s *Service) change(ctx context.Context, records *access.Service, i Invite, next, old access.Record) (ident.RecordID, error) {
	switch i.Strategy {
	case Skip:
		return "", nil
	case Merge:
		merged := slices.Clone(old.Statements)
		for _, st := range i.Statements {
			if !slices.ContainsFunc(merged, func(m access.Statement) bool { return same(m, st) }) {
				merged = append(merged, st)
			}
		}
		next.Statements = merged
	}
	next.ID, next.Admins = old.ID, old.Admins
	changed, err := records.ReplaceRecord(ctx, i.By, next, time.Time{})
	return changed.ID, err
}

// same tells whether two statements of invites give the same.
func same(a, b access.Statement) bool {
	return slices.Equal(a.Roles, b.Roles) && slices.Equal(a.Resources, b.Resources) && a.StartsAt.Equal(b.StartsAt) && a.ExpiresAt.Equal(b.ExpiresAt)
}

// Look returns an open invite for the login that follows it, inside the caller's unit of work. Errors: NotFound.
func (s *Service) Look(ctx context.Context, t tx.Tx, account ident.AccountID, id secret.Text) (Invite, error) {
	i, err := s.d.Store.Get(ctx, t, account, hashOf(id))
	if err == nil && !i.open(t.Now()) {
		err = errNotFound
	}
	return i, err
}

// Preset returns the id that a new person gets who signs up by the invite: none when the
// invite is not open, has none, was used for another sign-up, or its inviter may not give it any more.
func (s *Service) Preset(ctx context.Context, t tx.Tx, account ident.AccountID, key string) (ident.UserID, error) {
	i, err := s.d.Store.ByKey(ctx, t, account, key)
	switch {
	case fault.Is(err, fault.NotFound):
		return "", nil
	case err != nil:
		return "", err
	case !i.open(t.Now()) || i.LinkedUser == "" || i.ReservedBy != "":
		return "", nil
	}
	err = s.judge(i.By, Invite{LinkedUser: i.LinkedUser})
	if fault.Is(err, fault.Forbidden) {
		return "", nil
	}
	return i.LinkedUser, err
}

// Reserve keeps the invite for the person who signed up by it: nobody else can accept it.
func (s *Service) Reserve(ctx context.Context, t tx.Tx, account ident.AccountID, key string, person ident.UserID) (bool, error) {
	ok, err := s.d.Store.Reserve(ctx, t, account, key, person)
	if err != nil || !ok {
		return false, err
	}
	return true, t.Emit(ctx, event.New(actor.ForSystem(account), EventReserved, key, "user", string(person)))
}
