package logout

import (
	"context"

	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Join notes that a client takes part in a session, in the unit of work in which its tokens are issued.
func (s *Service) Join(ctx context.Context, t tx.Tx, p Party) error {
	if p.Session == "" || p.Root == "" || p.User == "" || p.Client == "" {
		return fault.New(fault.Internal, fault.CodeInternal, "Who takes part in a session has a name, and so have the session and its person.")
	}
	return s.d.Store.Join(ctx, t, p)
}

// SessionEnded reacts to the end of a chain of sessions, whatever ended it.
func (s *Service) SessionEnded(ctx context.Context, t tx.Tx, e event.Event) error {
	root := e.Detail["root"]
	if root == "" {
		root = e.Target
	}
	if err := s.d.Grants.EndForSession(ctx, t, e.Actor, ident.SessionID(root)); err != nil {
		return err
	}
	_, err := s.d.Store.Leave(ctx, t, Whose{Account: e.Account, Root: ident.SessionID(root)})
	return err
}

// UserEnded reacts to the end of everything of a person: what waits with their yes goes, and clients
// are told.
func (s *Service) UserEnded(ctx context.Context, t tx.Tx, e event.Event) error {
	user := ident.UserID(e.Target)
	if user == "" {
		return nil
	}
	if err := s.d.Devices.EndUser(ctx, t, e.Account, user); err != nil {
		return err
	}
	_, err := s.d.Store.Leave(ctx, t, Whose{Account: e.Account, User: user})
	return err
}

// ForgetClient reacts to the end of a client: nobody is there to be told.
func (s *Service) ForgetClient(ctx context.Context, t tx.Tx, e event.Event) error {
	return s.d.Store.Forget(ctx, t, e.Account, e.Target)
}

// Purge deletes up to limit deliveries that are over, and parties of sessions that cannot live any more.
func (s *Service) Purge(ctx context.Context, limit int) (n int64, err error) {
	err = s.d.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		n, err = s.d.Store.Purge(ctx, t, t.Now().Add(-keepDone), t.Now().Add(-PartyLife), limit)
		return err
	})
	return n, err
}
