package login

import (
	"context"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// fillAccounts lists who is signed in with this browser.
func (s *Service) fillAccounts(ctx context.Context, view *View, f Facts) error {
	return s.d.DB.Read(ctx, tx.In(view.Account), func(ctx context.Context, t tx.Tx) error {
		view.Accounts = nil
		for i, one := range append([]session.Session{*f.Session}, f.Aside...) {
			u, err := s.d.Users.Find(ctx, t, view.Account, one.User)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			view.Accounts = append(view.Accounts, Account{Which: string(one.ID), Person: Person{ID: u.ID, Name: u.Name, Email: u.Email}, Active: i == 0})
		}
		return nil
	})
}
