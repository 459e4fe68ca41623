package logout

import (
	"context"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// batch is how many sessions end in one unit of work.
const batch = 2000

// EndUser logs a person out everywhere: every browser, every token, every client. See UserEnded.
func (s *Service) EndUser(ctx context.Context, by actor.Actor, user ident.UserID) error {
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		return s.d.Sessions.EndUser(ctx, t, by, user)
	})
	return fault.Wrap("logout.EndUser", err)
}

// EndClient logs everybody out of one client. The browser's sessions stay, so that a first-party
// client may sign people in again without a question.
func (s *Service) EndClient(ctx context.Context, by actor.Actor, client string) error {
	if client == "" {
		return fault.New(fault.Invalid, fault.CodeInvalidRequest, "There is no such client.")
	}
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		if err := s.d.Devices.EndClient(ctx, t, by.Account, client); err != nil {
			return err
		}
		if err := s.d.Grants.EndForClient(ctx, t, by, client); err != nil {
			return err
		}
		if _, err := s.d.Store.Leave(ctx, t, Whose{Account: by.Account, Client: client}); err != nil {
			return err
		}
		return t.Emit(ctx, event.New(by, EventClient, client))
	})
	return fault.Wrap("logout.EndClient", err)
}

// EndAccount logs everybody out of everything. An error on the way leaves some sessions alive: call
// it again. Tokens and refresh tokens die with its first step.
func (s *Service) EndAccount(ctx context.Context, by actor.Actor) error {
	for first := true; ; first = false {
		ended := 0
		err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) (err error) {
			if ended, err = s.d.Cuts.EndSome(ctx, t, by.Account, batch); err != nil {
				return err
			}
			if first {
				if err := s.d.Devices.EndClient(ctx, t, by.Account, ""); err != nil {
					return err
				}
			}
			// Every time: until its session has ended, a code or a device begins more of them.
			if err := s.d.Grants.EndForAccount(ctx, t, by); err != nil || !first {
				return err
			}
			if _, err := s.d.Store.Leave(ctx, t, Whose{Account: by.Account}); err != nil {
				return err
			}
			return t.Emit(ctx, event.New(by, EventAccount, string(by.Account)))
		})
		if err != nil {
			return fault.Wrap("logout.EndAccount", err)
		}
		if ended < batch {
			return nil
		}
	}
}
