package extension

import (
	"context"
	"maps"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/cursor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/serviceclient"
)

// Page sizes of List.
const (
	DefaultLimit = 20
	MaxLimit     = 20
)

var bounds = cursor.Bounds{Default: DefaultLimit, Max: MaxLimit}

// Applications is what application.Service does for an extension.
type Applications interface {
	Create(ctx context.Context, by actor.Actor, a application.Application) (application.Application, error)
	Get(ctx context.Context, account ident.AccountID, id ident.ApplicationID) (application.Application, error)
	Update(ctx context.Context, by actor.Actor, id ident.ApplicationID, change func(application.Application) (application.Application, error)) (application.Application, error)
	Delete(ctx context.Context, by actor.Actor, id ident.ApplicationID) error
}

// Clients is what serviceclient.Service does for an extension.
type Clients interface {
	Create(ctx context.Context, by actor.Actor, c serviceclient.Client) (serviceclient.Client, error)
	Get(ctx context.Context, account ident.AccountID, id ident.ServiceClientID) (serviceclient.Client, error)
	Update(ctx context.Context, by actor.Actor, c serviceclient.Client, allow func(before, after serviceclient.Options) error) (serviceclient.Client, error)
	Delete(ctx context.Context, by actor.Actor, id ident.ServiceClientID) error
}

// Deps is what the service works with. Applications and Clients return the features' verbs
// inside a unit of work.
type Deps struct {
	DB           tx.Runner
	Store        Store
	Applications func(tx.Runner) Applications
	Clients      func(tx.Runner) Clients
}

// Service manages extensions. Who may call is decided by the surface.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// Judge judges whether the caller may change the application of an extension so; see
// application.SendsBeyond. It must not wait for anything.
type Judge func(before, after application.Application) (application.Application, error)

// Create makes an extension, its application and its client in the actor's account. The client
// has no keys, and may do nothing before somebody gives it something. The application is a third
// party's: people are asked for consent, and its tokens never open Admit's own API.
func (s *Service) Create(ctx context.Context, by actor.Actor, e Extension, judge Judge) (Extension, error) {
	a, err := judge(application.Application{}, application.Application{
		Name: e.Name, RedirectURLs: e.RedirectURLs, Tags: e.Tags, OAuth: application.OAuth{ThirdParty: true},
	})
	if err != nil {
		return Extension{}, err
	}
	err = s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		made, err := s.d.Applications(tx.Join(t)).Create(ctx, by, a)
		if err != nil {
			return err
		}
		client, err := s.d.Clients(tx.Join(t)).Create(ctx, by, serviceclient.Client{Name: e.Name, RateLimits: e.RateLimits})
		if err != nil {
			return err
		}
		e = Extension{
			Account: by.Account, ID: ID(ident.New("ext_")), Name: e.Name, Tags: maps.Clone(e.Tags), Application: made.ID, Client: client.ID,
			RedirectURLs: made.RedirectURLs, RateLimits: client.RateLimits, CreatedAt: t.Now(), UpdatedAt: t.Now(),
		}
		if err := s.d.Store.Insert(ctx, t, e); err != nil {
			return err
		}
		return t.Emit(ctx, event.New(by, EventCreated, string(e.ID), "application", string(e.Application), "client", string(e.Client)))
	})
	if err != nil {
		return Extension{}, fault.Wrap("extension.Create", err)
	}
	return e, nil
}

