package session

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// EventUserEnded tells that every session and token of a person was ended; the target is the person, detail "sessions".
const EventUserEnded = "session.user.ended"

const (
	cookiePurpose = "session/cookie"
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
	// Limits returns the account's limits; nil means DefaultLimits for all.
	Limits func(ident.AccountID) Limits
	// Bindings may be nil: then no session is bound.
	Bindings Bindings
}

// Service holds the verbs of a session.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

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

// NewSession is a finished authentication step.
type NewSession struct {
	Actor    actor.Actor
	User     ident.UserID
	Evidence Evidence
	Previous secret.Text // cookie that the browser brought, or empty
	// MaxLife ends the session sooner than the account's limits; 0 means that those hold.
	MaxLife time.Duration
}

// Start makes a session with a new cookie in the caller's unit of work. The previous cookie of
// the browser dies (I-10): if it was the same person's, the new session continues it and keeps
// its evidence; if it was another's, that session is ended, with its tokens.
func (s *Service) Start(ctx context.Context, t tx.Tx, n NewSession) (Session, secret.Text, error) {
	now, account := t.Now(), n.Actor.Account
	l := s.limits(account)
	if n.MaxLife > 0 {
		l.Absolute = min(l.Absolute, n.MaxLife)
	}
	id := ident.SessionID(ident.New("ses_"))
	next := Session{
		ID: id, Root: id, Account: account, User: n.User, Connection: n.Evidence.Connection,
		Evidence: []Evidence{n.Evidence}, CreatedAt: now, LastSeen: now,
		ExpiresAt: now.Add(min(l.Idle, l.Absolute)), AbsoluteExpiry: now.Add(l.Absolute),
	}
	if !n.Previous.Empty() {
		old, err := s.byCookie(ctx, t, account, n.Previous)
		switch {
		case fault.Is(err, fault.NotFound):
		case err != nil:
			return Session{}, secret.Text{}, err
		case old.User == n.User:
			next.Root = old.Root
			next.Evidence = append(old.Evidence, n.Evidence)
			if err := s.d.Store.Replace(ctx, t, account, old.ID); err != nil {
				return Session{}, secret.Text{}, err
			}
		default:
			if err := s.end(ctx, t, n.Actor, old, "replaced"); err != nil {
				return Session{}, secret.Text{}, err
			}
		}
	}
	cookie := secret.Random("")
	if err := s.d.Store.Insert(ctx, t, next, hash(cookie)); err != nil {
		return Session{}, secret.Text{}, err
	}
	return next, cookie, t.Emit(ctx, event.New(n.Actor, "session.started", string(id),
		"user", string(n.User), "connection", string(n.Evidence.Connection), "method", n.Evidence.Method))
}

// Resume returns the session behind a cookie and notes its use. ErrNone when there is none.
func (s *Service) Resume(ctx context.Context, account ident.AccountID, cookie secret.Text) (Session, error) {
	found, now, err := s.peek(ctx, account, cookie)
	if err != nil {
		return Session{}, err
	}
	return s.Touch(ctx, found, now)
}

// Touch notes the use of a session that was just read, at most once an hour. ErrNone when it
// has ended meanwhile.
func (s *Service) Touch(ctx context.Context, found Session, now time.Time) (Session, error) {
	l := s.limits(found.Account)
	if now.Sub(found.LastSeen) < min(touchEvery, l.Idle/8) {
		return found, nil
	}
	err := s.d.DB.Write(ctx, tx.In(found.Account), func(ctx context.Context, t tx.Tx) error {
		found.LastSeen = t.Now()
		found.ExpiresAt = t.Now().Add(l.Idle)
		if found.ExpiresAt.After(found.AbsoluteExpiry) {
			found.ExpiresAt = found.AbsoluteExpiry
		}
		return s.d.Store.Touch(ctx, t, found.Account, found.ID, found.ExpiresAt)
	})
	if fault.Is(err, fault.NotFound) {
		return Session{}, ErrNone
	}
	return found, err
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
	if cookie.Empty() {
		return Session{}, ErrNone
	}
	found, err := s.byCookie(ctx, t, account, cookie)
	if fault.Is(err, fault.NotFound) {
		return Session{}, ErrNone
	}
	return found, err
}

