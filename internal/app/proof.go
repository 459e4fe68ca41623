package app

import (
	"fmt"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mtls"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth/dpop"
	"github.com/admit-id/admit/internal/oauth/dpop/dpopdb"
)

func (a *App) buildProofs() {
	a.f.proofs = dpop.New(dpop.Deps{
		DB: a.db, Store: dpopdb.Store{}, Keys: a.keys, Clock: a.clock, RequireNonce: a.cfg.RequireNonce,
	})
}

// certificates says where client certificates come from.
func (a *App) certificates() (web.Certificates, error) {
	c := web.Certificates{Form: mtls.Form(a.cfg.ClientCert)}
	if a.cfg.MTLSCA == "" {
		return c, nil
	}
	var err error
	if c.Authorities, err = mtls.Authorities(a.cfg.MTLSCA); err != nil {
		return c, fmt.Errorf("mtls-ca: %w", err)
	}
	return c, nil
}

// takesCertificates tells whether clients can show certificates here at all.
func (a *App) takesCertificates() bool { return a.cfg.MTLSListen != "" || a.cfg.ClientCert != "" }

// mtlsURL returns the base of mtls_endpoint_aliases of an account, or "" (RFC 8705 section 5).
func (a *App) mtlsURL(account ident.AccountID) string {
	return a.cfg.MTLSAlias(a.f.accountDirectory.Issuer(account))
}
