package tenant

import (
	"context"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// AddMember makes a person a member. Who is one already stays one. Faults: NotFound for the
// tenant and for the person.
func (s *Service) AddMember(ctx context.Context, by actor.Actor, id ident.TenantID, user ident.UserID) error {
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		if _, err := s.d.Store.Get(ctx, t, by.Account, id); err != nil {
			return notFound(err)
		}
		there, err := s.d.Users.Exists(ctx, t, by.Account, user)
		if err != nil {
			return err
		}
		if !there {
			return fault.New(fault.NotFound, fault.CodeNotFound, "There is no such user.")
		}
		return s.join(ctx, t, by, id, user, "")
	})
	return fault.Wrap("tenant.AddMember", err)
}

func (s *Service) join(ctx context.Context, t tx.Tx, by actor.Actor, id ident.TenantID, user ident.UserID, via ident.ConnectionID) error {
	added, err := s.d.Members.Add(ctx, t, by.Account, id, user)
	if err != nil || !added {
		return err
	}
	detail := []string{"user", string(user)}
	if via != "" {
		detail = append(detail, "connection", string(via))
	}
	return t.Emit(ctx, event.New(by, EventMemberAdded, string(id), detail...))
}

// RemoveMember takes a person out of a tenant: their next tokens no longer name it. Signing in
// through the tenant's connection again makes them a member again. Faults: NotFound.
func (s *Service) RemoveMember(ctx context.Context, by actor.Actor, id ident.TenantID, user ident.UserID) error {
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		was, err := s.d.Members.Remove(ctx, t, by.Account, id, user)
		if err != nil {
			return err
		}
		if !was {
			return fault.New(fault.NotFound, fault.CodeNotFound, "This user is no member of the tenant.")
		}
		return t.Emit(ctx, event.New(by, EventMemberRemoved, string(id), "user", string(user)))
	})
	return fault.Wrap("tenant.RemoveMember", err)
}

// Members returns at most limit members after an id, in the order of ids.
func (s *Service) Members(ctx context.Context, account ident.AccountID, id ident.TenantID, after ident.UserID, limit int) (out []ident.UserID, err error) {
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		out, err = s.d.Members.Members(ctx, t, account, id, after, limit)
		return err
	})
	return out, fault.Wrap("tenant.Members", err)
}

// TenantsOf returns the tenants that a person is a member of.
func (s *Service) TenantsOf(ctx context.Context, account ident.AccountID, user ident.UserID) (out []ident.TenantID, err error) {
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		out, err = s.d.Members.TenantsOf(ctx, t, account, user)
		return err
	})
	return out, fault.Wrap("tenant.TenantsOf", err)
}

// Of is TenantsOf inside the caller's unit of work.
func (s *Service) Of(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]ident.TenantID, error) {
	return s.d.Members.TenantsOf(ctx, t, account, user)
}

// IsMember tells whether a person is a member of a tenant that is there.
func (s *Service) IsMember(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.TenantID, user ident.UserID) (bool, error) {
	return s.d.Members.Is(ctx, t, account, id, user)
}

// ForgetUser takes a person who was deleted out of every tenant; it reacts to "user.deleted".
func (s *Service) ForgetUser(ctx context.Context, t tx.Tx, e event.Event) error {
	_, err := s.d.Members.Forget(ctx, t, e.Account, ident.UserID(e.Target))
	return fault.Wrap("tenant.ForgetUser", err)
}
