package access

import (
	"context"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/fact"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/tx"
)

// This file is for the packages below access, whose nouns lead to records.

// Inside returns the Service with its units of work inside t.
func (s *Service) Inside(t tx.Tx) *Service {
	d := s.d
	d.Runner = tx.Join(t)
	return &Service{d: d}
}

// PutJudged puts a new record in force without asking whether the actor may give what it gives:
// whoever calls it has found another reason why the actor gets it. Everything else is as
// in CreateRecord.
func (s *Service) PutJudged(ctx context.Context, t tx.Tx, a actor.Actor, r Record) (Record, error) {
	if err := fact.Prepare(&r); err != nil {
		return Record{}, err
	}
	err := s.putNew(ctx, t, a, &r)
	return r, fault.Wrap("access.PutJudged", err)
}

// AllowGiving judges whether the actor may give now all that the record gives (I-14). Other
// than a record that is written, it must give something, and its roles must exist.
func (e *Engine) AllowGiving(a actor.Actor, r *Record) error {
	return e.judge(a, func(m *mayGive) error {
		roles, _ := r.References()
		for _, id := range roles {
			if m.role(id) == nil {
				return errTooMuch
			}
		}
		if err := m.record(nil, r); err != nil {
			return err
		}
		if !m.Asked() {
			return errTooMuch
		}
		return nil
	})
}

// AllowHolding judges whether the actor holds now the flag for the action on all that the
// resource names. The operator and Admit itself hold everything.
func (e *Engine) AllowHolding(a actor.Actor, f check.Flag, action string, resource *check.Resource) error {
	return e.allowHolding(a, heldNeed{action: action, flag: f}, resource)
}

// AllowHoldingOn is AllowHolding from now on and without an end, for what is given without an end.
func (e *Engine) AllowHoldingOn(a actor.Actor, f check.Flag, action string, resource *check.Resource) error {
	return e.allowHolding(a, heldNeed{action: action, flag: f, lasting: true}, resource)
}

// heldNeed is what somebody must hold: now, or lasting.
type heldNeed struct {
	action  string
	flag    check.Flag
	lasting bool
}

func (e *Engine) allowHolding(a actor.Actor, n heldNeed, resource *check.Resource) error {
	act, err := check.ParseAction(n.action)
	if err != nil {
		return fault.Wrap("access.AllowHolding", err)
	}
	return e.judge(a, func(m *mayGive) error {
		w := m.Now
		if n.lasting {
			w = check.Window{}.Rest(m.Now)
		}
		if !m.unbounded() && m.Holds(resource, &act, n.flag, w) != nil {
			return errForbidden
		}
		return nil
	})
}

// GivesAnything tells whether the actor may give anything at all to anybody.
func (e *Engine) GivesAnything(a actor.Actor) bool {
	gives := false
	err := e.judge(a, func(m *mayGive) error {
		m.Snap.Each(a.ID, func(h check.Held, role *check.Role) bool {
			for i := range role.Permissions {
				gives = gives || h.Window.Covers(m.Now) && role.Permissions[i].Flags&(check.Grant|check.Delegate) != 0
			}
			return !gives
		})
		return nil
	})
	return err == nil && (gives || a.Kind == actor.System || a.Kind == actor.Operator)
}
