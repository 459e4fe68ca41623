package app

import (
	"context"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/away"
	"github.com/admit-id/admit/internal/login/choice"
	"github.com/admit-id/admit/internal/login/mailed"
	"github.com/admit-id/admit/internal/login/setup"
	"github.com/admit-id/admit/internal/surface/hosted/page"
	"github.com/admit-id/admit/internal/token"
)

// pageLinks are the verbs of the links that people open from a mail or a terminal.
type pageLinks struct {
	*login.Service
	*aways
	*setups
	*mails
}

// pageSteps are the verbs of the login box.
type pageSteps struct {
	*login.Service
	*mails
	*choices
}

// pageUpstream are the verbs of the other ways to sign in.
type pageUpstream struct {
	*login.Service
	*aways
}

type (
	setups  = setup.Service
	choices = choice.Service
	aways   = away.Service
	mails   = mailed.Service
)

// pageAccounts tells the pages how an account looks.
type pageAccounts struct{ *features }

func (p pageAccounts) Brand(id ident.AccountID) page.Brand {
	found, _ := p.accountDirectory.Get(id)
	return page.Brand{Name: found.Name, Logo: found.LogoURL, Accent: found.AccentColor, Locale: found.Settings.Locale}
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
