package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

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

// webServers returns the servers of the surfaces: the first is that of listen.
func (a *App) webServers() ([]*http.Server, error) {
	main := web.NewServer(a.router, a.log)
	main.Addr = a.cfg.Listen
	if a.cfg.TLSCert == "" {
		return []*http.Server{main}, nil
	}
	files, err := mtls.Open(a.cfg.TLSCert, a.cfg.TLSKey, a.clock, a.log)
	if err != nil {
		return nil, err
	}
	main.TLSConfig = files.Config(false)
	if a.cfg.MTLSListen == "" {
		return []*http.Server{main}, nil
	}
	asking := web.NewServer(a.router, a.log)
	asking.Addr, asking.TLSConfig = a.cfg.MTLSListen, files.Config(true)
	return []*http.Server{main, asking}, nil
}

// serveAll serves the surfaces until ctx ends or one of the servers fails.
func (a *App) serveAll(ctx context.Context, servers []*http.Server, listeners []net.Listener) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, len(servers))
	for i, s := range servers {
		go func() {
			ended <- web.Serve(serving, s, a.router, listeners[i], a.cfg.ShutdownAfter)
			stop()
		}()
	}
	var err error
	for range servers {
		err = errors.Join(err, <-ended)
	}
	return err
}
