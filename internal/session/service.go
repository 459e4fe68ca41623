package session

import (
	"context"
	"log/slog"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	// touchEvery bounds the writes of a busy session. A session may end this much earlier
	// than its sliding life after the last use.
	touchEvery = time.Hour
	// MaxTokenLife is the longest life of a token that names a session. Revocations are kept that long.
	MaxTokenLife = 24 * time.Hour
)

// Limits are an account's lives of sessions.
type Limits struct {
	Idle     time.Duration // ends a session that is not used; 0 means DefaultLimits.Idle
	Absolute time.Duration // ends any session; 0 means DefaultLimits.Absolute
}

// DefaultLimits hold where an account says nothing else.
var DefaultLimits = Limits{Idle: 30 * 24 * time.Hour, Absolute: 90 * 24 * time.Hour}

// Deps is what the service needs.
type Deps struct {
	DB    tx.Runner
	Store Store
	// Tokens is for DisableToken.
	Tokens TokenStore
	// Chains is for rotation, lists and what is put aside.
	Chains Chains
	// Keys computes the cookies.
	Keys *crypt.Keys
	Log  *slog.Logger // optional
	// Limits returns the account's limits; nil means DefaultLimits for all.
	Limits func(ident.AccountID) Limits
	// Bindings may be nil: then no session is bound.
	Bindings Bindings
}

// Service holds the verbs of a session.
type Service struct {
	d        Deps
	secrets  secrets
	suspects chan struct{}
}

// New makes the service.
func New(d Deps) *Service {
	return &Service{d: d, secrets: newSecrets(d.Keys), suspects: make(chan struct{}, maxSuspects)}
}

func (s *Service) limits(account ident.AccountID) Limits {
	l := Limits{}
	if s.d.Limits != nil {
		l = s.d.Limits(account)
	}
	if l.Idle <= 0 {
		l.Idle = DefaultLimits.Idle
	}
	if l.Absolute <= 0 {
		l.Absolute = DefaultLimits.Absolute
	}
	return l
}

// ErrNone says that the cookie stands for no living session.
var ErrNone = fault.New(fault.NotFound, fault.CodeNotFound, "You are not signed in.")

// NewSession is a finished authentication step. Actor says from where, and with which browser (Agent).
type NewSession struct {
	Actor    actor.Actor
	User     ident.UserID
	Evidence Evidence
	More     []Evidence  // further proofs of the same step, after Evidence
	Previous secret.Text // cookie that the browser brought, or empty
	// KeepOther puts the previous session aside if it is another person's, instead of ending it: see Switch.
	KeepOther bool
	// MaxLife ends the session sooner than the account's limits; 0 means that those hold.
	MaxLife time.Duration
}

// Start makes a session with a new cookie in the caller's unit of work. The previous cookie of
// the browser dies (I-10): if it was the same person's, the new session continues it and keeps
// its evidence; if it was another's, that session is ended, with its tokens, or put aside.
func (s *Service) Start(ctx context.Context, t tx.Tx, n NewSession) (Session, secret.Text, error) {
	now, account := t.Now(), n.Actor.Account
	l := s.limits(account)
	if n.MaxLife > 0 {
		l.Absolute = min(l.Absolute, n.MaxLife)
	}
	id := ident.SessionID(ident.New(idPrefix))
	next := Session{
		ID: id, Root: id, Account: account, User: n.User, Connection: n.Evidence.Connection,
		Evidence: append([]Evidence{n.Evidence}, n.More...), CreatedAt: now, LastSeen: now,
		ExpiresAt: now.Add(min(l.Idle, l.Absolute)), AbsoluteExpiry: now.Add(l.Absolute),
		Rotation: Rotation{Version: 1, Salt: secret.Bytes(saltSize), At: now, LateFrom: 1, LateNext: 1, LateSince: now},
		Device:   Device(n.Actor.Agent), Address: n.Actor.Address, presented: 1,
	}
	aside, err := s.leave(ctx, t, n, &next)
	if err != nil {
		return Session{}, secret.Text{}, err
	}
	if err := s.d.Store.Insert(ctx, t, next); err != nil {
		return Session{}, secret.Text{}, err
	}
	if aside != nil {
		if err := s.putAside(ctx, t, *aside, next.Root); err != nil {
			return Session{}, secret.Text{}, err
		}
	}
	detail := []string{"user", string(n.User), "connection", string(n.Evidence.Connection), "method", n.Evidence.Method}
	if next.Root != id {
		detail = append(detail, "root", string(next.Root)) // it goes on
	}
	return next, s.secrets.of(next), t.Emit(ctx, event.New(n.Actor, "session.started", string(id), detail...))
}

