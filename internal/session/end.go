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

// EventUserEnded tells that every session and token of a person was ended; the target is the person, detail "sessions".
const EventUserEnded = "session.user.ended"

const (
	// EventEnded tells that a chain of sessions was ended, and EventReplaced that somebody else signed in with its
	// browser; the target is the session, details "user" and "root", and "grants" is "all" when refresh
	// tokens end with it that would outlive a logout.
	EventEnded    = "session.ended"
	EventReplaced = "session.replaced"
)

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
	return s.end(ctx, t, a, found, ending{event: EventEnded})
}

// EndCookie ends the session behind a cookie. It tells whether there was one. What binds a session is
// not asked for: a browser whose bound cookie has run out logs out all the same, and a thief may too.
func (s *Service) EndCookie(ctx context.Context, a actor.Actor, cookie secret.Text) (ended bool, err error) {
	p, ok := s.secrets.read(a.Account, cookie)
	if !ok {
		return false, nil
	}
	err = s.d.DB.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		ended = false
		found, worth, err := s.weigh(ctx, t, a.Account, p)
		if err != nil || worth == unknown {
			return err
		}
		if worth == stale {
			return s.stolen(ctx, t, a, found)
		}
		ended = true
		by := a
		if by.Kind == actor.Anonymous { // the cookie says who it is
			by.Kind, by.ID, by.Session = actor.User, string(found.User), found.ID
		}
		return s.end(ctx, t, by, found, ending{event: EventEnded})
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

// ending is how a chain ends.
type ending struct {
	event  string
	grants bool // with the refresh tokens that outlive a logout
	theft  bool
}

// end ends a chain, and what its browser has put aside: nobody could get at that any more.
func (s *Service) end(ctx context.Context, t tx.Tx, a actor.Actor, found Session, how ending) error {
	aside, err := s.d.Chains.Aside(ctx, t, found.Account, found.Root)
	if err != nil {
		return err
	}
	for i, one := range append([]Session{found}, aside...) {
		if i > 0 {
			how.theft = false
		}
		ended, err := s.d.Store.End(ctx, t, one.Account, one.Root)
		if err != nil {
			return err
		}
		for _, id := range ended {
			t.Changed(KindSession, one.Account, string(id))
		}
		if len(ended) == 0 { // by somebody else a moment ago, who has told everybody
			t.Changed(KindSession, one.Account, string(one.ID))
			continue
		}
		if err := told(ctx, t, a, one, how); err != nil {
			return err
		}
	}
	return nil
}

func told(ctx context.Context, t tx.Tx, a actor.Actor, one Session, how ending) error {
	detail := []string{"user", string(one.User), "root", string(one.Root)}
	if how.theft {
		if err := t.Emit(ctx, event.New(a, EventTheft, string(one.ID), detail...)); err != nil {
			return err
		}
	}
	if how.grants {
		detail = append(detail, "grants", "all")
	}
	return t.Emit(ctx, event.New(a, how.event, string(one.ID), detail...))
}
