package password

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// The events; the target is the person.
const (
	EventSet      = "password.set"      // detail "first" when there was none before
	EventRemoved  = "password.removed"  // by the person, or with a recovery
	EventImported = "password.imported" // detail "algorithm"
	// EventRefused: a wrong one; the target is empty for an address that nobody has. Detail "paused"
	// when no more are taken for now.
	EventRefused = "password.refused"
)

// The limits of wrong passwords per person or unknown address, over all logins and browsers. They hold
// nobody up who comes with anything else, and a device that the person used before has its own (DOS-08).
var (
	HourLimit = ratelimit.Rule{Count: 20, Per: time.Hour}
	DayLimit  = ratelimit.Rule{Count: 80, Per: 24 * time.Hour}
)

const (
	hourName = "password/wrong"
	dayName  = "password/wrong/day"
)

// Service sets and verifies passwords. Prepare and Verify run outside of units of work.
type Service struct {
	d      Deps
	limits ratelimit.Store
}

// Deps is what the service needs.
type Deps struct {
	DB       tx.Runner
	Store    Store
	Keys     *crypt.Keys
	Pool     *Pool
	Breaches Breaches // nil: no list is configured
}

// New makes the service.
func New(d Deps) *Service { return &Service{d: d} }

// Choice is a password that a person wants.
type Choice struct {
	Password secret.Text
	// Second tells whether the person has a second factor, with which a shorter one is enough.
	Second bool
	// Context are words of the place and the person that it must not be made of: names of the
	// account and the application, addresses.
	Context []string
}

// Prepared is a password that may be kept.
type Prepared struct {
	hash  string
	short bool
}

// Short tells whether the password is good enough together with a second factor only.
func (p Prepared) Short() bool { return p.short }

// ErrShort is a password that is good enough together with a second factor only, of somebody who has none.
var ErrShort = refused(Short)

// Prepare judges a password and hashes it. The error is a *Refused when it is not good enough, of kind
// Unavailable when it cannot be judged now, and Limited when it cannot be hashed now. It must not be called inside a unit of work.
func (s *Service) Prepare(ctx context.Context, c Choice) (Prepared, error) {
	text, err := judge(c)
	if err != nil {
		return Prepared{}, err
	}
	if s.d.Breaches != nil {
		found, err := s.d.Breaches.Found(ctx, text)
		switch {
		case err != nil:
			return Prepared{}, fault.New(fault.Unavailable, fault.CodeUnavailable, "The password cannot be checked now. Try again in a moment.").With(err)
		case found:
			return Prepared{}, refused(Breached)
		}
	}
	h, err := s.d.Pool.Hash(ctx, text)
	return Prepared{h, short(text)}, err
}

// Put keeps a prepared password, in the caller's unit of work, in place of the one before.
func (s *Service) Put(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, p Prepared) error {
	if p.hash == "" {
		return fault.New(fault.Internal, fault.CodeInternal, "A password that was not prepared.")
	}
	before, err := s.Held(ctx, t, by.Account, user)
	if err != nil {
		return err
	}
	next := fresh(by.Account, user, t.Now())
	next.Short = p.short
	if err := s.d.Store.Put(ctx, t, s.seal(next, p.hash)); err != nil {
		return err
	}
	e := event.New(by, EventSet, string(user))
	if !before {
		e = event.New(by, EventSet, string(user), "first", "true")
	}
	return t.Emit(ctx, e)
}

