package app

import (
	"github.com/admit-id/admit/internal/invite"
	"github.com/admit-id/admit/internal/invite/invitedb"
	"github.com/admit-id/admit/internal/kit/ident"
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
