package app

import (
	"context"

	"github.com/admit-id/admit/internal/invite"
	"github.com/admit-id/admit/internal/invite/invitedb"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
)

func (a *App) buildInvites() {
	a.f.invites = invite.New(invite.Deps{
		DB: a.db, Store: invitedb.Store{}, Engine: a.f.engine, Access: a.f.access, Users: a.f.users,
		Tenant: func(account ident.AccountID, id ident.TenantID) bool {
			_, ok := a.f.tenantDirectory.Get(account, id)
			return ok
		},
	})
}

// loginInvites tells login of invites.
type loginInvites struct{ *invite.Service }

func (l loginInvites) Look(ctx context.Context, t tx.Tx, account ident.AccountID, id secret.Text) (login.Invitation, error) {
	found, err := l.Service.Look(ctx, t, account, id)
	if err != nil {
		return login.Invitation{}, err
	}
	return login.Invitation{Key: found.Key(), Tenant: found.Tenant}, nil
}
