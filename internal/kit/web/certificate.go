package web

import (
	"crypto/x509"
	"net/http"

	"github.com/admit-id/admit/internal/kit/mtls"
)

// Certificates says where client certificates come from, and who vouches for them.
type Certificates struct {
	Form        mtls.Form      // how a trusted proxy passes them on; None: it does not
	Authorities *x509.CertPool // of tls_client_auth (RFC 8705 section 2.1); nil: none
}

// ClientCertificate returns the certificate whose key the client of this request has proved to
// hold: in its TLS handshake with us, or with a trusted proxy that passes it on. Nil is none. It says
// nothing about who made the certificate; a self-signed one is one.
func ClientCertificate(r *http.Request) *x509.Certificate {
	if chain := clientChain(r); len(chain) > 0 {
		return chain[0]
	}
	return nil
}

// CertificateTrusted tells whether a configured authority vouches for ClientCertificate now.
func CertificateTrusted(r *http.Request) bool {
	rt := from(r).router
	return rt != nil && clientChain(r).Verified(rt.deps.Certificates.Authorities, rt.deps.Clock.Now())
}

// clientChain reads the header of the configured form from trusted proxies only, and then nothing else:
// the certificate of a proxy's own connection is not its clients'.
func clientChain(r *http.Request) mtls.Chain {
	rt := from(r).router
	if rt == nil {
		return nil
	}
	form := rt.deps.Certificates.Form
	if form == mtls.None || !within(peerAddress(r.RemoteAddr), rt.deps.TrustedProxies) {
		return mtls.Shown(r.TLS)
	}
	chain, err := form.From(r.Header)
	if err != nil {
		return nil
	}
	return chain
}
