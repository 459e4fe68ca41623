package invite

import (
	"context"
	"strconv"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

// The events; the target is the invite's key.
const (
	EventCreated  = "invite.created"
	EventAccepted = "invite.accepted" // detail "record", when one was made or changed
	EventReserved = "invite.reserved" // detail "user"
	EventDeleted  = "invite.deleted"
	EventDropped  = "invite.dropped" // detail "count"; the target is who made or had them
)

const kept = 24 * time.Hour // after expiry

// Users finds people inside a unit of work. *user.Service does.
type Users interface {
	Find(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (user.User, error)
}

// Deps is what the service works with.
type Deps struct {
	DB     tx.Runner
	Store  Store
	Engine *access.Engine  // judges inviters
	Access *access.Service // makes the records
	Users  Users
	// Tenant tells from memory whether the account has a tenant.
	Tenant func(account ident.AccountID, id ident.TenantID) bool
}

// Service holds the verbs.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

var errTooMany = fault.New(fault.Unprocessable, "TooManyInvites", "Too many of your invites are open. Take some back, or wait until they are accepted or too old.")

var errNotFound = fault.New(fault.NotFound, fault.CodeNotFound, "There is no such invite, or it was used or is too old.")

// mayCreate asks for the administrator's right over invites, under either name.
func (s *Service) mayCreate(a actor.Actor) error {
	err := s.d.Engine.Allow(a, "CREATE", access.System("Invites"))
	if fault.Is(err, fault.Forbidden) && s.d.Engine.Allow(a, "Invites:Create", access.System("Invites")) == nil {
		return nil
	}
	return err
}

// mostOpen is how many open invites the actor may have, 0 for any number.
func (s *Service) mostOpen(a actor.Actor) (int, error) {
	switch a.Kind {
	case actor.Operator, actor.System:
		return 0, nil
	case actor.ServiceClient:
		return MaxOpenAdministrator, nil
	}
	err := s.mayCreate(a)
	if fault.Is(err, fault.Forbidden) {
		return MaxOpen, nil
	}
	return MaxOpenAdministrator, err
}

// judge asks whether the actor may give, now, what the invite gives, and whose id.
func (s *Service) judge(a actor.Actor, i Invite) error {
	if len(i.Statements) > 0 {
		r := i.record("", "")
		if err := s.d.Engine.AllowGiving(a, &r); err != nil {
			return err
		}
	}
	if i.LinkedUser == "" {
		return nil
	}
	// Records may name the id already: whoever gets it gets all that.
	if err := s.mayCreate(a); err != nil {
		return err
	}
	return s.d.Engine.AllowActing(a, string(i.LinkedUser))
}

// Create makes an invite in the actor's account and returns its id, which is kept nowhere. The
// actor must be able to give what it gives; one that gives nothing, that names a user id, or
// that does not live for DefaultLife needs CREATE Authress:Invites. A zero ExpiresAt means
// DefaultLife. Errors: Invalid, Unprocessable (also for one open invite too many), TooLarge, Forbidden, Conflict for a user who exists.
func (s *Service) Create(ctx context.Context, a actor.Actor, i Invite) (Invite, secret.Text, error) {
	if i.Strategy == "" {
		i.Strategy = NewRecord
	}
	if err := i.validate(); err != nil {
		return Invite{}, secret.Text{}, err
	}
	if err := s.judge(a, i); err != nil {
		return Invite{}, secret.Text{}, err
	}
	if len(i.Statements) == 0 || !i.ExpiresAt.IsZero() {
		if err := s.mayCreate(a); err != nil {
			return Invite{}, secret.Text{}, err
		}
	}
	if i.Tenant != "" && !s.d.Tenant(a.Account, i.Tenant) {
		return Invite{}, secret.Text{}, fault.New(fault.Invalid, "InvalidTenant", "There is no tenant with the id of defaultLoginTenantId.")
	}
	most, err := s.mostOpen(a)
	if err != nil {
		return Invite{}, secret.Text{}, err
	}
	id := secret.Random("inv_")
	i.Account, i.Hash, i.ReservedBy, i.AcceptedBy = a.Account, hashOf(id), "", ""
	i.By = actor.Actor{Kind: a.Kind, Account: a.Account, ID: a.ID}
	err = s.d.DB.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		i.CreatedAt = t.Now()
		if i.ExpiresAt.IsZero() {
			i.ExpiresAt = t.Now().Add(DefaultLife)
		}
		if left := i.ExpiresAt.Sub(t.Now()); left < MinLife || left > MaxLife {
			return invalid("expiryTime is 5 minutes to 30 days from now.")
		}
		if i.LinkedUser != "" {
			_, err := s.d.Users.Find(ctx, t, a.Account, i.LinkedUser)
			if err == nil {
				return fault.New(fault.Conflict, fault.CodeConflict, "There is a user with the id of linkedUserId. It is for people who sign up.")
			}
			if !fault.Is(err, fault.NotFound) {
				return err
			}
		}
		if room, err := s.d.Store.Insert(ctx, t, i, most); err != nil {
			return err
		} else if !room {
			return errTooMany
		}
		return t.Emit(ctx, event.New(a, EventCreated, i.Key()))
	})
	return i, id, fault.Wrap("invite.Create", err)
}