// Held tells whether a person has a password.
func (s *Service) Held(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (bool, error) {
	_, err := s.d.Store.Get(ctx, t, account, user)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Short tells whether a person has a password that is good enough together with a second factor only.
func (s *Service) Short(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (bool, error) {
	kept, err := s.d.Store.Get(ctx, t, account, user)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return kept.Short, err
}

// Remove deletes a person's password. A fault of kind NotFound when there is none.
func (s *Service) Remove(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID) error {
	if err := s.d.Store.Remove(ctx, t, by.Account, user); err != nil {
		return fault.Wrap("password.Remove", err)
	}
	return t.Emit(ctx, event.New(by, EventRemoved, string(user)))
}

// RemoveSince is Remove, unless the password is older than a time, or there is none.
func (s *Service) RemoveSince(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, since time.Time) error {
	kept, err := s.d.Store.Get(ctx, t, by.Account, user)
	if fault.Is(err, fault.NotFound) || err == nil && kept.SetAt.Before(since) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Remove(ctx, t, by, user)
}

// ForgetUser deletes the password of a person who was deleted.
func (s *Service) ForgetUser(ctx context.Context, t tx.Tx, e event.Event) error {
	err := s.d.Store.Remove(ctx, t, e.Account, ident.UserID(e.Target))
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// Attempt is a password that was typed.
type Attempt struct {
	// User is whose it should be; empty when nobody has the address. Both take the same way.
	User ident.UserID
	// Address is what was typed, in its canonical form. The attempts of an unknown one are counted by it.
	Address  string
	Password secret.Text
	// Device names a browser that is known to be the person's (a remembered device), or is empty.
	// Its attempts are counted apart, so that strangers cannot hold it up.
	Device string
}

// Verify compares a password. It runs units of work of its own and hashes between them, so it must not be
// called inside one. The outcome Wrong stands for an unknown person, too. The error is of kind Limited
// when too many are being compared.
func (s *Service) Verify(ctx context.Context, by actor.Actor, a Attempt) (factor.Result, error) {
	if len(a.Password.Reveal()) > MaxBytes {
		return factor.Result{Outcome: factor.Wrong}, nil
	}
	if s.d.Pool.Full() {
		return factor.Result{}, ErrBusy
	}
	kept, result, err := s.begin(ctx, by, a)
	if err != nil || result.Outcome == factor.Paused {
		return result, err
	}
	right, stale, err := s.compare(ctx, kept, a.Password)
	if err != nil {
		return factor.Result{}, err
	}
	if !right {
		return factor.Result{Outcome: factor.Wrong}, s.wrong(ctx, by, a)
	}
	again := ""
	if stale {
		if again, err = s.d.Pool.Hash(ctx, normal(a.Password.Reveal())); err != nil {
			return factor.Result{}, err
		}
	}
	return s.right(ctx, by, a, kept, again)
}

// begin counts the attempt and reads what to compare with. What is read of somebody unknown is nothing,
// after the same statements.
func (s *Service) begin(ctx context.Context, by actor.Actor, a Attempt) (kept Kept, r factor.Result, err error) {
	err = s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		kept, r = Kept{}, factor.Result{}
		ok, retry, err := factor.Take(ctx, t, s.limits, counters(by.Account, a)...)
		if err != nil {
			return err
		}
		if !ok {
			r = factor.Result{Outcome: factor.Paused, Retry: retry}
			return t.Emit(ctx, event.New(by, EventRefused, string(a.User), "paused", "true"))
		}
		kept, err = s.d.Store.Get(ctx, t, by.Account, a.User)
		if fault.Is(err, fault.NotFound) {
			kept, err = Kept{}, nil
		}
		return err
	})
	return kept, r, err
}

// compare does the work of one comparison whoever it is.
func (s *Service) compare(ctx context.Context, kept Kept, password secret.Text) (right, stale bool, err error) {
	if kept.User == "" {
		_, _, err := s.d.Pool.Compare(ctx, s.d.Pool.dummy, password.Reveal())
		return false, false, err
	}
	text, err := s.open(kept)
	if err != nil {
		return false, false, err
	}
	return s.d.Pool.Compare(ctx, text, password.Reveal())
}

func (s *Service) wrong(ctx context.Context, by actor.Actor, a Attempt) error {
	return s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		return t.Emit(ctx, event.New(by, EventRefused, string(a.User)))
	})
}

// right notes the use of exactly what was compared: a password that was changed meanwhile is not right.
func (s *Service) right(ctx context.Context, by actor.Actor, a Attempt, kept Kept, again string) (r factor.Result, err error) {
	err = s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		r = factor.Result{Outcome: factor.Right}
		next := kept
		if again != "" {
			next = s.seal(kept, again)
		}
		next.UsedAt, next.Short = t.Now(), short(normal(a.Password.Reveal()))
		err := s.d.Store.Replace(ctx, t, kept, next)
		if fault.Is(err, fault.NotFound) {
			r = factor.Result{Outcome: factor.Wrong}
			return nil
		}
		if err != nil {
			return err
		}
		return factor.Return(ctx, t, s.limits, counters(by.Account, a)...)
	})
	return r, err
}

func counters(account ident.AccountID, a Attempt) []factor.Counter {
	key := "user " + string(a.User)
	if a.User == "" {
		key = "address " + a.Address
	}
	if a.Device != "" {
		key = "device " + a.Device + " " + key
	}
	return []factor.Counter{
		{Account: account, Name: hourName, Key: key, Rule: HourLimit},
		{Account: account, Name: dayName, Key: key, Rule: DayLimit},
	}
}
