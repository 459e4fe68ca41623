package session

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// EventTheft tells that an old secret of a session came after its successor was in use; the target is the
// session, details "user" and "root". The chain ends with it.
const EventTheft = "session.theft"

// LateWindow is how long after a rotation the secrets before it are taken for late ones of the same
// browser: requests in flight, other tabs.
const LateWindow = time.Minute

// Rotation is the state of a session's secret. Version 0 is a session from before secrets were computed.
type Rotation struct {
	Version   int64
	Salt      []byte
	Confirmed int64     // the newest version that a browser has brought
	At        time.Time // when the version began
	// LateFrom is the oldest version that can be late. LateNext takes its place at the first rotation
	// after LateSince is LateWindow ago, so that a page that renews every second leaves no old one alive.
	LateFrom, LateNext int64
	LateSince          time.Time
}

// next is the state after the living secret was used to renew.
func (r Rotation) next(now time.Time) Rotation {
	n := Rotation{Version: r.Version + 1, Salt: r.Salt, Confirmed: r.Version, At: now, LateFrom: r.LateFrom, LateNext: r.LateNext, LateSince: r.LateSince}
	quiet, full := now.Sub(r.At) > LateWindow, now.Sub(r.LateSince) > LateWindow
	if full {
		n.LateFrom = r.LateNext
	}
	if quiet {
		n.LateFrom = r.Version
	}
	if quiet || full {
		n.LateNext, n.LateSince = r.Version, now
	}
	if r.Version == 0 {
		n.Salt = secret.Bytes(saltSize)
	}
	return n
}

// standing is what a genuine secret of a session is worth.
type standing uint8

const (
	unknown standing = iota // never given out
	living                  // the newest
	late                    // an older one of the same browser: the answer with its successor was lost, or is on its way
	stale                   // an older one whose successor is in use elsewhere: stolen, or the successor is
)

func (r Rotation) standing(version int64, now time.Time) standing {
	switch {
	case version > r.Version || version < 0:
		return unknown
	case version == r.Version:
		return living
	case version == r.Version-1 && r.Confirmed < r.Version:
		return late
	case version >= r.LateFrom && now.Sub(r.At) <= LateWindow:
		return late
	}
	return stale
}

// Step is one rotation: what must hold, and what holds then.
type Step struct {
	Account      ident.AccountID
	From         Presented
	ID           ident.SessionID
	Next         Rotation
	ExpiresAt    time.Time // zero for as it is
	Address      string
	Device       string
	Applications []string
}

// weigh finds the session behind a cookie and what the cookie is worth by itself. Unknown without one.
func (s *Service) weigh(ctx context.Context, t tx.Tx, account ident.AccountID, p Presented) (Session, standing, error) {
	found, err := s.d.Store.ByCookie(ctx, t, account, p)
	if fault.Is(err, fault.NotFound) {
		return Session{}, unknown, nil
	}
	if err != nil {
		return Session{}, unknown, err
	}
	return found, found.Rotation.standing(p.Version, t.Now()), nil
}

// judge is weigh with what binds the session to its browser.
func (s *Service) judge(ctx context.Context, t tx.Tx, account ident.AccountID, p Presented) (Session, standing, error) {
	found, worth, err := s.weigh(ctx, t, account, p)
	if err != nil || worth == unknown {
		return Session{}, unknown, err
	}
	if worth == living || worth == late {
		if ok, err := s.allows(ctx, t, found, p.beside); err != nil || !ok {
			return Session{}, unknown, err
		}
	}
	found.presented = p.Version
	return found, worth, nil
}

// Use is what somebody wants who renews.
type Use struct {
	Actor       actor.Actor
	Cookie      secret.Text
	Application string // that is used, or empty
	// Look reads what else is needed, in the unit of work that finds the session. It may be nil.
	Look func(ctx context.Context, t tx.Tx, found Session) error
}

