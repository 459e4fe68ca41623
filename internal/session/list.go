package session

import (
	"context"
	"errors"
	"slices"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	// MaxListed bounds one page of a list.
	MaxListed = 100
	// maxApplications is how many applications a session remembers. The first ones stay.
	maxApplications = 32
	maxApplication  = 256
)

// List returns living sessions of a person, the newest first: one of every browser they are signed in
// with, those included that a browser has put aside.
func (s *Service) List(ctx context.Context, t tx.Tx, q ListQuery) ([]Session, error) {
	if q.Limit <= 0 || q.Limit > MaxListed {
		q.Limit = MaxListed
	}
	list, err := s.d.Chains.List(ctx, t, q)
	if err != nil || s.d.Bindings == nil {
		return list, err
	}
	for i := range list {
		if list[i].Bound, err = s.d.Bindings.Bound(ctx, t, list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Page is List in a unit of work of its own.
func (s *Service) Page(ctx context.Context, q ListQuery) (list []Session, err error) {
	err = s.d.DB.Read(ctx, tx.In(q.Account), func(ctx context.Context, t tx.Tx) error {
		list, err = s.List(ctx, t, q)
		return err
	})
	return list, err
}

// RootOf returns the chain of a session that has not been ended, whatever has replaced its cookie since: all
// sessions of a chain are one sign-in in one browser. Empty when there is none.
func (s *Service) RootOf(ctx context.Context, account ident.AccountID, id ident.SessionID) (root ident.SessionID, err error) {
	if id == "" {
		return "", nil
	}
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		found, err := s.ByID(ctx, t, account, id)
		if errors.Is(err, ErrNone) {
			return nil
		}
		root = found.Root
		return err
	})
	return root, err
}

// EndOne is EndOf in a unit of work of its own. ErrNone when the person has no such session.
func (s *Service) EndOne(ctx context.Context, a actor.Actor, user ident.UserID, id ident.SessionID) error {
	return s.d.DB.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		there, err := s.EndOf(ctx, t, a, user, id)
		if err == nil && !there {
			err = ErrNone
		}
		return err
	})
}

// EndOf ends one session of a person, chosen from their list, with everything that was got by it,
// refresh tokens included. It tells whether there was one: another person's is none.
func (s *Service) EndOf(ctx context.Context, t tx.Tx, a actor.Actor, user ident.UserID, id ident.SessionID) (bool, error) {
	found, err := s.d.Store.ByID(ctx, t, a.Account, id)
	if fault.Is(err, fault.NotFound) || err == nil && found.User != user {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, s.end(ctx, t, a, found, ending{event: EventEnded, grants: true})
}

// EndOthers ends every session of a person but the chain of the one to keep, as EndOf does, and tells how many.
func (s *Service) EndOthers(ctx context.Context, t tx.Tx, a actor.Actor, keep Session) (n int, err error) {
	held, err := s.d.Chains.Aside(ctx, t, keep.Account, keep.Root)
	if err != nil {
		return 0, err
	}
	q := ListQuery{Account: keep.Account, User: keep.User, Limit: MaxListed}
	for {
		page, err := s.d.Chains.List(ctx, t, q)
		if err != nil {
			return n, err
		}
		for _, found := range page {
			q.Before, q.After = found.CreatedAt, found.ID
			mine := found.Root == keep.Root || slices.ContainsFunc(held, func(h Session) bool { return h.Root == found.Root })
			if mine {
				continue
			}
			if err := s.end(ctx, t, a, found, ending{event: EventEnded, grants: true}); err != nil {
				return n, err
			}
			n++
		}
		if len(page) < q.Limit {
			return n, nil
		}
	}
}

// NoteApplication notes that a session, or whatever continues it, was used for an application. It tells
// whether that is new.
func (s *Service) NoteApplication(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID, application string) (bool, error) {
	named, err := s.ByID(ctx, t, account, id)
	if errors.Is(err, ErrNone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	found, err := s.Chain(ctx, t, account, named.Root)
	if errors.Is(err, ErrNone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	more := withApplication(found.Applications, application)
	if len(more) == len(found.Applications) {
		return false, nil
	}
	return true, s.d.Chains.SetApplications(ctx, t, account, found.ID, more)
}

// withApplication adds one to a session's applications.
func withApplication(all []string, one string) []string {
	if one == "" || len(one) > maxApplication || len(all) >= maxApplications || slices.Contains(all, one) {
		return all
	}
	return append(slices.Clone(all), one)
}
