package totp

import (
	"context"
	"fmt"
	"strings"
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

// The events; the target is the person, detail "device" the id.
const (
	EventRegistered = "totp.registered" // detail "name"
	EventRemoved    = "totp.removed"
	EventRefused    = "totp.refused" // a wrong code of somebody who came that far; detail "paused" when no more are taken for now
)

const (
	purpose        = "totp/seed"
	bindingPurpose = "totp/binding"
	hourName       = "totp/wrong"
	dayName        = "totp/wrong/day"
	prefix         = "otp_"
	defaultName    = "Authenticator app"
)

// ErrMany says that a person has as many devices as one may have.
var ErrMany = fault.New(fault.Conflict, fault.CodeConflict, "You have five authenticator apps already. Remove one first.")

// ErrGone says that an enrolment expired, was replaced or is another browser's.
var ErrGone = fault.New(fault.NotFound, fault.CodeExpired, "The registration has expired. Start again.")

// Service registers devices and checks codes, inside the caller's unit of work.
type Service struct {
	Store   Store
	Pending PendingStore
	Keys    *crypt.Keys
	limits  ratelimit.Store
}

// Begin makes a seed for a new device. It replaces what was begun with the same binding.
func (s *Service) Begin(ctx context.Context, t tx.Tx, b Starter) (Enrolment, error) {
	held, err := s.Store.List(ctx, t, b.Account, b.User)
	if err != nil {
		return Enrolment{}, err
	}
	if len(held) >= MaxHeld {
		return Enrolment{}, ErrMany
	}
	seed := secret.Bytes(SeedSize)
	p := Pending{Account: b.Account, User: b.User, Binding: bindingHash(b.Binding), ID: ident.New(prefix), ExpiresAt: t.Now().Add(PendingLife)}
	p.Sealed = s.Keys.Seal(purpose, seed, place(b.Account, b.User, "pending", p.ID)...)
	if err := s.Pending.Put(ctx, t, p); err != nil {
		return Enrolment{}, err
	}
	return enrolment(p, seed, b), nil
}

// Shown returns again what Begin returned, to the same binding and until it is confirmed: a page is
// shown again when a code was wrong. ErrGone otherwise. It changes nothing.
func (s *Service) Shown(ctx context.Context, t tx.Tx, b Starter) (Enrolment, error) {
	p, err := s.Pending.Get(ctx, t, b.Account, b.User, bindingHash(b.Binding))
	if err != nil {
		return Enrolment{}, gone(err)
	}
	seed, err := s.open(p.Account, p.User, "pending", p.ID, p.Sealed)
	if err != nil {
		return Enrolment{}, err
	}
	return enrolment(p, seed, b), nil
}

func enrolment(p Pending, seed []byte, b Starter) Enrolment {
	return Enrolment{ID: p.ID, Secret: secret.New(base32Text.EncodeToString(seed)), URI: uri(seed, b.Issuer, b.Label), ExpiresAt: p.ExpiresAt}
}

// Confirm makes a device of what Begin made, when the code is right. The attempt is counted first, so
// the caller must commit whatever the outcome. ErrGone when there is nothing to confirm (any more).
func (s *Service) Confirm(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, binding []byte, name, code string) (Device, factor.Result, error) {
	p, err := s.Pending.Count(ctx, t, by.Account, user, bindingHash(binding))
	if err != nil {
		return Device{}, factor.Result{}, gone(err)
	}
	seed, err := s.open(by.Account, user, "pending", p.ID, p.Sealed)
	if err != nil {
		return Device{}, factor.Result{}, err
	}
	typed, plain := factor.Digits(code, Digits)
	step, ok := match(seed, typed, t.Now(), 0)
	if !plain || !ok {
		return Device{}, factor.Result{Outcome: factor.Wrong}, nil
	}
	if err := s.Pending.Consume(ctx, t, p); err != nil {
		return Device{}, factor.Result{}, gone(err)
	}
	d, err := s.register(ctx, t, by, Device{Account: by.Account, User: user, ID: p.ID, Name: name}, seed, step)
	return d, factor.Result{Outcome: factor.Right}, err
}

// register stores a device whose code of the step was shown, which uses the step up.
func (s *Service) register(ctx context.Context, t tx.Tx, by actor.Actor, d Device, seed []byte, step int64) (Device, error) {
	d.Name, d.CreatedAt = Name(d.Name), t.Now()
	sealed := s.Keys.Seal(purpose, seed, place(d.Account, d.User, "seed", d.ID)...)
	ok, err := s.Store.Insert(ctx, t, Stored{Device: d, Sealed: sealed, LastStep: step})
	if err != nil {
		return Device{}, err
	}
	if !ok {
		return Device{}, ErrMany
	}
	return d, t.Emit(ctx, event.New(by, EventRegistered, string(d.User), "device", d.ID, "name", d.Name))
}

// Enter checks a code against all devices of a person. It is counted before it is compared, so the caller
// must commit whatever the outcome (I-5).
func (s *Service) Enter(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, code string) (factor.Result, error) {
	held, err := s.Store.List(ctx, t, by.Account, user)
	if err != nil || len(held) == 0 {
		return factor.Result{Outcome: factor.Absent}, err
	}
	ok, retry, err := factor.Take(ctx, t, s.limits, counters(by.Account, user)...)
	if err != nil {
		return factor.Result{}, err
	}
	if !ok {
		return factor.Result{Outcome: factor.Paused, Retry: retry}, t.Emit(ctx, event.New(by, EventRefused, string(user), "paused", "true"))
	}
	typed, plain := factor.Digits(code, Digits)
	used, step, err := s.find(held, typed, t.Now())
	if err != nil {
		return factor.Result{}, err
	}
	if plain && used != nil {
		err = s.Store.Use(ctx, t, used.Device, step)
	}
	if !plain || used == nil || fault.Is(err, fault.NotFound) {
		return factor.Result{Outcome: factor.Wrong}, t.Emit(ctx, event.New(by, EventRefused, string(user)))
	}
	if err != nil {
		return factor.Result{}, err
	}
	return factor.Result{Outcome: factor.Right}, factor.Return(ctx, t, s.limits, counters(by.Account, user)...)
}

// find returns the device whose code it is. A seed that cannot be opened fails the whole login (MFA-09).
func (s *Service) find(held []Stored, typed string, now time.Time) (used *Stored, step int64, err error) {
	for i := range held {
		d := &held[i]
		seed, err := s.open(d.Account, d.User, "seed", d.ID, d.Sealed)
		if err != nil {
			return nil, 0, err
		}
		if n, ok := match(seed, typed, now, d.LastStep); ok {
			used, step = d, n
		}
	}
	return used, step, nil
}

// List returns a person's devices, the oldest first.
func (s *Service) List(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]Device, error) {
	held, err := s.Store.List(ctx, t, account, user)
	out := make([]Device, len(held))
	for i, d := range held {
		out[i] = d.Device
	}
	return out, err
}