// Renew notes that a session is used by its page and replaces its secret, by one statement that carries
// every binding (I-4). The cookie that it returns is to be set, always. Of many at once one rotates, and
// all get the same successor. ErrNone when there is no session.
func (s *Service) Renew(ctx context.Context, u Use) (Session, secret.Text, error) {
	account := u.Actor.Account
	p, ok := s.secrets.read(account, u.Cookie)
	if !ok {
		return Session{}, secret.Text{}, ErrNone
	}
	if p.ID == "" { // anybody can send such a text: what nobody was given stays out of the writer's way
		there := false
		err := s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
			_, worth, err := s.judge(ctx, t, account, p)
			there = worth != unknown
			return err
		})
		if err != nil {
			return Session{}, secret.Text{}, err
		}
		if !there {
			return Session{}, secret.Text{}, ErrNone
		}
	}
	var found Session
	var worth standing
	// What is read is read by the writer: on SQLite a reader beside it keeps no page over its commits.
	err := s.d.DB.Write(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
		found, worth, err = s.judge(ctx, t, account, p)
		if err != nil {
			return err
		}
		if u.Look != nil && (worth == living || worth == late) {
			if err := u.Look(ctx, t, found); err != nil {
				return err
			}
		}
		found, worth, err = s.rotate(ctx, t, u, p, found, worth)
		return err
	})
	switch {
	case err != nil:
		return Session{}, secret.Text{}, err
	case worth != living && worth != late:
		return Session{}, secret.Text{}, ErrNone
	}
	return found, s.secrets.of(found), nil
}

// RenewIn is Renew in the caller's unit of work. ErrNone, after which the caller has nothing to write, when there
// is no session; one that was stolen is ended beside that unit of work.
func (s *Service) RenewIn(ctx context.Context, t tx.Tx, u Use) (Session, secret.Text, error) {
	p, ok := s.secrets.read(u.Actor.Account, u.Cookie)
	if !ok {
		return Session{}, secret.Text{}, ErrNone
	}
	found, worth, err := s.judge(ctx, t, u.Actor.Account, p)
	if err == nil && worth == living {
		found, worth, err = s.rotate(ctx, t, u, p, found, worth)
	}
	switch {
	case err != nil:
		return Session{}, secret.Text{}, err
	case worth == living || worth == late:
		return found, s.secrets.of(found), nil
	case worth == stale:
		s.suspect(ctx, u.Actor.Account, p)
	}
	return Session{}, secret.Text{}, ErrNone
}

// rotate is the change of a renewal. Whoever comes too late for it is judged again, by what is true now.
func (s *Service) rotate(ctx context.Context, t tx.Tx, u Use, p Presented, found Session, worth standing) (Session, standing, error) {
	if worth == living {
		step, moved := s.step(t.Now(), u, p, found)
		err := s.d.Chains.Rotate(ctx, t, step)
		if !fault.Is(err, fault.NotFound) {
			return moved, living, err
		}
		if found, worth, err = s.judge(ctx, t, u.Actor.Account, p); err != nil || worth == living {
			return Session{}, unknown, err // living, and yet it could not be moved on: it ends at this moment
		}
	}
	if worth == stale {
		return Session{}, unknown, s.stolen(ctx, t, u.Actor, found)
	}
	return found, worth, nil
}

// step says what becomes of a session that renews.
func (s *Service) step(now time.Time, u Use, p Presented, found Session) (Step, Session) {
	l := s.limits(found.Account)
	found.Rotation = found.Rotation.next(now)
	found.Applications = withApplication(found.Applications, u.Application)
	found.LastSeen, found.Address = now, u.Actor.Address
	if device := Device(u.Actor.Agent); device != "" {
		found.Device = device
	}
	step := Step{Account: found.Account, From: p, ID: found.ID, Next: found.Rotation, Address: found.Address, Device: found.Device, Applications: found.Applications}
	if to := slid(found, l, now); to.Sub(found.ExpiresAt) >= coarse(l) { // it is in an index, and moves seldom
		found.ExpiresAt, step.ExpiresAt = to, to
	}
	found.presented = found.Rotation.Version
	return step, found
}

// stolen ends a chain of sessions one of whose old secrets came after its successor was in use.
func (s *Service) stolen(ctx context.Context, t tx.Tx, a actor.Actor, found Session) error {
	return s.end(ctx, t, a, found, ending{event: EventEnded, grants: true, theft: true})
}

// suspect ends a stolen session beside the unit of work that noticed it, which may be a read, and
// which ends as if there were no session. When many are noticed at once, the next use notices again.
func (s *Service) suspect(ctx context.Context, account ident.AccountID, p Presented) {
	select {
	case s.suspects <- struct{}{}:
	default:
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), suspectLimit)
	go func() {
		defer cancel()
		defer func() { <-s.suspects }()
		err := s.d.DB.Write(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
			found, worth, err := s.judge(ctx, t, account, p)
			if err != nil || worth != stale {
				return err
			}
			return s.stolen(ctx, t, actor.Actor{Kind: actor.Anonymous, Account: account}, found)
		})
		if err != nil && s.d.Log != nil {
			s.d.Log.ErrorContext(ctx, "a stolen session could not be ended yet", "account", account, "session", p.ID, "error", err)
		}
	}()
}

const (
	suspectLimit = 10 * time.Second
	maxSuspects  = 4
)
