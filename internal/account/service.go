package account

import (
	"context"
	"slices"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Deps are what the service is made of.
type Deps struct {
	DB        tx.Runner
	Store     Store
	Hosts     HostStore
	PublicURL PublicURL
}

// Service manages accounts. Who may call is decided by the surface and the command line.
type Service struct{ Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// CreateDefault makes the account that the public URL serves, if it is not there. It may
// run on many nodes at once: one of them makes it and emits EventCreated.
func (s *Service) CreateDefault(ctx context.Context) error {
	a := Account{ID: ident.DefaultAccount, Name: "Admit", Settings: DefaultSettings()}
	err := s.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		_, err := s.insert(ctx, t, actor.ForSystem(a.ID), &a)
		return err
	})
	return fault.Wrap("account.CreateDefault", err)
}

// Create adds an account that answers on a custom domain. Errors: Invalid for a broken
// rule, Conflict for a host that another account has.
func (s *Service) Create(ctx context.Context, by actor.Actor, name, host string) (Account, error) {
	a := Account{ID: ident.AccountID(ident.New("acc_")), Name: name, Settings: DefaultSettings()}
	if err := a.Validate(); err != nil {
		return Account{}, err
	}
	if err := s.checkHost(host); err != nil {
		return Account{}, err
	}
	err := s.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		if _, err := s.insert(ctx, t, by, &a); err != nil {
			return err
		}
		return s.addHost(ctx, t, by, a.ID, host)
	})
	if err != nil {
		return Account{}, fault.Wrap("account.Create", err)
	}
	a.Hosts = []string{host}
	return a, nil
}

func (s *Service) insert(ctx context.Context, t tx.Tx, by actor.Actor, a *Account) (bool, error) {
	a.CreatedAt, a.UpdatedAt = t.Now(), t.Now()
	added, err := s.Store.Insert(ctx, t, *a)
	if err != nil || !added {
		return false, err
	}
	t.Changed(ChangeKind, a.ID, string(a.ID))
	by.Account = a.ID // the event belongs to the account that it tells of
	return true, t.Emit(ctx, event.New(by, EventCreated, string(a.ID)))
}

// Update replaces name, looks and settings of an account. Errors: Invalid, NotFound.
func (s *Service) Update(ctx context.Context, by actor.Actor, a Account) (Account, error) {
	if err := a.Validate(); err != nil {
		return Account{}, err
	}
	var out Account
	err := s.DB.Write(ctx, tx.In(a.ID), func(ctx context.Context, t tx.Tx) error {
		old, err := s.Store.Get(ctx, t, a.ID)
		if err != nil {
			return err
		}
		out = a.clone()
		out.Hosts, out.CreatedAt, out.UpdatedAt = old.Hosts, old.CreatedAt, t.Now()
		ok, err := s.Store.Update(ctx, t, out)
		if err != nil {
			return err
		}
		if !ok {
			return notFound()
		}
		t.Changed(ChangeKind, a.ID, string(a.ID))
		return t.Emit(ctx, event.New(in(by, a.ID), EventUpdated, string(a.ID)))
	})
	return out, fault.Wrap("account.Update", err)
}

// AddHost lets an account answer on one more custom domain. Errors: Invalid, NotFound,
// Conflict for a host that an account has, and for the public URL's own.
func (s *Service) AddHost(ctx context.Context, by actor.Actor, id ident.AccountID, host string) error {
	if err := s.checkHost(host); err != nil {
		return err
	}
	err := s.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		a, err := s.Store.Get(ctx, t, id)
		if err != nil {
			return err
		}
		if len(a.Hosts) >= MaxHosts {
			return fault.New(fault.Unprocessable, fault.CodeInvalidRequest, "An account has at most 10 custom domains.")
		}
		return s.addHost(ctx, t, by, id, host)
	})
	return fault.Wrap("account.AddHost", err)
}

func (s *Service) addHost(ctx context.Context, t tx.Tx, by actor.Actor, id ident.AccountID, host string) error {
	added, err := s.Hosts.AddHost(ctx, t, id, host)
	if err != nil {
		return err
	}
	if !added {
		return fault.New(fault.Conflict, fault.CodeConflict, "This domain already belongs to an account.")
	}
	t.Changed(ChangeKind, id, string(id))
	return t.Emit(ctx, event.New(in(by, id), EventHostAdded, string(id), "host", host))
}

// RemoveHost takes a custom domain from an account. The next account that gets it is
// another issuer at the same address, so tokens of the old one name an issuer whose keys
// no longer answer.
func (s *Service) RemoveHost(ctx context.Context, by actor.Actor, id ident.AccountID, host string) error {
	err := s.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		removed, err := s.Hosts.RemoveHost(ctx, t, id, host)
		if err != nil {
			return err
		}
		if !removed {
			return notFound()
		}
		t.Changed(ChangeKind, id, string(id))
		return t.Emit(ctx, event.New(in(by, id), EventHostRemoved, string(id), "host", host))
	})
	return fault.Wrap("account.RemoveHost", err)
}

// Get returns one account.
func (s *Service) Get(ctx context.Context, id ident.AccountID) (Account, error) {
	var out Account
	err := s.DB.Read(ctx, tx.In(id), func(ctx context.Context, t tx.Tx) (err error) {
		out, err = s.Store.Get(ctx, t, id)
		return err
	})
	return out, fault.Wrap("account.Get", err)
}

// List returns every account of the deployment, for its operator.
func (s *Service) List(ctx context.Context) ([]Account, error) {
	var out []Account
	err := s.DB.Read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) (err error) {
		out, err = s.Store.All(ctx, t)
		return err
	})
	return out, fault.Wrap("account.List", err)
}

func (s *Service) checkHost(host string) error {
	if err := ParseHost(host); err != nil {
		return err
	}
	if slices.Contains(s.PublicURL.Hosts(), host) {
		return fault.New(fault.Conflict, fault.CodeConflict, "This is the public URL's own host; it belongs to the default account.")
	}
	return nil
}

func in(by actor.Actor, id ident.AccountID) actor.Actor {
	by.Account = id
	return by
}

func notFound() error {
	return fault.New(fault.NotFound, fault.CodeNotFound, "There is no such account or domain.")
}
