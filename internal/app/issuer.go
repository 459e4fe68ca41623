package app

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/connection/oauth2"
	"github.com/admit-id/admit/internal/connection/oidc"
	"github.com/admit-id/admit/internal/issuer"
	"github.com/admit-id/admit/internal/issuer/issuerdb"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/token"
)

func (a *App) buildIssuers() {
	a.f.issuers = issuer.New(issuer.Deps{DB: a.db, Store: issuerdb.Store{}, Own: a.ownIssuer, PlainLoopback: a.plainLoopback()})
	a.f.issuerDirectory = issuer.NewDirectory(issuerdb.Store{})
}

// ownIssuer tells whether an issuer is this deployment, in any of the forms that tokens of ours
// name it.
func (a *App) ownIssuer(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return true
	}
	_, ours := a.f.accountDirectory.ByHost(u.Host)
	return ours || strings.HasSuffix(strings.ToLower(u.Hostname()), ".api.authress.io")
}

// linkedIssuers lets the tokens of foreign issuers in.
type linkedIssuers struct{ *issuer.Verifier }

func (a *App) linkedIssuers() linkedIssuers {
	signatures := oidc.NewBearers(oauth2.Deps{HTTP: a.outbound, Clock: a.clock})
	return linkedIssuers{issuer.NewVerifier(a.f.issuerDirectory, signatures, a.clock)}
}

func (l linkedIssuers) Verify(ctx context.Context, account ident.AccountID, bearer string) (token.LinkedProof, error) {
	p, err := l.Verifier.Verify(ctx, account, bearer)
	if errors.Is(err, issuer.ErrNobodys) {
		err = token.ErrNotLinked
	}
	return token.LinkedProof{User: p.User, Link: string(p.Trust), TokenID: p.TokenID, Issued: p.Issued, Expires: p.Expires}, err
}

func (l linkedIssuers) Linked(account ident.AccountID, link string) bool {
	return l.Trusted(account, issuer.ID(link))
}
