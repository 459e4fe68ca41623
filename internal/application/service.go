package application

import (
	"context"
	"slices"

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
	MaxFilter    = 64
)

var bounds = cursor.Bounds{Default: DefaultLimit, Max: MaxLimit, Filter: MaxFilter}

// CodeExists is the error code of an application id that is or was taken.
const CodeExists = "ApplicationAlreadyExists"

// Service manages applications. Who may call is decided by the surface.
type Service struct {
	db    tx.Runner
	store Store
}

// New makes the service.
func New(db tx.Runner, store Store) *Service { return &Service{db: db, store: store} }

// Create adds an application to the actor's account. Without an id it gets a random one.
// Errors: Invalid for a broken rule, Conflict for an id that is or was in use.
func (s *Service) Create(ctx context.Context, by actor.Actor, a Application) (Application, error) {
	a = a.normal()
	if a.ID == "" {
		a.ID = ident.ApplicationID(ident.New("app_"))
	}
	a.Account, a.Active = by.Account, true
	if err := a.Validate(); err != nil {
		return Application{}, err
	}
	err := s.db.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		added, err := s.insert(ctx, t, by, &a)
		if err == nil && !added {
			return fault.New(fault.Conflict, CodeExists, "This application id is, or was, in use.")
		}
		return err
	})
	if err != nil {
		return Application{}, fault.Wrap("application.Create", err)
	}
	return a, nil
}

func (s *Service) insert(ctx context.Context, t tx.Tx, by actor.Actor, a *Application) (bool, error) {
	a.CreatedAt, a.UpdatedAt = t.Now(), t.Now()
	added, err := s.store.Insert(ctx, t, *a)
	if err != nil || !added {
		return false, err
	}
	t.Changed(ChangeKind, a.Account, string(a.ID))
	return true, t.Emit(ctx, event.New(by, EventCreated, string(a.ID)))
}

// Update replaces what a person may set: name, redirect URLs and modes, session type,
// tags, the two opt-ins. change makes the next state of the present one, inside the unit of
// work, so that two updates at once never undo each other; it judges the caller as well, and must not
// wait for anything. Errors: Invalid, NotFound, and those of change.
func (s *Service) Update(ctx context.Context, by actor.Actor, id ident.ApplicationID, change func(Application) (Application, error)) (Application, error) {
	var out Application
	err := s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		old, err := s.store.Lock(ctx, t, by.Account, id)
		if err != nil {
			return err
		}
		next, err := change(old)
		if err != nil {
			return err
		}
		next = next.normal()
		next.Account, next.ID, next.Active = by.Account, id, true
		if err := next.Validate(); err != nil {
			return err
		}
		out, err = s.update(ctx, t, by, next)
		return err
	})
	return out, fault.Wrap("application.Update", err)
}

func (s *Service) update(ctx context.Context, t tx.Tx, by actor.Actor, a Application) (Application, error) {
	old, err := s.store.Get(ctx, t, a.Account, a.ID)
	if err != nil {
		return Application{}, err
	}
	a.CreatedAt, a.UpdatedAt = old.CreatedAt, t.Now()
	ok, err := s.store.Update(ctx, t, a)
	if err != nil {
		return Application{}, err
	}
	if !ok {
		return Application{}, fault.New(fault.NotFound, fault.CodeNotFound, "There is no such application.")
	}
	t.Changed(ChangeKind, a.Account, string(a.ID))
	if err := t.Emit(ctx, event.New(by, EventUpdated, string(a.ID), "redirectMode", string(a.RedirectMode))); err != nil || !a.Lowered(old) {
		return a, err
	}
	return a, t.Emit(ctx, event.New(by, EventLowered, string(a.ID)))
}

// Delete removes an application for good; its id is never used again. The default
// application cannot be removed, because SDKs name it when they are given no other.
func (s *Service) Delete(ctx context.Context, by actor.Actor, id ident.ApplicationID) error {
	if id == ident.DefaultApplication {
		return fault.New(fault.Conflict, fault.CodeConflict, "The default application cannot be removed.")
	}
	err := s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		ok, err := s.store.Remove(ctx, t, by.Account, id)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.NotFound, fault.CodeNotFound, "There is no such application.")
		}
		t.Changed(ChangeKind, by.Account, string(id))
		return t.Emit(ctx, event.New(by, EventDeleted, string(id)))
	})
	return fault.Wrap("application.Delete", err)
}

// Get returns one application of an account.
func (s *Service) Get(ctx context.Context, account ident.AccountID, id ident.ApplicationID) (Application, error) {
	var out Application
	err := s.db.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
		out, err = s.store.Get(ctx, t, account, id)
		return err
	})
	return out, fault.Wrap("application.Get", err)
}

// List returns a page of an account's applications in the order of their ids. next is the
// After of the following page, empty on the last.
func (s *Service) List(ctx context.Context, account ident.AccountID, q Query) (page []Application, next ident.ApplicationID, err error) {
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
		return nil, "", fault.Wrap("application.List", err)
	}
	page, next = cursor.Cut(page, limit, func(one Application) ident.ApplicationID { return one.ID })
	return page, next, nil
}

// CreateDefault adds the default application to a new account, inside the unit of work
// that makes the account. It does nothing when the application is there.
func (s *Service) CreateDefault(ctx context.Context, t tx.Tx, account ident.AccountID) error {
	a := Application{
		Account: account, ID: ident.DefaultApplication, Name: "Default application", Active: true,
	}.normal()
	_, err := s.insert(ctx, t, actor.ForSystem(account), &a)
	return fault.Wrap("application.CreateDefault", err)
}

// AllowDevelopment makes the default application accept the given loopback URLs by origin
// and receive tokens in the query, as the browser SDK does by default on localhost. It
// writes nothing when that is already so. For development mode only.
func (s *Service) AllowDevelopment(ctx context.Context, account ident.AccountID, urls ...string) error {
	for _, u := range urls {
		if !IsLoopback(u) {
			return invalid("Development redirect URLs are on localhost, 127.0.0.1 or [::1].")
		}
	}
	err := s.db.Write(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		a, err := s.store.Lock(ctx, t, account, ident.DefaultApplication)
		if err != nil {
			return err
		}
		changed := !a.AllowLoopbackTokens || a.RedirectMode != Origin
		for _, u := range urls {
			if !slices.Contains(a.RedirectURLs, u) {
				a.RedirectURLs, changed = append(a.RedirectURLs, u), true
			}
		}
		if !changed {
			return nil
		}
		a.AllowLoopbackTokens, a.RedirectMode = true, Origin
		if err := a.Validate(); err != nil {
			return err
		}
		_, err = s.update(ctx, t, actor.ForSystem(account), a)
		return err
	})
	return fault.Wrap("application.AllowDevelopment", err)
}
