package access

import (
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// AllowActing judges whether the actor may take the place of a subject, for example by
// making an access key for a service client: whoever holds the key has all that the client
// has, so the actor must be allowed to give all of it (I-14). Everybody may act as themselves.
func (e *Engine) AllowActing(a actor.Actor, subject string) error {
	return e.judge(a, func(m *mayGive) (err error) {
		if a.ID == subject {
			return nil
		}
		snap, err := e.at(a.Account, ident.UserID(subject))
		if err != nil {
			return err
		}
		snap.Each(subject, func(h check.Held, role *check.Role) bool {
			var resource check.Resource
			if resource, err = check.ParseResource(h.Text()); err == nil {
				err = m.Permissions(role.Permissions, &resource, h.Window)
			}
			return err == nil
		})
		return fault.Wrap("access.AllowActing", err)
	})
}

// AllowActingAsAnyone judges whether the actor may hand out the power to sign in as any
// user, owners included: only who may give everything, without end, may give that.
func (e *Engine) AllowActingAsAnyone(a actor.Actor) error {
	return e.judge(a, func(m *mayGive) error {
		everything, err := check.ParseResource("*")
		if err != nil {
			return fault.Wrap("access.AllowActingAsAnyone", err)
		}
		if !m.GivesAll(&everything, check.Window{}.Rest(m.Now)) {
			return errTooMuch
		}
		return nil
	})
}

func (e *Engine) judge(a actor.Actor, fn func(*mayGive) error) error {
	switch a.Kind {
	case actor.System, actor.Operator:
		return nil
	case actor.User, actor.ServiceClient:
	default:
		return errAnonymous
	}
	if !e.fresh() {
		return errStale
	}
	m := e.mayGive(a)
	if m.Failed != nil {
		return m.Failed
	}
	return fn(m)
}

// AllowLasting judges whether the actor may do the action to the resource from now on and without
// an end. It is for powers that last and that whoever has them may hand out (I-14).
func (e *Engine) AllowLasting(a actor.Actor, action, resource string) error {
	r, err := check.ParseResource(resource)
	if err != nil {
		return fault.Wrap("access.AllowLasting", err)
	}
	return e.AllowHoldingOn(a, check.Allow, action, &r)
}
