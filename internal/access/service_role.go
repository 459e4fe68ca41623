package access

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/fact"
	"github.com/admit-id/admit/internal/access/give"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

var errBuiltin = fault.New(fault.Forbidden, fault.CodeForbidden, "Built-in roles cannot be changed.")

// CreateRole makes a role. Without an id it gets a random one. If records already name the id, the
// caller must be able to give its permissions on all their resources.
// Errors: Conflict RoleAlreadyExists, Forbidden, those of Validate.
func (s *Service) CreateRole(ctx context.Context, a actor.Actor, r Role) (Role, error) {
	if r.ID == "" {
		r.ID = ident.RoleID(ident.New("ro_"))
	}
	if err := s.d.Engine.Allow(a, "CREATE", System("Roles")); err != nil {
		return Role{}, err
	}
	exists := fault.New(fault.Conflict, "RoleAlreadyExists", "A role with this id exists.")
	if Builtin(r.ID) {
		return Role{}, exists
	}
	if err := r.Validate(); err != nil {
		return Role{}, err
	}
	err := s.writeCaughtUp(ctx, a, func(ctx context.Context, t tx.Tx) error {
		if err := s.judgeRole(ctx, t, a, nil, &r); err != nil {
			return err
		}
		r.CreatedAt, r.LastUpdated = t.Now(), t.Now()
		if free, err := s.d.Roles.Create(ctx, t, a.Account, r); err != nil {
			return err
		} else if !free {
			return exists
		}
		return s.roleChanged(ctx, t, a, r.ID, "access.role.created")
	})
	return r, fault.Wrap("access.CreateRole", err)
}

// errBehind says that a change cannot be judged now: a record or role has changed, and memory, which
// knows where roles are in use and what groups have, has not followed yet.
var errBehind = fault.New(fault.Unavailable, fault.CodeUnavailable, "Too many changes at the same time. Try again in a moment.")

// judgeRole refuses a role that gains what the caller may not give. The caller of this
// keeps the role locked, so no record that is being written names it meanwhile.
func (s *Service) judgeRole(ctx context.Context, t tx.Tx, a actor.Actor, before, after *Role) error {
	var old *check.Role
	if before != nil {
		old = before.Compiled()
	}
	gained := give.Added(old, after.Compiled())
	if len(gained) == 0 {
		return nil
	}
	m, err := s.mayGiveNow(ctx, t, a, ChangeRecord)
	if m == nil || err != nil {
		return err
	}
	return m.roleChange(ctx, t, after.ID, gained)
}

// mayGiveNow returns the judge of an actor over a memory that has every change of the kinds that the
// unit of work sees, errBehind when it has not, and nil for who may give everything.
func (s *Service) mayGiveNow(ctx context.Context, t tx.Tx, a actor.Actor, kinds ...string) (*mayGive, error) {
	applied := s.d.Engine.applied.Load() // before what the judge looks at
	m, everything := s.d.Engine.mayGive(a), check.Everything()
	if m.unbounded() || m.GivesAll(&everything, check.Window{}.Rest(m.Now)) {
		return nil, nil
	}
	for _, kind := range kinds {
		behind, err := s.d.Records.ChangedSince(ctx, t, a.Account, kind, applied)
		if err != nil {
			return nil, err
		}
		if behind {
			return nil, errBehind
		}
	}
	return m, nil
}

// writeCaughtUp runs a unit of work again while memory is behind, for up to about a second.
func (s *Service) writeCaughtUp(ctx context.Context, a actor.Actor, fn func(context.Context, tx.Tx) error) error {
	for wait := time.Millisecond; ; wait *= 2 {
		err := s.d.Runner.Write(ctx, tx.In(a.Account), fn)
		if !errors.Is(err, errBehind) || wait > 500*time.Millisecond {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Service) roleChanged(ctx context.Context, t tx.Tx, a actor.Actor, id ident.RoleID, kind string) error {
	t.Changed(ChangeRole, a.Account, string(id))
	return t.Emit(ctx, event.New(a, kind, string(id)))
}

// GetRole returns a role, the built-in ones too. Errors: NotFound, Forbidden.
func (s *Service) GetRole(ctx context.Context, a actor.Actor, id ident.RoleID) (Role, error) {
	if err := s.d.Engine.Allow(a, "READ", System("Roles", string(id))); err != nil {
		return Role{}, err
	}
	if r, ok := fact.BuiltinRole(id); ok {
		return r, nil
	}
	var out Role
	err := s.d.Runner.Read(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		var err error
		out, err = s.d.Roles.Get(ctx, t, a.Account, id)
		return err
	})
	return out, fault.Wrap("access.GetRole", err)
}

// ReplaceRole changes a role. Whoever has it gets what it gains, so the caller must be able to give
// that on every resource on which somebody has it.
func (s *Service) ReplaceRole(ctx context.Context, a actor.Actor, r Role) (Role, error) {
	if err := s.d.Engine.Allow(a, "UPDATE", System("Roles", string(r.ID))); err != nil {
		return Role{}, err
	}
	if Builtin(r.ID) {
		return Role{}, errBuiltin
	}
	if err := r.Validate(); err != nil {
		return Role{}, err
	}
	err := s.writeCaughtUp(ctx, a, func(ctx context.Context, t tx.Tx) error {
		old, err := s.d.Roles.Lock(ctx, t, a.Account, r.ID, true)
		if err != nil {
			return err
		}
		if err := s.judgeRole(ctx, t, a, &old, &r); err != nil {
			return err
		}
		r.CreatedAt, r.LastUpdated = old.CreatedAt, t.Now()
		if found, err := s.d.Roles.Replace(ctx, t, a.Account, r); err != nil {
			return err
		} else if !found {
			return errNotFound
		}
		return s.roleChanged(ctx, t, a, r.ID, "access.role.updated")
	})
	return r, fault.Wrap("access.ReplaceRole", err)
}

// DeleteRole removes a role. Records that name it stay as they are and give less.
func (s *Service) DeleteRole(ctx context.Context, a actor.Actor, id ident.RoleID) error {
	if err := s.d.Engine.Allow(a, "UPDATE", System("Roles", string(id))); err != nil {
		return err
	}
	if Builtin(id) {
		return errBuiltin
	}
	err := s.d.Runner.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		if found, err := s.d.Roles.Delete(ctx, t, a.Account, id); err != nil {
			return err
		} else if !found {
			return errNotFound
		}
		return s.roleChanged(ctx, t, a, id, "access.role.deleted")
	})
	return fault.Wrap("access.DeleteRole", err)
}

// ListRoles returns roles in order of their ids, without the built-in ones.
func (s *Service) ListRoles(ctx context.Context, a actor.Actor, p Page) (out []Role, more bool, err error) {
	if err := s.d.Engine.Allow(a, "READ", System("Roles", "*")); err != nil {
		return nil, false, err
	}
	p.Filter = strings.ToLower(p.Filter)
	ask := p
	ask.Limit++
	err = s.d.Runner.Read(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		out, err = s.d.Roles.List(ctx, t, a.Account, ask)
		return err
	})
	if len(out) > p.Limit {
		out, more = out[:p.Limit], true
	}
	return out, more, fault.Wrap("access.ListRoles", err)
}
