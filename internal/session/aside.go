package session

import (
	"context"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// MaxAside is how many sessions a browser can put aside for others. The oldest ends beyond it.
const MaxAside = 7

// EventSwitched tells that a browser took another of its sessions; the target is that session, details
// "user" and "from".
const EventSwitched = "session.switched"

// Aside returns the sessions that the browser of a session has put aside, the last first: the other
// accounts that it can switch to. Nothing but the session's own cookie leads to them.
func (s *Service) Aside(ctx context.Context, t tx.Tx, current Session) ([]Session, error) {
	return s.d.Chains.Aside(ctx, t, current.Account, current.Root)
}

// Switch gives a browser, which shows the cookie of its session, one that it has put aside: a fresh cookie
// of that. The session that it had is put aside instead. ErrNone when the cookie stands for no session, or
// that session does not hold the other.
func (s *Service) Switch(ctx context.Context, t tx.Tx, a actor.Actor, cookie secret.Text, to ident.SessionID) (Session, secret.Text, error) {
	current, err := s.ByCookie(ctx, t, a.Account, cookie)
	if err != nil {
		return Session{}, secret.Text{}, err
	}
	taken, err := s.d.Chains.TakeBack(ctx, t, Shelved{Account: a.Account, ID: to, Holder: current.Root, Salt: secret.Bytes(saltSize)})
	if fault.Is(err, fault.NotFound) {
		return Session{}, secret.Text{}, ErrNone
	}
	if err != nil {
		return Session{}, secret.Text{}, err
	}
	_, beside := secret.Split(cookie)
	switch ok, err := s.allows(ctx, t, taken, beside); {
	case err != nil:
		return Session{}, secret.Text{}, err
	case !ok:
		return Session{}, secret.Text{}, ErrNone
	}
	taken.presented = taken.Rotation.Version
	if err := s.putAside(ctx, t, current, taken.Root); err != nil {
		return Session{}, secret.Text{}, err
	}
	by := a
	by.Kind, by.ID, by.Session = actor.User, string(taken.User), taken.ID
	return taken, s.secrets.of(taken), t.Emit(ctx, event.New(by, EventSwitched, string(taken.ID), "user", string(taken.User), "from", string(current.ID)))
}

// putAside puts a session aside for a chain. A person has one session in a browser: an older one of
// the same person ends, and so do those beyond MaxAside.
func (s *Service) putAside(ctx context.Context, t tx.Tx, old Session, holder ident.SessionID) error {
	if err := s.d.Chains.PutAside(ctx, t, Shelved{Account: old.Account, ID: old.ID, Root: old.Root, Holder: holder, Salt: secret.Bytes(saltSize)}); err != nil {
		return err
	}
	held, err := s.d.Chains.Aside(ctx, t, old.Account, holder)
	if err != nil {
		return err
	}
	seen := map[ident.UserID]bool{}
	for i, one := range held {
		if i >= MaxAside || seen[one.User] {
			if err := s.end(ctx, t, actor.ForSystem(old.Account), one, ending{event: EventReplaced}); err != nil {
				return err
			}
		}
		seen[one.User] = true
	}
	return nil
}
