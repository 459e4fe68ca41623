package app

import (
	"context"
	"maps"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize"
	"github.com/admit-id/admit/internal/oauth/authorize/authorizedb"
	"github.com/admit-id/admit/internal/oauth/authorize/check"
	"github.com/admit-id/admit/internal/oauth/consent"
	"github.com/admit-id/admit/internal/oauth/consent/consentdb"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/surface/oidc"
	"github.com/admit-id/admit/internal/surface/oidc/front"
	"github.com/admit-id/admit/internal/token"
)

func (a *App) buildAuthorize() {
	x, o := &a.f, &a.f.oauth
	o.consents = consent.New(a.db, consentdb.Store{})
	o.requests = authorize.New(authorize.Deps{
		DB: a.db, Store: authorizedb.Store{}, Codes: o.codes, Logins: x.begins, Enough: a.enough, Sessions: x.sessions, Users: o.people,
		Consents: o.consents, Asked: consent.Asked, Sign: a.signAnswer, Log: a.log,
		Tools: check.Tools{
			Clients: o.parties, Issuer: x.accountDirectory.Issuer, Clock: a.clock, VerifySigned: a.verifySigned, Hint: a.idTokenHint,
		},
	})
}

// enough tells whether a session may be used for a client without a word: it is what the policy demands, and
// its person has not signed in elsewhere since where they can do so at one place only.
func (a *App) enough(ctx context.Context, t tx.Tx, v authorize.Visit, found session.Session, app ident.ApplicationID) (bool, error) {
	ok, err := a.f.logins.Answers(ctx, t, v, found, app)
	if err != nil || !ok {
		return false, err
	}
	return a.f.person.Seats.Renew(ctx, t, found, app)
}

func (a *App) frontSurface(pages front.Pages, home web.Handler) *front.Surface {
	return front.New(front.Deps{
		Requests: a.f.oauth.requests, Clients: a.f.oauth.parties, Proofs: a.f.proofs, Pages: pages, Issuer: a.f.accountDirectory.Issuer, Home: home,
	})
}

// provider tells what the authorization server of an account offers.
type provider struct{ *App }

func (p provider) Offer(id ident.AccountID) oidc.Offer {
	found, _ := p.f.accountDirectory.Get(id)
	return oidc.Offer{
		Registration: found.Settings.OAuth.Registration != account.RegistrationOff, Documents: len(found.Settings.OAuth.DocumentHosts) > 0,
		Certificates: p.takesCertificates(), Authorities: p.cfg.MTLSCA != "", MTLS: p.mtlsURL(id),
	}
}

func (p provider) Serves(path string) bool { return p.served[path] }

func (p provider) GrantTypes() []string { return p.f.oauth.pipeline.GrantTypes() }

// verifySigned reads what a client has signed.
func (a *App) verifySigned(ctx context.Context, c oauth.Client, text string, algorithms, types []string) (map[string]any, error) {
	return a.f.oauth.parties.VerifySigned(ctx, c, text, algorithms, types)
}

// idTokenHint reads an ID token of the account that a client sends back.
func (a *App) idTokenHint(_ context.Context, account ident.AccountID, text string) (check.Hint, error) {
	own, err := a.f.tokens.ReadID(account, text)
	return check.Hint{User: ident.UserID(own.Subject), Audience: own.Audience}, err
}

// signAnswer makes the JWT of an authorization response (JARM).
func (a *App) signAnswer(ctx context.Context, c oauth.Client, claims map[string]any) (secret.Text, error) {
	return a.f.tokens.Response(ctx, token.ResponseParams{
		Account: c.Account, Type: jose.TypeAuthorization, Claims: maps.Clone(claims),
		Signing: token.Signing{Alg: c.Settings.AuthorizationAlg, Static: c.Settings.StaticKey},
	})
}
