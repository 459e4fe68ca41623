package user

import (
	"context"
	"slices"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// The events of single identities; the target is the user's id. Details "connection" and "issuer".
const (
	EventIdentityLinked   = "identity.linked"
	EventIdentityUnlinked = "identity.unlinked"
	// EventAddressChanged tells that the person signs in with another address than before. It names none.
	EventAddressChanged = "identity.address.changed"
)

var (
	// ErrTaken refuses an identity that is another person's. It is never moved.
	ErrTaken = fault.New(fault.Conflict, "IdentityTaken", "This way to sign in belongs to another account already.")
	// ErrNoIdentity says that the person has no such identity.
	ErrNoIdentity = fault.New(fault.NotFound, fault.CodeNotFound, "There is no such linked identity.")
)

// Same tells whether two identities have the same key. When they were used does not matter.
func (i Identity) Same(o Identity) bool {
	return i.Connection == o.Connection && i.Issuer == o.Issuer && i.Subject == o.Subject
}

// Link gives a proved identity to a person who is there, inside the caller's unit of work, and tells
// whether that is new. The profile stays as it is. ErrTaken when it is another person's.
func (s *Service) Link(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, i Identity) (added bool, err error) {
	if err := i.validate(); err != nil {
		return false, err
	}
	if err := s.identities.Hold(ctx, t, by.Account, id); err != nil {
		return false, fault.Wrap("user.Link", err)
	}
	i.CreatedAt, i.LastLogin = t.Now(), t.Now()
	if added, err = s.identities.Link(ctx, t, by.Account, id, i); err != nil {
		return false, fault.Wrap("user.Link", err)
	}
	if !added {
		owner, err := s.identities.Owner(ctx, t, by.Account, i)
		if err == nil && owner != id {
			err = ErrTaken
		}
		return false, fault.Wrap("user.Link", err)
	}
	t.Changed(ChangeKind, by.Account, string(id))
	return true, t.Emit(ctx, event.New(by, EventIdentityLinked, string(id), "connection", string(i.Connection), "issuer", i.Issuer))
}

// Hold keeps a person and their identities as they are until the caller's unit of work ends, and returns them.
func (s *Service) Hold(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (User, error) {
	if err := s.identities.Hold(ctx, t, account, id); err != nil {
		return User{}, fault.Wrap("user.Hold", err)
	}
	return s.Find(ctx, t, account, id)
}

// Drop takes one identity from a person, inside the caller's unit of work. Whether they can still sign in
// is for the caller to know, under Hold.
func (s *Service) Drop(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, i Identity) error {
	dropped, err := s.identities.Drop(ctx, t, by.Account, id, i)
	if err != nil {
		return fault.Wrap("user.Drop", err)
	}
	if !dropped {
		return ErrNoIdentity
	}
	t.Changed(ChangeKind, by.Account, string(id))
	return t.Emit(ctx, event.New(by, EventIdentityUnlinked, string(id), "connection", string(i.Connection), "issuer", i.Issuer))
}

// Readdress puts one mailbox of a person in the place of another, inside the caller's unit of work: the
// identity and, where the profile says the old address, the profile. ErrTaken when the new one is another
// person's, ErrNoIdentity when the old one is not the person's (any more).
func (s *Service) Readdress(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, from, to Identity) error {
	if err := to.validate(); err != nil {
		return err
	}
	u, err := s.Hold(ctx, t, by.Account, id)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(u.Identities, from.Same) {
		return ErrNoIdentity
	}
	to.CreatedAt, to.LastLogin = t.Now(), t.Now()
	added, err := s.identities.Link(ctx, t, by.Account, id, to)
	if err == nil && !added && !slices.ContainsFunc(u.Identities, to.Same) {
		err = ErrTaken
	}
	if err != nil {
		return fault.Wrap("user.Readdress", err)
	}
	if _, err := s.identities.Drop(ctx, t, by.Account, id, from); err != nil {
		return fault.Wrap("user.Readdress", err)
	}
	if u.Email == "" || u.Email == from.Subject {
		u.Email, u.EmailVerified, u.EmailOf, u.UpdatedAt = to.Subject, true, to.Key(), t.Now()
		if err := s.store.Update(ctx, t, u); err != nil {
			return fault.Wrap("user.Readdress", err)
		}
	}
	t.Changed(ChangeKind, by.Account, string(id))
	return t.Emit(ctx, event.New(by, EventAddressChanged, string(id)))
}
