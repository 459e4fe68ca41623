package consent

import (
	"context"
	"math"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth"
)

// maxList bounds what a program gets in one answer.
const maxList = 200

// maxClient is how long the id of a client may be, in bytes.
const maxClient = 2048

// Service holds the verbs of consent.
type Service struct {
	db    tx.Runner
	store Store
}

// New makes the service.
func New(db tx.Runner, store Store) *Service { return &Service{db, store} }

// Needed tells whether the person must be asked before the client gets what a holds: the client is
// one that people are asked for, and no earlier answer covers all of it.
func (s *Service) Needed(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, c oauth.Client, a oauth.Authorization) (bool, error) {
	if !Asked(c) {
		return false, nil
	}
	asked, err := answerOf(a)
	if err != nil {
		return true, err
	}
	have, err := s.store.Get(ctx, t, account, user, c.ID)
	if fault.Is(err, fault.NotFound) {
		return true, nil
	}
	if err != nil {
		return true, err
	}
	for _, answer := range have.Answers {
		if answer.covers(asked) {
			return false, nil
		}
	}
	return true, nil
}

// Allow remembers that the person, who is a.User, allowed the client what a holds.
func (s *Service) Allow(ctx context.Context, t tx.Tx, v login.Visit, c oauth.Client, a oauth.Authorization) error {
	if a.User == "" || a.Account == "" || a.Account != c.Account {
		return fault.New(fault.Internal, fault.CodeInternal, "A consent needs a person and a client of one account.")
	}
	answer, err := answerOf(a)
	if err != nil {
		return err
	}
	answer.At = t.Now()
	have, err := s.store.Lock(ctx, t, a.Account, a.User, c.ID)
	if fault.Is(err, fault.NotFound) {
		have, err = Consent{Account: a.Account, User: a.User, Client: c.ID, CreatedAt: t.Now()}, nil
	}
	if err != nil {
		return err
	}
	have.Answers, have.Name, have.UpdatedAt = add(have.Answers, answer), c.Name, t.Now()
	if err := s.store.Put(ctx, t, have); err != nil {
		return err
	}
	by := v.Actor
	by.Kind, by.Account, by.ID = actor.User, a.Account, string(a.User)
	return t.Emit(ctx, event.New(by, EventAllowed, c.ID, "user", string(a.User)))
}

// List returns what a person has allowed, the newest first, at most 200.
func (s *Service) List(ctx context.Context, account ident.AccountID, user ident.UserID) ([]Consent, error) {
	return s.list(ctx, account, user, maxList)
}

// All is List without a bound, for the person themselves: each of them has cost a press of a button, and the one that is
// not shown could not be withdrawn.
func (s *Service) All(ctx context.Context, account ident.AccountID, user ident.UserID) ([]Consent, error) {
	return s.list(ctx, account, user, math.MaxInt32)
}

func (s *Service) list(ctx context.Context, account ident.AccountID, user ident.UserID, limit int) (all []Consent, err error) {
	err = s.db.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		all, err = s.store.List(ctx, t, account, user, limit)
		return err
	})
	return all, fault.Wrap("consent.List", err)
}

// Withdraw forgets what a person has allowed a client, and with it everything that the client holds
// of theirs: see the subscribers of EventWithdrawn. NotFound when there is nothing.
func (s *Service) Withdraw(ctx context.Context, by actor.Actor, user ident.UserID, client string) error {
	if user == "" || client == "" || len(client) > maxClient {
		return errNone
	}
	err := s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		there, err := s.store.Delete(ctx, t, by.Account, user, client)
		if err != nil {
			return err
		}
		if !there {
			return errNone
		}
		return t.Emit(ctx, event.New(by, EventWithdrawn, client, "user", string(user)))
	})
	return fault.Wrap("consent.Withdraw", err)
}

var errNone = fault.New(fault.NotFound, fault.CodeNotFound, "This person has allowed that client nothing.")

// ForgetUser reacts to the end of a person.
func (s *Service) ForgetUser(ctx context.Context, t tx.Tx, e event.Event) error {
	return s.store.DeleteUser(ctx, t, e.Account, ident.UserID(e.Target))
}

// ForgetClient reacts to the end of a client.
func (s *Service) ForgetClient(ctx context.Context, t tx.Tx, e event.Event) error {
	return s.store.DeleteClient(ctx, t, e.Account, e.Target)
}
