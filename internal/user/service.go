package user

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/cursor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Page sizes of List.
const (
	DefaultLimit = 100
	MaxLimit     = 100
	MaxFilter    = 128
)

var bounds = cursor.Bounds{Default: DefaultLimit, Max: MaxLimit, Filter: MaxFilter}

// Service finds, makes and manages people. Who may call is decided by the surface.
type Service struct {
	db         tx.Runner
	store      Store
	identities IdentityStore
}

// New makes the service.
func New(db tx.Runner, store Store, identities IdentityStore) *Service {
	return &Service{db: db, store: store, identities: identities}
}

// SignIn returns the person with exactly this identity in the actor's account, and makes
// one when there is none, inside the caller's unit of work. The profile is taken over. Two
// logins of a new identity at once make one person. It fails with Invalid for an identity
// that cannot be kept byte for byte.
func (s *Service) SignIn(ctx context.Context, t tx.Tx, by actor.Actor, i Identity, p Profile) (u User, created bool, err error) {
	return s.signIn(ctx, t, by, ident.UserID(ident.New(ownPrefix)), i, p)
}

// SignUpAs is SignIn, and gives a new person the id. It fails with Forbidden when somebody has or
// had the id, or nobody may have it; a person who is there already keeps their own.
func (s *Service) SignUpAs(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, i Identity, p Profile) (u User, created bool, err error) {
	if !Usable(id) || strings.HasPrefix(strings.ToLower(string(id)), ownPrefix) {
		return User{}, false, ErrUnusable
	}
	return s.signIn(ctx, t, by, id, i, p)
}

func (s *Service) signIn(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, i Identity, p Profile) (u User, created bool, err error) {
	if err := i.validate(); err != nil {
		return User{}, false, err
	}
	p = p.clean()
	u, err = s.find(ctx, t, by.Account, i)
	if fault.Is(err, fault.NotFound) {
		var linked bool
		if u, linked, err = s.create(ctx, t, by, id, i, p); err != nil || linked {
			return u, linked, fault.Wrap("user.SignIn", err)
		}
		u, err = s.find(ctx, t, by.Account, i) // another login was faster
	}
	if err != nil {
		if fault.Is(err, fault.NotFound) { // the identity is there and its owner is not
			err = errors.New("user: an identity without an owner")
		}
		return User{}, false, fault.Wrap("user.SignIn", err)
	}
	return u, false, fault.Wrap("user.SignIn", s.renew(ctx, t, by, &u, i.Key(), p))
}

// renew takes a profile over to a person who is there. Whoever reads the proved address that it replaces is
// told there.
func (s *Service) renew(ctx context.Context, t tx.Tx, by actor.Actor, u *User, via Key, p Profile) error {
	former := *u
	if !u.apply(p, via) {
		return nil
	}
	if former.EmailVerified && (former.Email != u.Email || !u.EmailVerified) {
		if err := t.Emit(ctx, event.New(by, EventAddress, string(u.ID), "connection", string(via.Connection))); err != nil {
			return err
		}
	}
	u.UpdatedAt = t.Now()
	if err := s.store.Update(ctx, t, *u); err != nil {
		return err
	}
	t.Changed(ChangeKind, by.Account, string(u.ID))
	return t.Emit(ctx, event.New(by, EventUpdated, string(u.ID), "connection", string(via.Connection)))
}

func (s *Service) find(ctx context.Context, t tx.Tx, account ident.AccountID, i Identity) (User, error) {
	id, err := s.identities.Owner(ctx, t, account, i)
	if err != nil {
		return User{}, err
	}
	return s.store.Get(ctx, t, account, id)
}

// create tells whether it made a person; it does not when another unit of work has just
// linked the identity.
func (s *Service) create(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, i Identity, p Profile) (User, bool, error) {
	u := User{Account: by.Account, ID: id, CreatedAt: t.Now(), UpdatedAt: t.Now()}
	u.apply(p, i.Key())
	if free, err := s.store.Insert(ctx, t, u); err != nil || !free {
		return User{}, false, errors.Join(err, notFree(free, id))
	}
	i.CreatedAt, i.LastLogin = t.Now(), t.Now()
	linked, err := s.identities.Link(ctx, t, by.Account, u.ID, i)
	if err != nil {
		return User{}, false, err
	}
	if !linked {
		return User{}, false, s.identities.Discard(ctx, t, by.Account, u.ID)
	}
	u.Identities = []Identity{i}
	return u, true, t.Emit(ctx, event.New(by, EventCreated, string(u.ID), "connection", string(i.Connection)))
}

func notFree(free bool, id ident.UserID) error {
	switch {
	case free:
		return nil
	case !strings.HasPrefix(string(id), ownPrefix): // somebody chose it
		return ErrUnusable
	}
	return errors.New("user: a random id came twice")
}

// Find returns one person inside the caller's unit of work, or a fault of kind NotFound.
func (s *Service) Find(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (User, error) {
	u, err := s.store.Get(ctx, t, account, id)
	return u, fault.Wrap("user.Find", err)
}

// Get returns one person, or a fault of kind NotFound.
func (s *Service) Get(ctx context.Context, account ident.AccountID, id ident.UserID) (User, error) {
	var u User
	err := s.db.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
		u, err = s.store.Get(ctx, t, account, id)
		return err
	})
	return u, fault.Wrap("user.Get", err)
}

// List returns a page of an account's people in the order of their ids. next is the After
// of the following page, empty on the last.
func (s *Service) List(ctx context.Context, account ident.AccountID, q Query) (page []User, next ident.UserID, err error) {
	limit, filter, err := bounds.Fit(q.Limit, q.Filter)
	if err != nil {
		return nil, "", err
	}
	q.Limit, q.Filter = limit+1, filter // one more tells whether there is a next page
	err = s.db.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
		page, err = s.store.List(ctx, t, account, q)
		return err
	})
	if err != nil {
		return nil, "", fault.Wrap("user.List", err)
	}
	page, next = cursor.Cut(page, limit, func(one User) ident.UserID { return one.ID })
	return page, next, nil
}

// Delete removes a person for good: profile and identities now, everything else that names
// them by EventDeleted in the same unit of work. Signing in again makes a new person. Of one whom
// a linked issuer names, seen before or not, everything that names them goes too; the issuer alone
// decides whether they come back.
func (s *Service) Delete(ctx context.Context, by actor.Actor, id ident.UserID) error {
	err := s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		if Foreign(id) {
			return t.Emit(ctx, event.New(by, EventDeleted, string(id), "linked", "true"))
		}
		return s.deleteIn(ctx, t, by, id)
	})
	return fault.Wrap("user.Delete", err)
}

func (s *Service) deleteIn(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID) error {
	ok, err := s.store.Remove(ctx, t, by.Account, id)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.NotFound, fault.CodeNotFound, "There is no such user.")
	}
	t.Changed(ChangeKind, by.Account, string(id))
	return t.Emit(ctx, event.New(by, EventDeleted, string(id)))
}

// Unlink deletes the identities of a connection that is gone, inside the caller's unit of
// work, so that a connection which gets its id or name later inherits nobody.
func (s *Service) Unlink(ctx context.Context, t tx.Tx, by actor.Actor, connection ident.ConnectionID) error {
	n, err := s.identities.Unlink(ctx, t, by.Account, connection)
	if err != nil || n == 0 {
		return fault.Wrap("user.Unlink", err)
	}
	return t.Emit(ctx, event.New(by, EventUnlinked, string(connection), "count", strconv.FormatInt(n, 10)))
}
