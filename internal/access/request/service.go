package request

import (
	"context"
	"slices"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Deps is what the Service works with.
type Deps struct {
	Runner tx.Runner
	Store  Store
	Engine *access.Engine  // judges callers
	Access *access.Service // makes the records of approvals
}

// Service takes requests and decisions.
type Service struct{ d Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d: d} }

// The events.
const (
	EventCreated  = "access.request.created"
	EventApproved = "access.request.approved"
	EventDenied   = "access.request.denied"
	EventDeleted  = "access.request.deleted"
	EventUpdated  = "access.request.updated"
)

const kind = "AccessRequests"

var (
	errNotFound = fault.New(fault.NotFound, fault.CodeNotFound, "There is no such access request, or you may not see it.")
	errDecided  = fault.New(fault.Conflict, "AccessRequestDecided", "This access request is not open any more.")
	errTooMany  = fault.New(fault.Unprocessable, "TooManyAccessRequests",
		"Too many of your access requests wait for a decision, or you have made too many today. Withdraw some of them, or try again tomorrow.")
	errNotYours = fault.New(fault.Forbidden, fault.CodeForbidden, "Only open access requests can be withdrawn by those who made them.")
)

// Create makes a request. Everybody may ask for themselves; asking for others needs CREATE
// Authress:AccessRequests. Errors: Forbidden, Unprocessable.
func (s *Service) Create(ctx context.Context, a actor.Actor, r Request) (Request, error) {
	if len(r.Users) == 0 {
		return Request{}, fault.New(fault.Unprocessable, fault.CodeInvalidRequest, "access.users names those who shall get the access, as {userId}.")
	}
	most := MaxOpenPermitted
	if err := s.d.Engine.Allow(a, "CREATE", access.System(kind)); err != nil {
		own := len(r.Users) > 0 && !slices.ContainsFunc(r.Users, func(u ident.UserID) bool { return string(u) != a.ID })
		if !own || !fault.Is(err, fault.Forbidden) {
			return Request{}, err
		}
		most = MaxOpen
	}
	r.Users = slices.Compact(slices.Sorted(slices.Values(r.Users)))
	if err := r.Validate(); err != nil {
		return Request{}, err
	}
	r.ID, r.Status, r.By, r.DecidedBy, r.Record = ID(ident.New("req_")), Open, ident.UserID(a.ID), "", ""
	err := s.d.Runner.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		r.CreatedAt = next(t.Now(), r.CreatedAt)
		r.LastUpdated = r.CreatedAt
		if room, err := s.d.Store.Create(ctx, t, a.Account, r, most); err != nil {
			return err
		} else if !room {
			return errTooMany
		}
		return t.Emit(ctx, event.New(a, EventCreated, string(r.ID)))
	})
	return r, fault.Wrap("request.Create", err)
}

// Get returns a request, deleted ones too, to whoever made it, to whoever could give what it asks for, and
// to whoever may READ Authress:AccessRequests/{id}. Errors: NotFound, Forbidden.
func (s *Service) Get(ctx context.Context, a actor.Actor, id ID) (out Request, err error) {
	err = s.d.Runner.Read(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		out, err = s.find(ctx, t, a, id, "READ")
		return err
	})
	return out, fault.Wrap("request.Get", err)
}

// find reads a request and judges the caller. For READ its maker may too; for every action
// whoever could give what it asks for. Whether an id exists is told only to those who may do the action to it
// by its id.
func (s *Service) find(ctx context.Context, t tx.Tx, a actor.Actor, id ID, action string) (Request, error) {
	allowed := s.d.Engine.Allow(a, action, access.System(kind, string(id)))
	if allowed != nil && !fault.Is(allowed, fault.Forbidden) {
		return Request{}, allowed
	}
	r, err := s.d.Store.Get(ctx, t, a.Account, id)
	switch {
	case allowed == nil && fault.Is(err, fault.NotFound):
		return Request{}, errNotFound
	case allowed == nil:
		return r, err
	case err == nil && action == "READ" && r.madeBy(a), err == nil && s.gives(a, &r):
		return r, nil
	case err != nil && !fault.Is(err, fault.NotFound):
		return Request{}, err
	}
	return Request{}, allowed
}

func (r *Request) madeBy(a actor.Actor) bool { return a.ID != "" && string(r.By) == a.ID }

func (s *Service) gives(a actor.Actor, r *Request) bool {
	rec := r.record()
	return s.d.Engine.AllowGiving(a, &rec) == nil
}

// Decide approves or denies an open request. Denying needs UPDATE Authress:AccessRequests/{id}, or to be able to
// give what it asks for; approving needs the latter in any case. Errors: NotFound,
// Forbidden, Conflict AccessRequestDecided when it is not open any more, Unprocessable when it names a role
// that does not exist.
func (s *Service) Decide(ctx context.Context, a actor.Actor, id ID, status Status) (r Request, err error) {
	if status != Approved && status != Denied {
		return Request{}, fault.New(fault.Invalid, fault.CodeInvalidRequest, "status is APPROVED or DENIED.")
	}
	err = s.d.Runner.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		before, err := s.find(ctx, t, a, id, "UPDATE")
		if err != nil {
			return err
		}
		if before.Status != Open {
			return errDecided
		}
		r = before
		r.Status = status
		if status == Denied {
			return s.replace(ctx, t, a, &r, before, EventDenied)
		}
		r.Record = ident.RecordID(ident.New("rec_"))
		// First the decision, which only one can make, then what follows from it.
		if err := s.replace(ctx, t, a, &r, before, EventApproved, "record", string(r.Record)); err != nil {
			return err
		}
		_, err = s.d.Access.Inside(t).CreateRecord(ctx, a, r.record())
		return understood(err)
	})
	return r, fault.Wrap("request.Decide", err)
}

func (s *Service) replace(ctx context.Context, t tx.Tx, a actor.Actor, r *Request, before Request, kind string, detail ...string) error {
	if kind != EventUpdated {
		r.DecidedBy = a.String()
	}
	r.LastUpdated = next(t.Now(), before.LastUpdated)
	if won, err := s.d.Store.Replace(ctx, t, a.Account, *r, before); err != nil {
		return err
	} else if !won {
		return errDecided
	}
	return t.Emit(ctx, event.New(a, kind, string(r.ID), detail...))
}

// Delete withdraws a request. Its maker may while it is open; others need UPDATE
// Authress:AccessRequests/{id}. What an approval gave stays: it stands in the access record. Deleting a
// deleted one changes nothing.
func (s *Service) Delete(ctx context.Context, a actor.Actor, id ID) error {
	err := s.d.Runner.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		allowed := s.d.Engine.Allow(a, "UPDATE", access.System(kind, string(id)))
		if allowed != nil && !fault.Is(allowed, fault.Forbidden) {
			return allowed
		}
		before, err := s.d.Store.Get(ctx, t, a.Account, id)
		switch {
		case fault.Is(err, fault.NotFound) && allowed == nil:
			return errNotFound
		case fault.Is(err, fault.NotFound), err == nil && allowed != nil && !before.madeBy(a):
			return allowed
		case err != nil:
			return err
		case before.Status == Deleted:
			return nil
		case allowed != nil && before.Status != Open:
			return errNotYours
		}
		r := before
		r.Status = Deleted
		return s.replace(ctx, t, a, &r, before, EventDeleted)
	})
	return fault.Wrap("request.Delete", err)
}
