package tenant

import (
	"context"
	"slices"
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

// Connections is what the service needs to know of connections, inside its unit of work.
type Connections interface {
	// Exists tells whether the account has the connection, switched on or off.
	Exists(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.ConnectionID) (bool, error)
	// DropOwn deletes the connection if it was made for the tenant.
	DropOwn(ctx context.Context, t tx.Tx, by actor.Actor, id ident.ConnectionID, tenant ident.TenantID) error
}

// Users is what the service needs to know of people, inside its unit of work.
type Users interface {
	Exists(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (bool, error)
}

// Deps is what the service works with.
type Deps struct {
	DB          tx.Runner
	Store       Store
	Members     MemberStore
	Directory   *Directory
	Connections Connections
	Users       Users
}

// Service holds the verbs. Whether the caller may is decided before, at the surface.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// Input is a tenant as an administrator writes it.
type Input struct {
	Tenant
	// AllowDomains judges whether the actor may claim a domain, asked inside the unit of work when
	// one is new or leads to another connection: a domain sends people to the tenant's connection, and
	// makes those whose address is verified its members. It must not wait for anything. Nil allows it,
	// for the operator.
	AllowDomains func() error
}

// Create makes a tenant in the actor's account; without an id it gets a random one. Faults:
// Invalid, Unprocessable, Forbidden, and Conflict for an id, a lookup identifier or a domain that is taken.
func (s *Service) Create(ctx context.Context, by actor.Actor, in Input) (Tenant, error) {
	n := in.Tenant.clone()
	n.Account = by.Account
	if n.ID == "" {
		n.ID = ident.TenantID(ident.New("ten_"))
	}
	if err := n.Validate(); err != nil {
		return Tenant{}, err
	}
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		n.CreatedAt, n.UpdatedAt = t.Now(), t.Now()
		if err := s.judge(ctx, t, in, Tenant{}, n); err != nil {
			return err
		}
		free, err := s.d.Store.Insert(ctx, t, n)
		if err != nil {
			return err
		}
		if !free {
			return fault.New(fault.Conflict, fault.CodeConflict, "This tenantId is in use or was used by a tenant that was deleted.")
		}
		return s.written(ctx, t, by, n, EventCreated)
	})
	return n, fault.Wrap("tenant.Create", err)
}

// Update replaces a tenant. Faults: NotFound and those of Create.
func (s *Service) Update(ctx context.Context, by actor.Actor, in Input) (Tenant, error) {
	n := in.Tenant.clone()
	n.Account = by.Account
	if err := n.Validate(); err != nil {
		return Tenant{}, err
	}
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		old, err := s.d.Store.Get(ctx, t, by.Account, n.ID)
		if err != nil {
			return notFound(err)
		}
		n.CreatedAt, n.UpdatedAt = old.CreatedAt, t.Now()
		if err := s.judge(ctx, t, in, old, n); err != nil {
			return err
		}
		there, err := s.d.Store.Update(ctx, t, n)
		if err != nil {
			return err
		}
		if !there {
			return errNotFound
		}
		return s.written(ctx, t, by, n, EventUpdated)
	})
	return n, fault.Wrap("tenant.Update", err)
}

// judge refuses a connection that is not there, and domains that the actor may not claim.
func (s *Service) judge(ctx context.Context, t tx.Tx, in Input, old, n Tenant) error {
	if n.Connection != "" && n.Connection != old.Connection {
		there, err := s.d.Connections.Exists(ctx, t, n.Account, n.Connection)
		if err != nil {
			return err
		}
		if !there {
			return fault.New(fault.Invalid, "InvalidConnection", "There is no such connection. Create it first.")
		}
	}
	claims := slices.ContainsFunc(n.names(), func(d string) bool {
		return domainForm.MatchString(d) && (n.Connection != old.Connection || !slices.Contains(old.names(), d))
	})
	if claims && in.AllowDomains != nil {
		return in.AllowDomains()
	}
	return nil
}

// written gives the tenant its names and tells the world.
func (s *Service) written(ctx context.Context, t tx.Tx, by actor.Actor, n Tenant, kind string) error {
	free, err := s.d.Store.SetNames(ctx, t, n.Account, n.ID, n.names())
	if err != nil {
		return err
	}
	if !free {
		return fault.New(fault.Conflict, fault.CodeConflict, "The tenantLookupIdentifier or a domain belongs to another tenant.")
	}
	t.Changed(ChangeKind, n.Account, string(n.ID))
	return t.Emit(ctx, event.New(by, kind, string(n.ID), "connection", string(n.Connection), "domains", strings.Join(n.Domains, " ")))
}

// Get returns one tenant. Faults: NotFound.
func (s *Service) Get(ctx context.Context, account ident.AccountID, id ident.TenantID) (n Tenant, err error) {
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		n, err = s.d.Store.Get(ctx, t, account, id)
		return notFound(err)
	})
	return n, fault.Wrap("tenant.Get", err)
}

// List returns a page of an account's tenants in the order of their ids. next is the After of the
// following page, empty on the last.
func (s *Service) List(ctx context.Context, account ident.AccountID, q Query) (page []Tenant, next ident.TenantID, err error) {
	limit, filter, err := bounds.Fit(q.Limit, q.Filter)
	if err != nil {
		return nil, "", err
	}
	q.Limit, q.Filter = limit+1, filter // one more tells whether there is a next page
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
		page, err = s.d.Store.List(ctx, t, account, q)
		return err
	})
	if err != nil {
		return nil, "", fault.Wrap("tenant.List", err)
	}
	page, next = cursor.Cut(page, limit, func(one Tenant) ident.TenantID { return one.ID })
	return page, next, nil
}

// Delete takes a tenant away: its people stay, and are nobody's. A connection that was made for
// it goes too, unless another tenant uses it. Its id is never used again. Faults: NotFound.
func (s *Service) Delete(ctx context.Context, by actor.Actor, id ident.TenantID) error {
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		old, err := s.d.Store.Get(ctx, t, by.Account, id)
		if err != nil {
			return notFound(err)
		}
		there, err := s.d.Store.Delete(ctx, t, by.Account, id)
		if err != nil {
			return err
		}
		if !there {
			return errNotFound
		}
		t.Changed(ChangeKind, by.Account, string(id))
		if err := t.Emit(ctx, event.New(by, EventDeleted, string(id))); err != nil {
			return err
		}
		if old.Connection == "" || len(s.d.Directory.ByConnection(by.Account, old.Connection)) > 1 {
			return nil
		}
		return s.d.Connections.DropOwn(ctx, t, by, old.Connection, id)
	})
	return fault.Wrap("tenant.Delete", err)
}

var errNotFound = fault.New(fault.NotFound, fault.CodeNotFound, "There is no such tenant.")

func notFound(err error) error {
	if fault.Is(err, fault.NotFound) {
		return errNotFound
	}
	return err
}
