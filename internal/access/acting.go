package access

import (
	"slices"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// AllowActing judges whether the actor may take the place of a subject, for example by
// making an access key for a service client: whoever holds the key has all that the client
// has, so the actor must be allowed to give all of it (I-14), and to read and change the records
// and groups that it is an admin of. Everybody may act as themselves.
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
		if err == nil {
			err = e.allowAdministering(a, ident.UserID(subject))
		}
		return fault.Wrap("access.AllowActing", err)
	})
}

// allowAdministering judges whether the actor may read and change, without an end, every record and
// group that the subject is an admin of.
func (e *Engine) allowAdministering(a actor.Actor, subject ident.UserID) error {
	if e.memory.administers == nil {
		return nil
	}
	of, err := e.memory.administers(a.Account, subject)
	if err != nil || len(of) == 0 {
		return err
	}
	own, err := e.memory.administers(a.Account, ident.UserID(a.ID))
	if err != nil {
		return err
	}
	for _, thing := range of {
		if _, found := slices.BinarySearch(own, thing); found {
			continue
		}
		for _, action := range []string{"READ", "UPDATE"} {
			if err := e.AllowLasting(a, action, thing); fault.Is(err, fault.Forbidden) {
				return errTooMuch
			} else if err != nil {
				return err
			}
		}
	}
	return nil
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
