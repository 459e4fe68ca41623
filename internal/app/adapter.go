package app

import (
	"context"

	"github.com/admit-id/admit/internal/account/tenant"
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/setup"
	"github.com/admit-id/admit/internal/serviceclient"
	"github.com/admit-id/admit/internal/surface/dev"
	"github.com/admit-id/admit/internal/surface/hosted"
	"github.com/admit-id/admit/internal/token"
)

// clientOptions tells access what a client was given besides records.
type clientOptions struct{ directory *serviceclient.Directory }

func (c clientOptions) MayReadPermissions(account ident.AccountID, id ident.ServiceClientID) bool {
	o, ok := c.directory.Options(account, id)
	return ok && o.GrantUserPermissionsAccess
}

// handoverClients tells which service clients may say who a person is.
type handoverClients struct{ *serviceclient.Directory }

func (h handoverClients) MaySignInAnyone(account ident.AccountID, id ident.ServiceClientID) bool {
	o, ok := h.Options(account, id)
	return ok && o.GrantTokenGeneration
}

// loginApplications tells login what it needs of an application.
type loginApplications struct{ directory *application.Directory }

func (l loginApplications) Get(account ident.AccountID, id ident.ApplicationID) (login.Application, bool) {
	found, ok := l.directory.Get(account, id)
	if !ok {
		return login.Application{}, false
	}
	return login.Application{
		ID: found.ID, Name: found.Name, CookieDomain: found.CookieDomain, AllowsRedirect: found.AllowsRedirect,
		LoopbackTokens: func(url string) bool { return found.AllowLoopbackTokens && application.IsLoopback(url) },
	}, true
}

// pageLinks are the verbs of the links that people open from a mail or a terminal.
type pageLinks struct {
	*login.Service
	*setups
}

type setups = setup.Service

// loginIssuer makes the tokens of a login from its session.
type loginIssuer struct {
	tokens  *token.Service
	tenants *tenant.Directory
}

func (l loginIssuer) Issue(ctx context.Context, g login.Grant) (login.Tokens, error) {
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
	access, err := l.tokens.Access(ctx, p)
	if err != nil {
		return login.Tokens{}, err
	}
	id, err := l.tokens.ID(ctx, p)
	if err != nil {
		return login.Tokens{}, err
	}
	return login.Tokens{Access: access.Token, ID: id.Token, Expires: access.Expires, Life: access.Life}, nil
}

// pageAccounts tells the pages how an account looks.
type pageAccounts struct{ *features }

func (p pageAccounts) Brand(id ident.AccountID) hosted.Brand {
	found, _ := p.accountDirectory.Get(id)
	return hosted.Brand{Name: found.Name, Logo: found.LogoURL, Accent: found.AccentColor, Locale: found.Settings.Locale}
}

func (p pageAccounts) Issuer(id ident.AccountID) string { return p.accountDirectory.Issuer(id) }

// hosts tells the router which account answers to a host.
type hosts struct {
	*features
	beside func(host string) (string, bool) // finds the host that another one is an alias of
}

func (h hosts) ByHost(host string) (ident.AccountID, bool) {
	found, ok := h.accountDirectory.ByHost(host)
	if !ok {
		if same, alias := h.beside(host); alias {
			found, ok = h.accountDirectory.ByHost(same)
		}
	}
	return found.ID, ok
}

// reportForeign writes down that a token of one account was sent to another's host.
func (a *App) reportForeign(count func()) func(context.Context, token.Foreign) {
	return func(ctx context.Context, f token.Foreign) {
		count()
		err := a.db.Write(ctx, tx.In(f.Account), func(ctx context.Context, t tx.Tx) error {
			by := actor.Actor{Account: f.Account, RequestID: web.ContextRequestID(ctx)}
			return t.Emit(ctx, event.New(by, "token.foreign", f.Actor.String(), "from", string(f.From)))
		})
		if err != nil {
			a.log.ErrorContext(ctx, "a token of another account could not be written to the audit trail", "error", err)
		}
	}
}

// mailbox shows the mails of development mode.
type mailbox struct {
	db     tx.Runner
	outbox *mail.Outbox
}

func (m mailbox) List(ctx context.Context, account ident.AccountID) ([]dev.Mail, error) {
	var out []dev.Mail
	err := m.db.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		kept, err := m.outbox.List(ctx, t, account, 50)
		for _, k := range kept {
			out = append(out, dev.Mail{ID: k.ID, To: string(k.To), Subject: k.Subject, Text: k.Text, SentAt: k.CreatedAt})
		}
		return err
	})
	return out, err
}