// leave takes leave of the session that the browser had. It returns the one to be put aside, if any.
func (s *Service) leave(ctx context.Context, t tx.Tx, n NewSession, next *Session) (aside *Session, err error) {
	p, ok := s.secrets.read(next.Account, n.Previous)
	if !ok {
		return nil, nil
	}
	old, worth, err := s.judge(ctx, t, next.Account, p)
	switch {
	case err != nil || worth == unknown:
		return nil, err
	case worth == stale:
		return nil, s.stolen(ctx, t, n.Actor, old)
	case old.User == n.User:
		next.Root, next.Applications = old.Root, old.Applications
		next.Evidence = append(old.Evidence, next.Evidence...)
		if err := s.continued(ctx, t, *next); err != nil {
			return nil, err
		}
		return nil, s.d.Store.Replace(ctx, t, next.Account, old.ID)
	case n.KeepOther:
		return &old, nil
	}
	return nil, s.end(ctx, t, n.Actor, old, ending{event: EventReplaced})
}

// Resume returns the session behind a cookie and notes its use. ErrNone when there is none.
func (s *Service) Resume(ctx context.Context, account ident.AccountID, cookie secret.Text) (Session, error) {
	found, now, err := s.peek(ctx, account, cookie)
	if err != nil {
		return Session{}, err
	}
	return s.Touch(ctx, found, now)
}

// Touch notes the use of a session that was just read: at most once an hour, and the first use of
// every new secret. ErrNone when it has ended meanwhile.
func (s *Service) Touch(ctx context.Context, found Session, now time.Time) (Session, error) {
	if !s.Unnoted(found, now) {
		return found, nil
	}
	err := s.d.DB.Write(ctx, tx.In(found.Account), func(ctx context.Context, t tx.Tx) error {
		found.LastSeen, found.ExpiresAt = t.Now(), slid(found, s.limits(found.Account), t.Now())
		return s.d.Store.Touch(ctx, t, Used{Account: found.Account, ID: found.ID, ExpiresAt: found.ExpiresAt, Version: found.presented})
	})
	if fault.Is(err, fault.NotFound) {
		return Session{}, ErrNone
	}
	return found, err
}

// Unnoted tells whether Touch has something to write.
func (s *Service) Unnoted(found Session, now time.Time) bool {
	l := s.limits(found.Account)
	return now.Sub(found.LastSeen) >= coarse(l) || slid(found, l, now).Sub(found.ExpiresAt) >= coarse(l) ||
		found.presented == found.Rotation.Version && found.Rotation.Confirmed < found.presented
}

// coarse is how exactly the sliding expiry is kept.
func coarse(l Limits) time.Duration { return min(touchEvery, l.Idle/8) }

// slid is the sliding expiry of a session that is used now.
func slid(found Session, l Limits, now time.Time) time.Time {
	if to := now.Add(l.Idle); to.Before(found.AbsoluteExpiry) {
		return to
	}
	return found.AbsoluteExpiry
}

// Peek returns the session behind a cookie without noting its use. ErrNone when there is none.
func (s *Service) Peek(ctx context.Context, account ident.AccountID, cookie secret.Text) (Session, error) {
	found, _, err := s.peek(ctx, account, cookie)
	return found, err
}

func (s *Service) peek(ctx context.Context, account ident.AccountID, cookie secret.Text) (found Session, now time.Time, err error) {
	if cookie.Empty() {
		return Session{}, time.Time{}, ErrNone
	}
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		now = t.Now()
		found, err = s.ByCookie(ctx, t, account, cookie)
		return err
	})
	return found, now, err
}

// ByCookie is Peek inside the caller's unit of work.
func (s *Service) ByCookie(ctx context.Context, t tx.Tx, account ident.AccountID, cookie secret.Text) (Session, error) {
	p, ok := s.secrets.read(account, cookie)
	if !ok {
		return Session{}, ErrNone
	}
	found, worth, err := s.judge(ctx, t, account, p)
	switch {
	case err != nil:
		return Session{}, err
	case worth == stale:
		s.suspect(ctx, account, p)
		return Session{}, ErrNone
	case worth == unknown:
		return Session{}, ErrNone
	}
	return found, nil
}

// ByID returns a session that has not been ended; its cookie may have been replaced since.
func (s *Service) ByID(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID) (Session, error) {
	found, err := s.d.Store.ByID(ctx, t, account, id)
	if fault.Is(err, fault.NotFound) {
		return Session{}, ErrNone
	}
	return found, err
}

// Alive tells whether ByID finds a session, in a unit of work that writes and must not end otherwise than by
// what it returns: the answer may be an assumption that the commit refutes.
func (s *Service) Alive(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID) (bool, error) {
	return s.d.Tokens.Alive(ctx, t, account, id, false)
}

// Hold is Alive for a unit of work that begins what outlives the session. Whoever ends the session, the
// person or the account meanwhile waits for it, and finds what it wrote.
func (s *Service) Hold(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID) (bool, error) {
	return s.d.Tokens.Alive(ctx, t, account, id, true)
}

// Purge deletes up to limit sessions that ended or expired so long ago that no token of theirs can live.
func (s *Service) Purge(ctx context.Context, limit int) (n int64, err error) {
	err = s.d.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		n, err = s.d.Store.Purge(ctx, t, t.Now().Add(-2*MaxTokenLife), limit)
		return err
	})
	return n, err
}
