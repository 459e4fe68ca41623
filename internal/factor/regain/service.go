package regain

import (
	"context"
	"encoding/base64"
	"errors"
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

// The events; the target is the person, detail "recovery" the id.
const (
	EventRequested = "recovery.requested" // detail "readyAt" (RFC 3339)
	EventCancelled = "recovery.cancelled" // detail "by": session, mail, login or administrator
	EventDone      = "recovery.done"      // what was lost is to be removed, and the sessions to be ended
)

// ReadyLife is for how long a recovery can be finished once it is ready. One that nobody finishes is no
// door left open.
const ReadyLife = 7 * 24 * time.Hour

// Limit is how often a person can begin to wait, so that cancelling is not a game of patience.
var Limit = ratelimit.Rule{Count: 3, Per: 24 * time.Hour}

const (
	prefix     = "rec_"
	linkText   = "regain/cancel"
	requesting = "regain/request"
	granting   = "regain/grant"
)

// Recovery is one that waits, or is ready.
type Recovery struct {
	Account     ident.AccountID
	User        ident.UserID
	ID          string
	RequestedAt time.Time
	ReadyAt     time.Time
	ExpiresAt   time.Time
	Granted     bool // by an administrator: it holds where people cannot begin one themselves
}

// Ready tells whether it can be finished.
func (r Recovery) Ready(now time.Time) bool { return !now.Before(r.ReadyAt) && now.Before(r.ExpiresAt) }

// ErrNone says that no recovery waits.
var ErrNone = fault.New(fault.NotFound, fault.CodeNotFound, "There is no recovery to go on with.")

// Cancelling says from where a recovery is cancelled.
type Cancelling string

// The ways to cancel.
const (
	BySession Cancelling = "session" // by somebody who is signed in as the person
	ByMail    Cancelling = "mail"    // by the link of the mail
	ByLogin   Cancelling = "login"   // the person showed a second factor after all
	ByAdmin   Cancelling = "administrator"
)

// Service holds the verbs, inside the caller's unit of work.
type Service struct {
	Store  Store
	Keys   *crypt.Keys
	limits ratelimit.Store
}

// Request begins to wait. Asked again it returns the recovery that waits, as it is. Paused tells that
// the person began too often. The caller has seen a first factor proved, and the policy allow it.
func (s *Service) Request(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, delay time.Duration) (Recovery, factor.Result, error) {
	if delay < time.Minute {
		return Recovery{}, factor.Result{}, fault.New(fault.Internal, fault.CodeInternal, "A recovery without a delay.")
	}
	r, err := s.Store.Get(ctx, t, by.Account, user)
	if err == nil || !fault.Is(err, fault.NotFound) {
		return r, factor.Result{Outcome: factor.Right}, err
	}
	return s.begin(ctx, t, by, user, delay, false)
}

// Grant begins to wait for a person who has no other way than to ask an administrator, whom by is. Everything else is
// as with Request: the person is told and can stop it, and only their own first factor ends it. One that the person,
// or whoever says so, began before is cancelled: the wait begins anew.
func (s *Service) Grant(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, delay time.Duration) (Recovery, factor.Result, error) {
	if by.Kind == actor.Anonymous || by.Kind == actor.User && by.ID == string(user) {
		return Recovery{}, factor.Result{}, fault.New(fault.Forbidden, fault.CodeForbidden, "Nobody grants themselves a recovery.")
	}
	r, err := s.Store.Get(ctx, t, by.Account, user)
	switch {
	case fault.Is(err, fault.NotFound):
	case err != nil:
		return Recovery{}, factor.Result{}, err
	case r.Granted:
		return r, factor.Result{Outcome: factor.Right}, nil
	default:
		if err := s.cancel(ctx, t, by, r, ByAdmin); err != nil && !errors.Is(err, ErrNone) { // another was faster
			return Recovery{}, factor.Result{}, err
		}
	}
	return s.begin(ctx, t, by, user, delay, true)
}

func (s *Service) begin(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, delay time.Duration, granted bool) (Recovery, factor.Result, error) {
	counter := factor.Counter{Account: by.Account, Name: requesting, Key: string(user), Rule: Limit}
	if granted {
		counter.Name = granting
	}
	ok, retry, err := factor.Take(ctx, t, s.limits, counter)
	if err != nil {
		return Recovery{}, factor.Result{}, err
	}
	if !ok {
		return s.faster(ctx, t, by.Account, user, factor.Result{Outcome: factor.Paused, Retry: retry})
	}
	r := Recovery{
		Granted: granted, Account: by.Account, User: user, ID: ident.New(prefix), RequestedAt: t.Now(), ReadyAt: t.Now().Add(delay),
	}
	r.ExpiresAt = r.ReadyAt.Add(ReadyLife)
	first, err := s.Store.Insert(ctx, t, r)
	if err != nil {
		return Recovery{}, factor.Result{}, err
	}
	if !first { // it counts for whoever was faster
		if err := factor.Return(ctx, t, s.limits, counter); err != nil {
			return Recovery{}, factor.Result{}, err
		}
		return s.faster(ctx, t, by.Account, user, factor.Result{Outcome: factor.Paused, Retry: 1})
	}
	return r, factor.Result{Outcome: factor.Right}, t.Emit(ctx, event.New(by, EventRequested, string(user),
		"recovery", r.ID, "readyAt", r.ReadyAt.Format(time.RFC3339)))
}

// faster returns what another, who asked at the same moment, has begun meanwhile. Where nobody has, it is as none says.
func (s *Service) faster(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, none factor.Result) (Recovery, factor.Result, error) {
	r, err := s.Store.Get(ctx, t, account, user)
	if fault.Is(err, fault.NotFound) {
		return Recovery{}, none, nil
	}
	return r, factor.Result{Outcome: factor.Right}, err
}

// Pending returns the recovery of a person that waits or is ready, or ErrNone.
func (s *Service) Pending(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (Recovery, error) {
	r, err := s.Store.Get(ctx, t, account, user)
	return r, none(err)
}

// Due is Pending, and ErrNone too while it waits.
func (s *Service) Due(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (Recovery, error) {
	r, err := s.Pending(ctx, t, account, user)
	if err == nil && !r.Ready(t.Now()) {
		return Recovery{}, ErrNone
	}
	return r, err
}

// Cancel ends the waiting. ErrNone when nothing waits.
func (s *Service) Cancel(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, from Cancelling) error {
	r, err := s.Store.Get(ctx, t, by.Account, user)
	if err != nil {
		return none(err)
	}
	return s.cancel(ctx, t, by, r, from)
}

func (s *Service) cancel(ctx context.Context, t tx.Tx, by actor.Actor, r Recovery, from Cancelling) error {
	if err := s.Store.End(ctx, t, r); err != nil {
		return none(err)
	}
	return t.Emit(ctx, event.New(by, EventCancelled, string(r.User), "recovery", r.ID, "by", string(from)))
}

// Link is what the mail's link carries to cancel a recovery: the id and a MAC, good for nothing else.
// The composer of the mail makes it from the event's target and detail.
func (s *Service) Link(account ident.AccountID, user ident.UserID, recovery string) secret.Text {
	mac := s.Keys.MAC(linkText, string(account), string(user), recovery)
	return secret.New(recovery + "." + base64.RawURLEncoding.EncodeToString(mac))
}

// Linked returns the recovery that a link cancels, or ErrNone. It changes nothing.
func (s *Service) Linked(ctx context.Context, t tx.Tx, account ident.AccountID, link secret.Text) (Recovery, error) {
	id, _, _ := strings.Cut(link.Reveal(), ".")
	if len(link.Reveal()) > 128 || !strings.HasPrefix(id, prefix) {
		return Recovery{}, ErrNone
	}
	r, err := s.Store.ByID(ctx, t, account, id)
	if err != nil {
		return Recovery{}, none(err)
	}
	if !secret.Equal([]byte(s.Link(account, r.User, r.ID).Reveal()), []byte(link.Reveal())) {
		return Recovery{}, ErrNone
	}
	return r, nil
}

// CancelLinked cancels by the mail's link. Surfaces call it for a POST only (I-24).
func (s *Service) CancelLinked(ctx context.Context, t tx.Tx, by actor.Actor, link secret.Text) error {
	r, err := s.Linked(ctx, t, by.Account, link)
	if err != nil {
		return err
	}
	return s.cancel(ctx, t, by, r, ByMail)
}

// Finish ends a recovery that is ready, for a person whose first factor was proved anew at proved. What
// reacts to EventDone removes every second factor and ends every session, in the same unit of work.
// ErrNone when none is ready, or the proof is older than that.
func (s *Service) Finish(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, proved time.Time) error {
	r, err := s.Due(ctx, t, by.Account, user)
	if err != nil {
		return err
	}
	if proved.Before(r.ReadyAt) {
		return ErrNone
	}
	if err := s.Store.Finish(ctx, t, r); err != nil {
		return none(err)
	}
	return t.Emit(ctx, event.New(by, EventDone, string(user), "recovery", r.ID))
}

// ForgetUser forgets the recovery of a person who was deleted.
func (s *Service) ForgetUser(ctx context.Context, t tx.Tx, e event.Event) error {
	return s.Store.Forget(ctx, t, e.Account, ident.UserID(e.Target))
}

// Purge forgets recoveries that nobody finished. It needs the system scope.
func (s *Service) Purge(ctx context.Context, t tx.Tx, limit int) (int64, error) {
	return s.Store.Purge(ctx, t, limit)
}

func none(err error) error {
	if fault.Is(err, fault.NotFound) {
		return ErrNone
	}
	return err
}
