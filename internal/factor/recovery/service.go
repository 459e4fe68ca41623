package recovery

import (
	"context"
	"strconv"
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

// The events; the target is the person.
const (
	EventCreated = "recovery.codes.created"
	EventRemoved = "recovery.codes.removed" // detail "left" of those that were not used
	EventUsed    = "recovery.code.used"     // detail "left"
	EventRefused = "recovery.code.refused"  // detail "paused" when no more are taken for now
)

// The rules of the codes.
const (
	Count  = 10
	groups = 4
	group  = 4 // letters, of five bits: 80 bits in all
)

// Limit is for wrong codes per person, over all logins and browsers.
var Limit = ratelimit.Rule{Count: 10, Per: time.Hour}

const (
	purpose   = "recovery/code"
	wrongName = "recovery/wrong"
	// letters leaves out i, l, o and u, which are taken for others.
	letters = "0123456789abcdefghjkmnpqrstvwxyz"
)

// Service makes and checks recovery codes, inside the caller's unit of work.
type Service struct {
	Store  Store
	Keys   *crypt.Keys
	limits ratelimit.Store
}

// Create makes ten codes, which must be shown now or never. The ones before are gone.
func (s *Service) Create(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID) ([]secret.Text, error) {
	codes, macs := make([]secret.Text, Count), make([][]byte, Count)
	for i := range codes {
		code := random()
		codes[i], macs[i] = secret.New(form(code)), s.mac(by.Account, user, code)
	}
	if err := s.Store.Put(ctx, t, by.Account, user, macs); err != nil {
		return nil, err
	}
	return codes, t.Emit(ctx, event.New(by, EventCreated, string(user)))
}

// Use uses a code up. It is counted before it is compared, so the caller must commit whatever the
// outcome (I-5).
func (s *Service) Use(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, typed string) (factor.Result, error) {
	left, err := s.Store.Left(ctx, t, by.Account, user)
	if err != nil || left == 0 {
		return factor.Result{Outcome: factor.Absent}, err
	}
	counter := factor.Counter{Account: by.Account, Name: wrongName, Key: string(user), Rule: Limit}
	ok, retry, err := factor.Take(ctx, t, s.limits, counter)
	if err != nil {
		return factor.Result{}, err
	}
	if !ok {
		return factor.Result{Outcome: factor.Paused, Retry: retry}, t.Emit(ctx, event.New(by, EventRefused, string(user), "paused", "true"))
	}
	err = errUnknown
	if code, plain := read(typed); plain {
		err = s.Store.Use(ctx, t, by.Account, user, s.mac(by.Account, user, code))
	}
	if fault.Is(err, fault.NotFound) {
		return factor.Result{Outcome: factor.Wrong}, t.Emit(ctx, event.New(by, EventRefused, string(user)))
	}
	if err != nil {
		return factor.Result{}, err
	}
	if err := factor.Return(ctx, t, s.limits, counter); err != nil {
		return factor.Result{}, err
	}
	return factor.Result{Outcome: factor.Right}, t.Emit(ctx, event.New(by, EventUsed, string(user), "left", strconv.Itoa(left-1)))
}

var errUnknown = fault.New(fault.NotFound, fault.CodeNotFound, "There is no such code.")

// Left counts the codes that a person can still use.
func (s *Service) Left(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (int, error) {
	return s.Store.Left(ctx, t, account, user)
}

// Made is when the codes of a person were made; zero when there are none.
func (s *Service) Made(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (time.Time, error) {
	return s.Store.Made(ctx, t, account, user)
}

// Lost deletes all codes of a person who lost them, and tells of it.
func (s *Service) Lost(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID) error {
	left, err := s.Store.Forget(ctx, t, by.Account, user)
	if err != nil || left == 0 {
		return err
	}
	return t.Emit(ctx, event.New(by, EventRemoved, string(user), "left", strconv.Itoa(left)))
}

// LostSince is Lost, unless the codes are older than a time.
func (s *Service) LostSince(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, since time.Time) error {
	made, err := s.Store.Made(ctx, t, by.Account, user)
	if err != nil || made.Before(since) {
		return err
	}
	return s.Lost(ctx, t, by, user)
}

// ForgetUser deletes all codes of a person who was deleted.
func (s *Service) ForgetUser(ctx context.Context, t tx.Tx, e event.Event) error {
	_, err := s.Store.Forget(ctx, t, e.Account, ident.UserID(e.Target))
	return err
}

func (s *Service) mac(account ident.AccountID, user ident.UserID, code string) []byte {
	return s.Keys.MAC(purpose, string(account), string(user), code)
}

func random() string {
	b := secret.Bytes(groups * group)
	for i := range b {
		b[i] = letters[b[i]&31]
	}
	return string(b)
}

// form is how a code is shown: xxxx-xxxx-xxxx-xxxx.
func form(code string) string {
	var parts []string
	for i := 0; i < len(code); i += group {
		parts = append(parts, code[i:i+group])
	}
	return strings.Join(parts, "-")
}

// read takes what a person typed: in any case, with or without dashes and spaces, and with the letters
// that are taken for others.
func read(typed string) (string, bool) {
	if len(typed) > 64 {
		return "", false
	}
	code := strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '\t' || r == '-' || r == '\u00a0':
			return -1
		case r == 'o' || r == 'O':
			return '0'
		case r == 'i' || r == 'I' || r == 'l' || r == 'L':
			return '1'
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return r
	}, typed)
	return code, len(code) == groups*group && strings.Trim(code, letters) == ""
}
