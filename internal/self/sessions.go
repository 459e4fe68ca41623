package self

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// maxSessions is how many sessions a person is shown at once.
const maxSessions = session.MaxListed

// Browsers are where a person need not show a second factor. *remember.Service has them.
type Browsers interface {
	// ForgetOthers forgets all of a person but the one with that cookie.
	ForgetOthers(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, cookie secret.Text) error
}

// Sessions is where a person is signed in, each verb a unit of work of its own.
type Sessions struct {
	db       tx.Runner
	sessions *session.Service
	browsers Browsers
}

// NewSessions makes it.
func NewSessions(db tx.Runner, s *session.Service, b Browsers) *Sessions { return &Sessions{db, s, b} }

func own(by actor.Actor) (ident.UserID, error) {
	if by.Kind != actor.User || by.ID == "" {
		return "", fault.New(fault.Forbidden, fault.CodeForbidden, "Only a person has sessions of their own.")
	}
	return ident.UserID(by.ID), nil
}

// List returns a page of the living sessions of a person, the newest first. before is the next of the page before,
// empty on the first; next is empty on the last.
func (s *Sessions) List(ctx context.Context, account ident.AccountID, user ident.UserID, before string) (page []session.Session, next string, err error) {
	q := session.ListQuery{Account: account, User: user, Limit: maxSessions}
	if at, after, ok := strings.Cut(before, "_"); ok {
		if micros, err := strconv.ParseInt(at, 10, 64); err == nil {
			q.Before, q.After = time.UnixMicro(micros), ident.SessionID(after)
		}
	}
	if page, err = s.sessions.Page(ctx, q); err != nil {
		return nil, "", fault.Wrap("self.Sessions", err)
	}
	if len(page) == maxSessions {
		last := page[len(page)-1]
		next = fmt.Sprintf("%d_%s", last.CreatedAt.UnixMicro(), last.ID)
	}
	return page, next, nil
}

// ByID returns a living session of the account. session.ErrNone when there is none.
func (s *Sessions) ByID(ctx context.Context, account ident.AccountID, id ident.SessionID) (found session.Session, err error) {
	err = s.db.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		found, err = s.sessions.ByID(ctx, t, account, id)
		return err
	})
	return found, err
}

// End ends one session of the person, with everything that was got by it. NotFound when they have none such.
func (s *Sessions) End(ctx context.Context, by actor.Actor, id ident.SessionID) error {
	user, err := own(by)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		there, err := s.sessions.EndOf(ctx, t, by, user, id)
		if err == nil && !there {
			err = fault.New(fault.NotFound, fault.CodeNotFound, "There is no such session.")
		}
		return err
	})
}

// EndOthers ends every session of the person but one of theirs, and tells how many. No other browser than
// the one with that cookie is remembered any more: whoever sits at one of them is a stranger from now on.
func (s *Sessions) EndOthers(ctx context.Context, by actor.Actor, keep session.Session, device secret.Text) (n int, err error) {
	user, err := own(by)
	if err != nil {
		return 0, err
	}
	if keep.User != user || keep.Account != by.Account {
		return 0, fault.New(fault.Forbidden, fault.CodeForbidden, "This session is another person's.")
	}
	err = s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		if n, err = s.sessions.EndOthers(ctx, t, by, keep); err != nil {
			return err
		}
		return s.browsers.ForgetOthers(ctx, t, by, user, device)
	})
	return n, err
}

// EndAll ends every session of the person, and every token that was issued until now.
func (s *Sessions) EndAll(ctx context.Context, by actor.Actor) error {
	user, err := own(by)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		return s.sessions.EndUser(ctx, t, by, user)
	})
}

// Where is a session as an Export tells of it.
type Where struct {
	ID           ident.SessionID `json:"sessionId"`
	Device       string          `json:"device,omitempty"`
	Address      string          `json:"address,omitempty"`
	Applications []string        `json:"applications,omitempty"`
	Methods      []string        `json:"methods"`
	CreatedAt    time.Time       `json:"createdTime"`
	LastSeen     time.Time       `json:"lastSeenTime"`
	ExpiresAt    time.Time       `json:"expiresTime"`
}

// About returns all sessions of a person, for themselves to take along.
func (s *Sessions) About(ctx context.Context, account ident.AccountID, user ident.UserID) ([]Where, error) {
	out := []Where{}
	for q := (session.ListQuery{Account: account, User: user, Limit: maxSessions}); ; {
		page, err := s.sessions.Page(ctx, q)
		if err != nil {
			return nil, fault.Wrap("self.Sessions", err)
		}
		for _, one := range page {
			w := Where{one.ID, one.Device, one.Address, one.Applications, []string{}, one.CreatedAt, one.LastSeen, one.ExpiresAt}
			for _, e := range one.Evidence {
				w.Methods = append(w.Methods, e.Method)
			}
			out = append(out, w)
			q.Before, q.After = one.CreatedAt, one.ID
		}
		if len(page) < maxSessions {
			return out, nil
		}
	}
}
