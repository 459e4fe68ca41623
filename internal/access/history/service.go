package history

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Deps is what the Service works with.
type Deps struct {
	Runner tx.Runner
	Store  Store
	Engine *access.Engine // judges who may ask
}

// Service answers from the database. In all of its verbs a zero time means now: the answer then is
// never older than the call, on any node.
type Service struct{ d Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d: d} }

// Ahead is how far a time may lie in the future: clocks differ. It then means now.
const Ahead = 5 * time.Second

// asked is a question in canonical form.
type asked struct {
	user     ident.UserID
	resource check.Resource
	action   check.Action
}

func read(q Question) (out asked, err error) {
	out.user = q.User
	if out.resource, err = check.ParseResource(q.Resource); err != nil {
		return out, err
	}
	out.action, err = check.ParseAction(q.Action)
	return out, err
}

func (q *asked) question(at time.Time) *check.Question {
	var out check.Question
	out.Ask(&q.resource, &q.action, check.Allow)
	out.During = check.At(at)
	return &out
}

// Check tells whether the user might do the action at the time. Who may ask is as in Explain.
// Errors: Invalid for a resource or action without a canonical form, and for a time before the
// history begins or in the future; Forbidden, Unauthenticated.
func (s *Service) Check(ctx context.Context, a actor.Actor, q Question, at time.Time) (bool, error) {
	if err := s.d.Engine.AllowAsking(a, q.User); err != nil {
		return false, err
	}
	ask, err := read(q)
	if err != nil {
		return false, err
	}
	allowed := false
	err = s.at(ctx, a.Account, at, func(ctx context.Context, sc *scene) error {
		return sc.person(ctx, &ask, func(p *part) bool {
			allowed = p.snap.Check(string(ask.user), ask.question(sc.time))
			return !allowed
		})
	})
	return allowed, fault.Wrap("history.Check", err)
}

// at runs fn with what the database holds about the time.
func (s *Service) at(ctx context.Context, account ident.AccountID, at time.Time, fn func(context.Context, *scene) error) error {
	return s.d.Runner.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		start, err := s.d.Store.Begin(ctx, t)
		if err != nil {
			return err
		}
		now := t.Now()
		sc := &scene{
			store: s.d.Store, tx: t, account: account, at: InForce, time: now, revision: start.Revision,
			roles: map[ident.RoleID]*check.Role{}, groups: map[ident.GroupID][]string{}, known: map[ident.GroupID][]string{},
		}
		switch {
		case at.IsZero():
		case at.After(now.Add(Ahead)):
			return fault.New(fault.Invalid, fault.CodeInvalidRequest, "The time of the question lies in the future.")
		case at.Before(start.Began):
			return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "The history begins at %s. Nothing is known about the time before.",
				start.Began.UTC().Format(time.RFC3339))
		case at.Before(now):
			sc.at, sc.time = at.UnixMicro(), at.UTC()
		}
		return fn(ctx, sc)
	})
}