// ByID returns a session that has not been ended; its cookie may have been replaced since.
func (s *Service) ByID(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID) (Session, error) {
	found, err := s.d.Store.ByID(ctx, t, account, id)
	if fault.Is(err, fault.NotFound) {
		return Session{}, ErrNone
	}
	return found, err
}

// Hold is ByID for a unit of work that begins what outlives the session. Whoever ends the session, the
// person or the account meanwhile waits for it, and finds what it wrote.
func (s *Service) Hold(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID) (Session, error) {
	found, err := s.d.Tokens.Hold(ctx, t, account, id)
	if fault.Is(err, fault.NotFound) {
		return Session{}, ErrNone
	}
	return found, err
}

// End ends the session with that id and everything it continues: the cookie and all tokens are
// dead when it returns. A session that is gone already is no error.
func (s *Service) End(ctx context.Context, a actor.Actor, account ident.AccountID, id ident.SessionID) error {
	return s.d.DB.Write(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		return s.EndIn(ctx, t, a, id)
	})
}

// EndIn is End inside the caller's unit of work.
func (s *Service) EndIn(ctx context.Context, t tx.Tx, a actor.Actor, id ident.SessionID) error {
	found, err := s.d.Store.ByID(ctx, t, a.Account, id)
	if fault.Is(err, fault.NotFound) { // perhaps ended by somebody else a moment ago, which this node is yet to hear
		if id != "" {
			t.Changed(KindSession, a.Account, string(id))
		}
		return nil
	}
	if err != nil {
		return err
	}
	return s.end(ctx, t, a, found, "ended")
}

// EndCookie ends the session behind a cookie. It tells whether there was one.
func (s *Service) EndCookie(ctx context.Context, a actor.Actor, cookie secret.Text) (ended bool, err error) {
	if cookie.Empty() {
		return false, nil
	}
	err = s.d.DB.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		ended = false
		own, _ := secret.Split(cookie) // whoever has the cookie may end it, bound or not
		found, err := s.d.Store.ByCookie(ctx, t, a.Account, hash(own))
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		ended = true
		by := a
		if by.Kind == actor.Anonymous { // the cookie says who it is
			by.Kind, by.ID, by.Session = actor.User, string(found.User), found.ID
		}
		return s.end(ctx, t, by, found, "ended")
	})
	return ended, err
}

// EndUser ends every session of a person in the caller's unit of work, and with them all tokens
// that were issued until now. For "user.deleted" and "sign out everywhere".
func (s *Service) EndUser(ctx context.Context, t tx.Tx, a actor.Actor, user ident.UserID) error {
	ended, err := s.d.Store.EndUser(ctx, t, a.Account, user)
	if err != nil {
		return err
	}
	t.Changed(KindUser, a.Account, string(user))
	return t.Emit(ctx, event.New(a, EventUserEnded, string(user), "sessions", count(len(ended))))
}

func (s *Service) end(ctx context.Context, t tx.Tx, a actor.Actor, found Session, why string) error {
	ended, err := s.d.Store.End(ctx, t, found.Account, found.Root)
	if err != nil {
		return err
	}
	for _, id := range ended {
		t.Changed(KindSession, found.Account, string(id))
	}
	return t.Emit(ctx, event.New(a, "session."+why, string(found.ID), "user", string(found.User), "root", string(found.Root)))
}

// Purge deletes up to limit sessions that ended or expired so long ago that no token of theirs can live.
func (s *Service) Purge(ctx context.Context, limit int) (n int64, err error) {
	err = s.d.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		n, err = s.d.Store.Purge(ctx, t, t.Now().Add(-2*MaxTokenLife), limit)
		return err
	})
	return n, err
}

func hash(cookie secret.Text) []byte { return secret.Hash(cookiePurpose, cookie.Reveal()) }
