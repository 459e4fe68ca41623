package policy

import (
	"context"
	"encoding/json"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Offer is what an account has to sign in with besides the mailed code.
type Offer struct {
	Passwords bool // a connection for them is on
	Others    bool // a connection to another provider is on
	Passkeys  bool // the account's address can have them
}

// Deps is what the service needs.
type Deps struct {
	DB    tx.Runner
	Store Store
	// Exists tells whether a tenant or an application is there.
	Exists func(s Scope) bool
	Offer  func(account ident.AccountID) Offer
	// Held tells what the person who writes a policy has registered.
	Held func(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (factor.Held, error)
}

// Service reads and writes policies. Who may call is decided by the surface.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// Get returns what is written for a scope alone. Errors: NotFound for a tenant or application that is not there.
func (s *Service) Get(ctx context.Context, scope Scope) (p Policy, err error) {
	if err := s.check(scope); err != nil {
		return Policy{}, err
	}
	err = s.d.DB.Read(ctx, tx.In(scope.Account), func(ctx context.Context, t tx.Tx) error {
		p, err = s.d.Store.Get(ctx, t, scope)
		return err
	})
	return p, fault.Wrap("policy.Get", err)
}

// Put writes the policy of a scope. Errors: Invalid; NotFound; ErrLocksOut when nobody could sign in under
// it together with the account's.
func (s *Service) Put(ctx context.Context, by actor.Actor, scope Scope, p Policy) (Policy, error) {
	if err := p.Validate(); err != nil {
		return Policy{}, err
	}
	if scope.Account != by.Account {
		return Policy{}, fault.New(fault.NotFound, fault.CodeNotFound, "There is no such account.")
	}
	if err := s.check(scope); err != nil {
		return Policy{}, err
	}
	said, err := json.Marshal(p)
	if err != nil {
		return Policy{}, err
	}
	err = s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		if err := s.passable(ctx, t, by, scope, p); err != nil {
			return err
		}
		if err := s.d.Store.Put(ctx, t, Entry{scope, p}); err != nil {
			return err
		}
		t.Changed(ChangeKind, by.Account, scope.Key())
		return t.Emit(ctx, event.New(by, EventUpdated, scope.target(), "policy", string(said)))
	})
	return p, fault.Wrap("policy.Put", err)
}

func (s *Service) check(scope Scope) error {
	if (scope.Tenant != "" || scope.Application != "") && !s.d.Exists(scope) {
		return fault.New(fault.NotFound, fault.CodeNotFound, "There is no such tenant or application.")
	}
	return nil
}

// passable refuses what locks everybody out.
func (s *Service) passable(ctx context.Context, t tx.Tx, by actor.Actor, scope Scope, p Policy) error {
	whole, offer := p, s.d.Offer(by.Account)
	if scope.Key() != (Scope{}).Key() {
		of, err := s.d.Store.Get(ctx, t, Scope{Account: by.Account})
		if err != nil {
			return err
		}
		whole = of.Merge(p)
	}
	registrable := whole.AllowsSecond(factor.TOTP) || whole.AllowsSecond(factor.Passkey) && offer.Passkeys
	if whole.SecondWhen != WhenHeld && !registrable {
		return ErrLocksOut
	}
	if whole.AllowsFirst(factor.EmailCode) || offer.Others || whole.AllowsFirst(factor.Password) && offer.Passwords {
		return nil
	}
	if !whole.AllowsFirst(factor.Passkey) || !offer.Passkeys || by.Kind != actor.User {
		return ErrLocksOut
	}
	held, err := s.d.Held(ctx, t, by.Account, ident.UserID(by.ID))
	if err == nil && held.Passkeys == 0 {
		err = ErrLocksOut
	}
	return err
}

// ForgetTenant is the reaction to the end of a tenant.
func (s *Service) ForgetTenant(ctx context.Context, t tx.Tx, e event.Event) error {
	return s.forget(ctx, t, Scope{Account: e.Account, Tenant: ident.TenantID(e.Target)})
}

// ForgetApplication is the reaction to the end of an application.
func (s *Service) ForgetApplication(ctx context.Context, t tx.Tx, e event.Event) error {
	return s.forget(ctx, t, Scope{Account: e.Account, Application: ident.ApplicationID(e.Target)})
}

func (s *Service) forget(ctx context.Context, t tx.Tx, scope Scope) error {
	ok, err := s.d.Store.Remove(ctx, t, scope)
	if err == nil && ok {
		t.Changed(ChangeKind, scope.Account, scope.Key())
	}
	return err
}
