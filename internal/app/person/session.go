package person

import (
	"context"
	"sync"

	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/pipeline"
	"github.com/admit-id/admit/internal/session"
)

// uses notes for which applications a session is used.
type uses struct {
	sessions *session.Service

	mu    sync.Mutex
	known map[use]struct{} // that need not be looked at again: they were there before
}

type use struct {
	account     ident.AccountID
	session     ident.SessionID
	application string
}

// maxUses bounds what is remembered. It decides nothing but whether the database is asked.
const maxUses = 16384

func newUses(s *session.Service) *uses { return &uses{sessions: s, known: map[use]struct{}{}} }

func (u *uses) subscribe(bus *tx.Bus) {
	bus.Subscribe("login.finished", func(ctx context.Context, t tx.Tx, e event.Event) error {
		return u.note(ctx, t, use{e.Account, ident.SessionID(e.Detail["session"]), e.Detail["application"]})
	})
	bus.Subscribe(pipeline.EventIssued, func(ctx context.Context, t tx.Tx, e event.Event) error {
		if e.Detail["user"] == "" || e.Detail["grantType"] == "refresh_token" {
			return nil
		}
		return u.note(ctx, t, use{e.Account, ident.SessionID(e.Detail["session"]), e.Detail["client"]})
	})
}

func (u *uses) note(ctx context.Context, t tx.Tx, one use) error {
	if one.session == "" || one.application == "" || u.has(one) {
		return nil
	}
	fresh, err := u.sessions.NoteApplication(ctx, t, one.account, one.session, one.application)
	if err != nil || fresh { // which is not durable yet
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.known) >= maxUses {
		for old := range u.known { // the order is random
			delete(u.known, old)
			break
		}
	}
	u.known[one] = struct{}{}
	return nil
}

func (u *uses) has(one use) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, ok := u.known[one]
	return ok
}
