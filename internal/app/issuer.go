package app

import (
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/app/bridge"
	"github.com/admit-id/admit/internal/connection/oauth2"
	"github.com/admit-id/admit/internal/connection/oidc"
	"github.com/admit-id/admit/internal/issuer"
	"github.com/admit-id/admit/internal/issuer/issuerdb"
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

func (a *App) linkedIssuers() bridge.LinkedIssuers {
	signatures := oidc.NewBearers(oauth2.Deps{HTTP: a.outbound, Clock: a.clock})
	return bridge.LinkedIssuers{Verifier: issuer.NewVerifier(a.f.issuerDirectory, signatures, a.clock)}
}