// Update replaces name, tags, redirect URLs and rate limits.
func (s *Service) Update(ctx context.Context, by actor.Actor, e Extension, judge Judge) (out Extension, err error) {
	err = s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		e.Account, e.UpdatedAt = by.Account, t.Now()
		ok, err := s.d.Store.Update(ctx, t, e)
		if err != nil {
			return err
		}
		if !ok {
			return none()
		}
		if out, err = s.d.Store.Get(ctx, t, by.Account, e.ID); err != nil {
			return err
		}
		a, err := s.d.Applications(tx.Join(t)).Update(ctx, by, out.Application, func(old application.Application) (application.Application, error) {
			next := old
			next.Name, next.RedirectURLs, next.Tags = e.Name, e.RedirectURLs, e.Tags
			return judge(old, next)
		})
		if err != nil {
			return err
		}
		client, err := s.limit(ctx, tx.Join(t), by, out.Client, e)
		if err != nil {
			return err
		}
		out.RedirectURLs, out.RateLimits = a.RedirectURLs, client.RateLimits
		return t.Emit(ctx, event.New(by, EventUpdated, string(e.ID)))
	})
	if err != nil {
		return Extension{}, fault.Wrap("extension.Update", err)
	}
	return out, nil
}

// limit gives the client of an extension its name and rate limits. Its powers stay as they are.
func (s *Service) limit(ctx context.Context, in tx.Runner, by actor.Actor, id ident.ServiceClientID, e Extension) (serviceclient.Client, error) {
	clients := s.d.Clients(in)
	client, err := clients.Get(ctx, by.Account, id)
	if err != nil {
		return client, err
	}
	client.Name, client.RateLimits = e.Name, e.RateLimits
	return clients.Update(ctx, by, client, func(before, after serviceclient.Options) error {
		if before != after {
			return fault.New(fault.Conflict, fault.CodeConflict, "Somebody is changing the extension's service client. Try again.")
		}
		return nil
	})
}

// Delete removes an extension with its application and its client for good. Tokens of both stop
// working at once on this node, and on the others as soon as they hear of it.
func (s *Service) Delete(ctx context.Context, by actor.Actor, id ID) error {
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		e, err := s.d.Store.Get(ctx, t, by.Account, id)
		if err != nil {
			return missing(err)
		}
		ok, err := s.d.Store.Remove(ctx, t, by.Account, id)
		if err != nil {
			return err
		}
		if !ok {
			return none()
		}
		// A part that somebody has removed by itself is no reason to keep the other.
		if err := s.d.Applications(tx.Join(t)).Delete(ctx, by, e.Application); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := s.d.Clients(tx.Join(t)).Delete(ctx, by, e.Client); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		return t.Emit(ctx, event.New(by, EventDeleted, string(id)))
	})
	return fault.Wrap("extension.Delete", err)
}

// Get returns one extension, or a fault of kind NotFound.
func (s *Service) Get(ctx context.Context, account ident.AccountID, id ID) (e Extension, err error) {
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		if e, err = s.d.Store.Get(ctx, t, account, id); err != nil {
			return missing(err)
		}
		return s.fill(ctx, t, &e)
	})
	return e, fault.Wrap("extension.Get", err)
}

// List returns a page of an account's extensions in the order of their ids. next is the After of
// the following page, empty on the last.
func (s *Service) List(ctx context.Context, account ident.AccountID, q Query) (page []Extension, next ID, err error) {
	limit, _, err := bounds.Fit(q.Limit, "")
	if err != nil {
		return nil, "", err
	}
	q.Limit = limit + 1 // one more tells whether there is a next page
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		if page, err = s.d.Store.List(ctx, t, account, q); err != nil {
			return err
		}
		page, next = cursor.Cut(page, limit, func(one Extension) ID { return one.ID })
		for i := range page {
			if err := s.fill(ctx, t, &page[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return page, next, fault.Wrap("extension.List", err)
}

// fill adds what the parts say. One that somebody has removed by itself says nothing.
func (s *Service) fill(ctx context.Context, t tx.Tx, e *Extension) error {
	a, err := s.d.Applications(tx.Join(t)).Get(ctx, e.Account, e.Application)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	client, err := s.d.Clients(tx.Join(t)).Get(ctx, e.Account, e.Client)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	e.RedirectURLs, e.RateLimits = a.RedirectURLs, client.RateLimits
	return nil
}

func missing(err error) error {
	if fault.Is(err, fault.NotFound) {
		return none()
	}
	return err
}

func none() error {
	return fault.New(fault.NotFound, fault.CodeNotFound, "There is no such extension.")
}
