package access

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access/fact"
	"github.com/admit-id/admit/internal/access/form"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// CreateGroup makes a group. Without an id it gets a random one; without admins the caller
// becomes its admin. If records already name the id, the caller must be able to give its
// members what they say. Errors: Conflict GroupAlreadyExists, Forbidden, those of Validate.
func (s *Service) CreateGroup(ctx context.Context, a actor.Actor, g Group) (Group, error) {
	if g.ID == "" {
		g.ID = ident.GroupID(ident.New(fact.GroupPrefix))
	}
	if err := s.d.Engine.Allow(a, "CREATE", System("Groups")); err != nil {
		return Group{}, err
	}
	if err := prepareGroup(a, &g); err != nil {
		return Group{}, err
	}
	err := s.writeCaughtUp(ctx, a, func(ctx context.Context, t tx.Tx) error {
		if err := s.judgeGroup(ctx, t, a, nil, &g); err != nil {
			return err
		}
		g.CreatedAt, g.LastUpdated = t.Now(), fact.Next(t.Now(), time.Time{})
		if free, err := s.d.Groups.Create(ctx, t, a.Account, g); err != nil {
			return err
		} else if !free {
			return fault.New(fault.Conflict, "GroupAlreadyExists", "A group with this id exists.")
		}
		return s.groupChanged(ctx, t, a, g.ID, "access.group.created")
	})
	return g, fault.Wrap("access.CreateGroup", err)
}

func prepareGroup(a actor.Actor, g *Group) error {
	if len(g.Admins) == 0 && (a.Kind == actor.User || a.Kind == actor.ServiceClient) {
		g.Admins = []ident.UserID{ident.UserID(a.ID)}
	}
	g.Users, g.Admins = form.Unique(g.Users), form.Unique(g.Admins)
	return g.Validate()
}

// judgeGroup refuses people who join, when the group has more than the caller may give. What another
// node has given the group, or a role of it, before the join began counts.
func (s *Service) judgeGroup(ctx context.Context, t tx.Tx, a actor.Actor, before, after *Group) error {
	joins := func(u ident.UserID) bool { return before == nil || !slices.Contains(before.Users, u) }
	if !slices.ContainsFunc(after.Users, joins) {
		return nil
	}
	m, err := s.mayGiveNow(ctx, t, a, ChangeRecord, ChangeRole)
	if m == nil || err != nil {
		return err
	}
	return m.group(ctx, t, after.ID)
}

func (s *Service) groupChanged(ctx context.Context, t tx.Tx, a actor.Actor, id ident.GroupID, kind string) error {
	t.Changed(ChangeGroup, a.Account, string(id))
	return t.Emit(ctx, event.New(a, kind, string(id)))
}

// GetGroup returns a group to its admins and to whoever may READ it.
func (s *Service) GetGroup(ctx context.Context, a actor.Actor, id ident.GroupID) (Group, error) {
	var out Group
	err := s.d.Runner.Read(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		var err error
		out, err = s.groupFor(ctx, t, a, id, "READ")
		return err
	})
	return out, fault.Wrap("access.GetGroup", err)
}

func (s *Service) groupFor(ctx context.Context, t tx.Tx, a actor.Actor, id ident.GroupID, action string) (Group, error) {
	allowed := s.d.Engine.Allow(a, action, System("Groups", string(id)))
	if allowed != nil && !fault.Is(allowed, fault.Forbidden) {
		return Group{}, allowed
	}
	g, err := s.d.Groups.Get(ctx, t, a.Account, id)
	switch {
	case allowed == nil && fault.Is(err, fault.NotFound):
		return Group{}, errNotFound
	case allowed == nil:
		return g, err
	case err == nil && a.ID != "" && slices.Contains(g.Admins, ident.UserID(a.ID)):
		return g, nil
	case err != nil && !fault.Is(err, fault.NotFound):
		return Group{}, err
	}
	return Group{}, allowed
}

// ReplaceGroup changes a group. Since is as in ReplaceRecord.
func (s *Service) ReplaceGroup(ctx context.Context, a actor.Actor, g Group, since time.Time) (Group, error) {
	if err := prepareGroup(a, &g); err != nil {
		return Group{}, err
	}
	err := s.writeCaughtUp(ctx, a, func(ctx context.Context, t tx.Tx) error {
		old, err := s.groupFor(ctx, t, a, g.ID, "UPDATE")
		if err != nil {
			return err
		}
		if err := fact.UnchangedSince(old.LastUpdated, since); err != nil {
			return err
		}
		if err := s.judgeGroup(ctx, t, a, &old, &g); err != nil {
			return err
		}
		g.CreatedAt, g.LastUpdated = old.CreatedAt, fact.Next(t.Now(), old.LastUpdated)
		if won, err := s.d.Groups.Replace(ctx, t, a.Account, g, old.LastUpdated); err != nil {
			return err
		} else if !won {
			return errRaced
		}
		return s.groupChanged(ctx, t, a, g.ID, "access.group.updated")
	})
	return g, fault.Wrap("access.ReplaceGroup", err)
}

// DeleteGroup removes a group; its members lose what they had through it.
func (s *Service) DeleteGroup(ctx context.Context, a actor.Actor, id ident.GroupID) error {
	err := s.d.Runner.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		if _, err := s.groupFor(ctx, t, a, id, "UPDATE"); err != nil {
			return err
		}
		if found, err := s.d.Groups.Delete(ctx, t, a.Account, id); err != nil {
			return err
		} else if !found {
			return errNotFound
		}
		return s.groupChanged(ctx, t, a, id, "access.group.deleted")
	})
	return fault.Wrap("access.DeleteGroup", err)
}

// ListGroups returns groups in order of their ids.
func (s *Service) ListGroups(ctx context.Context, a actor.Actor, p Page) (out []Group, more bool, err error) {
	if err := s.d.Engine.Allow(a, "READ", System("Groups", "*")); err != nil {
		return nil, false, err
	}
	p.Filter = strings.ToLower(p.Filter)
	ask := p
	ask.Limit++
	err = s.d.Runner.Read(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		out, err = s.d.Groups.List(ctx, t, a.Account, ask)
		return err
	})
	if len(out) > p.Limit {
		out, more = out[:p.Limit], true
	}
	return out, more, fault.Wrap("access.ListGroups", err)
}