// Held is how many devices a person has.
func (s *Service) Held(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (int, error) {
	held, err := s.Store.List(ctx, t, account, user)
	return len(held), err
}

// Rename gives a device another name.
func (s *Service) Rename(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, id, name string) error {
	return fault.Wrap("totp.Rename", s.Store.Rename(ctx, t, by.Account, user, id, Name(name)))
}

// Remove deletes a device.
func (s *Service) Remove(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, id string) error {
	if err := s.Store.Remove(ctx, t, by.Account, user, id); err != nil {
		return fault.Wrap("totp.Remove", err)
	}
	return t.Emit(ctx, event.New(by, EventRemoved, string(user), "device", id))
}

// Lost deletes all devices of a person who lost them, and tells of it.
func (s *Service) Lost(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID) error {
	n, err := s.Store.Forget(ctx, t, by.Account, user)
	if err != nil || n == 0 {
		return err
	}
	return t.Emit(ctx, event.New(by, EventRemoved, string(user), "device", "all"))
}

// ForgetUser deletes all that there is of a person who was deleted.
func (s *Service) ForgetUser(ctx context.Context, t tx.Tx, e event.Event) error {
	_, err := s.Store.Forget(ctx, t, e.Account, ident.UserID(e.Target))
	return err
}

// Purge forgets enrolments that were not confirmed. It needs the system scope.
func (s *Service) Purge(ctx context.Context, t tx.Tx, limit int) (int64, error) {
	return s.Pending.Purge(ctx, t, limit)
}

// Name is what a device is called: what the person typed, without what cannot be seen.
func Name(typed string) string {
	name := strings.TrimSpace(factor.Visible(typed, MaxName))
	if name == "" {
		return defaultName
	}
	return name
}

func (s *Service) open(account ident.AccountID, user ident.UserID, field, id string, sealed []byte) ([]byte, error) {
	seed, err := s.Keys.Open(purpose, sealed, place(account, user, field, id)...)
	if err != nil { // the operator is told; whoever waits is not, and gets no further
		return nil, errUnreadable.With(fmt.Errorf("the %s of %s: %w", field, id, err))
	}
	return seed, nil
}

var errUnreadable = fault.New(fault.Unavailable, fault.CodeUnavailable, "This cannot be checked at the moment. Please try again later.")

func place(account ident.AccountID, user ident.UserID, field, id string) []string {
	return []string{string(account), "totp", string(user), field, id}
}

func bindingHash(binding []byte) []byte { return secret.Hash(bindingPurpose, string(binding)) }

func counters(account ident.AccountID, user ident.UserID) []factor.Counter {
	return []factor.Counter{
		{Account: account, Name: hourName, Key: string(user), Rule: HourLimit},
		{Account: account, Name: dayName, Key: string(user), Rule: DayLimit},
	}
}

func gone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return ErrGone
	}
	return err
}
