package request

import (
	"context"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// The work that one page may cost when every request must be judged.
const (
	maxScanned = 200    // requests that are looked at
	maxJudged  = 20_000 // roles on resources that are judged
)

// The two parts of the list of somebody who may not read every request: what they asked for
// themselves, then what they could give.
const (
	own   = "own:"
	gives = "gives:"
)

// List returns requests with the status, or all that are not deleted, and where the list goes on, or "". Who
// may READ Authress:AccessRequests/* gets all; others what they asked for and what they could
// give. A page may then have fewer than limit and still go on.
func (s *Service) List(ctx context.Context, a actor.Actor, status Status, after string, limit int) (out []Request, more string, err error) {
	switch status {
	case "", Open, Approved, Denied, Deleted:
	default:
		return nil, "", fault.New(fault.Invalid, fault.CodeInvalidRequest, "status is OPEN, APPROVED, DENIED or DELETED.")
	}
	all := s.d.Engine.Allow(a, "READ", access.System(kind, "*"))
	if all != nil && !fault.Is(all, fault.Forbidden) {
		return nil, "", all
	}
	q := Query{Status: status, Limit: limit + 1}
	err = s.d.Runner.Read(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		if all == nil {
			q.After = ID(after)
			out, more, err = s.page(ctx, t, a, q, "")
			return err
		}
		if rest, giving := strings.CutPrefix(after, gives); giving {
			q.After = ID(rest)
		} else {
			q.By, q.After = ident.UserID(a.ID), ID(strings.TrimPrefix(after, own))
			if out, more, err = s.page(ctx, t, a, q, own); err != nil || more != "" {
				return err
			}
			q.By, q.After = "", ""
		}
		if !s.d.Engine.GivesAnything(a) {
			return nil
		}
		var given []Request
		given, more, err = s.givable(ctx, t, a, q, limit-len(out))
		out = append(out, given...)
		return err
	})
	return out, more, fault.Wrap("request.List", err)
}

// page reads one page; q.Limit is one more than the page has.
func (s *Service) page(ctx context.Context, t tx.Tx, a actor.Actor, q Query, part string) ([]Request, string, error) {
	list, err := s.d.Store.List(ctx, t, a.Account, q)
	if err != nil || len(list) < q.Limit {
		return list, "", err
	}
	list = list[:q.Limit-1]
	return list, part + string(list[len(list)-1].ID), nil
}

// givable lists what others asked for and the actor could give, within a bound of work.
func (s *Service) givable(ctx context.Context, t tx.Tx, a actor.Actor, q Query, limit int) (out []Request, more string, err error) {
	q.NotBy, q.Limit = ident.UserID(a.ID), maxScanned
	list, err := s.d.Store.List(ctx, t, a.Account, q)
	if err != nil {
		return nil, "", err
	}
	at, judged := q.After, 0
	for i := range list {
		if len(out) >= limit || judged > maxJudged {
			return out, gives + string(at), nil
		}
		r := &list[i]
		for k := range r.Statements {
			judged += len(r.Statements[k].Roles) * len(r.Statements[k].Resources)
		}
		if s.gives(a, r) {
			out = append(out, *r)
		}
		at = r.ID
	}
	if len(list) == maxScanned {
		more = gives + string(at)
	}
	return out, more, nil
}

// ForgetUser is the reaction to the event "user.deleted": what the user asked for is withdrawn, and nothing is
// asked for them any more.
func (s *Service) ForgetUser(ctx context.Context, t tx.Tx, e event.Event) error {
	user := ident.UserID(e.Target)
	a := e.Actor
	a.Account = e.Account
	for q := (Query{Status: Every, Person: user, Limit: maxScanned}); ; {
		list, err := s.d.Store.List(ctx, t, e.Account, q)
		if err != nil {
			return fault.Wrap("request.ForgetUser", err)
		}
		for _, before := range list {
			if err := s.forget(ctx, t, a, before, user); err != nil {
				return fault.Wrap("request.ForgetUser", err)
			}
			q.After = before.ID
		}
		if len(list) < q.Limit {
			return nil
		}
	}
}

func (s *Service) forget(ctx context.Context, t tx.Tx, a actor.Actor, before Request, user ident.UserID) error {
	r, kind := before, EventUpdated
	r.Users = slices.DeleteFunc(slices.Clone(before.Users), func(u ident.UserID) bool { return u == user })
	if before.By == user {
		r.By = ""
	}
	if before.Status == Open && (before.By == user || len(r.Users) == 0) {
		r.Status, kind = Deleted, EventDeleted
	}
	return s.replace(ctx, t, a, &r, before, kind)
}