// Get returns an open invite to whoever made it and to whoever may READ Authress:Invites. Errors:
// NotFound, Forbidden.
func (s *Service) Get(ctx context.Context, a actor.Actor, id secret.Text) (out Invite, err error) {
	err = s.d.DB.Read(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		out, err = s.find(ctx, t, a, id, "READ")
		return err
	})
	return out, fault.Wrap("invite.Get", err)
}

// Delete takes an open invite away, for whoever made it and whoever may UPDATE Authress:Invites.
func (s *Service) Delete(ctx context.Context, a actor.Actor, id secret.Text) error {
	err := s.d.DB.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		i, err := s.find(ctx, t, a, id, "UPDATE")
		if err != nil {
			return err
		}
		if ok, err := s.d.Store.Delete(ctx, t, a.Account, i.Hash); err != nil {
			return err
		} else if !ok {
			return errNotFound
		}
		return t.Emit(ctx, event.New(a, EventDeleted, i.Key()))
	})
	return fault.Wrap("invite.Delete", err)
}

func (s *Service) find(ctx context.Context, t tx.Tx, a actor.Actor, id secret.Text, action string) (Invite, error) {
	allowed := s.d.Engine.Allow(a, action, access.System("Invites"))
	if allowed != nil && !fault.Is(allowed, fault.Forbidden) {
		return Invite{}, allowed
	}
	i, err := s.d.Store.Get(ctx, t, a.Account, hashOf(id))
	switch {
	case fault.Is(err, fault.NotFound), err == nil && !i.open(t.Now()):
		return Invite{}, errNotFound
	case err != nil:
		return Invite{}, err
	case allowed == nil, i.By.Kind == a.Kind && i.By.ID == a.ID && a.ID != "":
		return i, nil
	}
	return Invite{}, allowed
}

// ForgetActor reacts to the end of a person or a service client: what they made and nobody accepted
// is void, and what they accepted is forgotten.
func (s *Service) ForgetActor(kind actor.Kind) tx.Handler {
	return func(ctx context.Context, t tx.Tx, e event.Event) error {
		n, err := s.d.Store.Forget(ctx, t, e.Account, actor.Actor{Kind: kind, Account: e.Account, ID: e.Target})
		if err != nil || n == 0 {
			return fault.Wrap("invite.ForgetActor", err)
		}
		return t.Emit(ctx, event.New(e.Actor, EventDropped, e.Target, "count", strconv.FormatInt(n, 10)))
	}
}

// Purge deletes up to limit invites that have been too old for a while.
func (s *Service) Purge(ctx context.Context, limit int) (n int64, err error) {
	err = s.d.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		n, err = s.d.Store.Purge(ctx, t, t.Now().Add(-kept), limit)
		return err
	})
	return n, err
}
