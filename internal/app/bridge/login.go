package bridge

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/account/tenant"
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/invite"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/token"
	"github.com/admit-id/admit/internal/user"
)

// LoginApplications tells login what it needs of an application.
type LoginApplications struct{ Directory *application.Directory }

func (l LoginApplications) Get(account ident.AccountID, id ident.ApplicationID) (login.Application, bool) {
	found, ok := l.Directory.Get(account, id)
	if !ok {
		return login.Application{}, false
	}
	return login.Application{
		ID: found.ID, Name: found.Name, CookieDomain: found.CookieDomain, AllowsRedirect: found.AllowsRedirect,
		LoopbackTokens: func(url string) bool { return found.AllowLoopbackTokens && application.IsLoopback(url) },
	}, true
}

// LoginIssuer makes the tokens of a login from its session.
type LoginIssuer struct {
	Tokens  *token.Service
	Tenants *tenant.Directory
}

func (l LoginIssuer) Issue(ctx context.Context, g login.Grant) (login.Tokens, error) {
	audiences, life := l.audiences(g)
	p := token.Params{
		At: g.At, MaxLife: life, Account: g.Session.Account, User: g.Session.User, Session: g.Session.ID, Application: g.Application,
		Connection: g.Session.Connection, Audiences: audiences, Scopes: g.Scopes,
		AuthTime: g.Session.AuthTime(), AMR: g.Session.AMR(),
		Profile: token.Profile{
			Name: g.User.Name, Email: g.User.Email, EmailVerified: g.User.EmailVerified, Picture: g.User.Picture, Locale: g.User.Locale,
		},
		AccessClaims: g.User.Claims.Access, IDClaims: g.User.Claims.Identity,
	}
	access, err := l.Tokens.Access(ctx, p)
	if err != nil {
		return login.Tokens{}, err
	}
	id, err := l.Tokens.ID(ctx, p)
	if err != nil {
		return login.Tokens{}, err
	}
	return login.Tokens{Access: access.Token, ID: id.Token, Expires: access.Expires, Life: access.Life}, nil
}

// LoginTenants tells login of tenants.
type LoginTenants struct {
	*tenant.Service
	Directory *tenant.Directory
}

func loginTenant(n tenant.Tenant, ok bool) (login.Tenant, bool) {
	return login.Tenant{ID: n.ID, Connection: n.Connection, SessionLife: n.SessionLife}, ok
}

func (l LoginTenants) Get(account ident.AccountID, id ident.TenantID) (login.Tenant, bool) {
	return loginTenant(l.Directory.Get(account, id))
}

func (l LoginTenants) ByLookup(account ident.AccountID, lookup string) (login.Tenant, bool) {
	return loginTenant(l.Directory.ByLookup(account, lookup))
}

func (l LoginTenants) ByDomain(account ident.AccountID, domain string) (login.Tenant, bool) {
	return loginTenant(l.Directory.ByDomain(account, domain))
}

func (l LoginTenants) Admit(ctx context.Context, t tx.Tx, a login.Arrival) (ident.TenantID, error) {
	return l.Service.Admit(ctx, t, tenant.Arrival(a))
}

// audiences are what the application asked for, without the tenants that the account has or had: a
// token names one only because its person was let in for it.
func (l LoginIssuer) audiences(g login.Grant) (out []string, life time.Duration) {
	account := g.Session.Account
	for _, wanted := range g.Audiences {
		if !l.Tenants.Known(account, ident.TenantID(wanted)) {
			out = append(out, wanted)
		}
	}
	if n, ok := l.Tenants.Get(account, g.Tenant); ok {
		return append(out, string(n.ID)), n.TokenLife
	}
	return out, 0
}

// LoginInvites tells login of invites.
type LoginInvites struct{ *invite.Service }

func (l LoginInvites) Look(ctx context.Context, t tx.Tx, account ident.AccountID, id secret.Text) (login.Invitation, error) {
	found, err := l.Service.Look(ctx, t, account, id)
	if err != nil {
		return login.Invitation{}, err
	}
	return login.Invitation{Key: found.Key(), Tenant: found.Tenant}, nil
}

// TenantUsers tells tenants of people.
type TenantUsers struct{ Users *user.Service }

func (u TenantUsers) Exists(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (bool, error) {
	_, err := u.Users.Find(ctx, t, account, id)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}
