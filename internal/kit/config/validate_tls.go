package config

import (
	"net/url"
	"strconv"

	"github.com/admit-id/admit/internal/kit/mtls"
)

// checkTLS judges what concerns our certificate and those of clients.
func (c Config) checkTLS(bad report) {
	switch {
	case c.TLSCert != "" && c.TLSKey == "":
		bad("tls-key", "tls-cert has no key", "name the PEM file with its private key")
	case c.TLSCert == "" && c.TLSKey != "":
		bad("tls-cert", "tls-key has no certificate", "name the PEM file with the certificate")
	case c.TLSCert != "" && !c.HTTPS():
		bad("public-url", "it is http, but listen speaks TLS", "write it with https://, or leave out tls-cert and tls-key")
	}
	if c.MTLSListen != "" {
		if c.TLSCert == "" {
			bad("mtls-listen", "it needs a certificate to show", "set tls-cert and tls-key")
		}
		if c.MTLSListen == c.Listen || c.MTLSListen == c.OpsListen {
			bad("mtls-listen", "it is the same as listen or ops-listen", "choose another port")
		}
	}
	switch form := mtls.Form(c.ClientCert); {
	case form != mtls.None && form != mtls.ClientCert && form != mtls.EscapedPEM:
		bad("client-cert-header", strconv.Quote(c.ClientCert)+" is no way of passing on a certificate", "choose client-cert or x-ssl-client-cert")
	case form != mtls.None && len(c.TrustedProxies) == 0:
		bad("client-cert-header", "no proxy is trusted, so nobody could pass on a certificate", "set trusted-proxies to the addresses of your proxies")
	}
	c.checkMTLSURL(bad)
	if c.MTLSCA != "" {
		if _, err := mtls.Authorities(c.MTLSCA); err != nil {
			bad("mtls-ca", cause(err), "name a file of PEM certificates that this process can read")
		}
	}
}

func (c Config) checkMTLSURL(bad report) {
	if c.MTLSURL == "" {
		if c.MTLSListen != "" {
			bad("mtls-listen", "clients cannot learn where it is", "set mtls-url to its URL, such as https://login.example.com:8443")
		}
		return
	}
	u, err := url.Parse(c.MTLSURL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || "https://"+u.Host != c.MTLSURL || u.Port() == "443" {
		bad("mtls-url", "it is no https URL of host and port only", "write it as https://login.example.com:8443 or https://mtls.example.com")
		return
	}
	if u.Host == c.Host() {
		bad("mtls-url", "it is the public URL: browsers would ask everybody for a certificate", "choose another port or another name")
	}
	if c.MTLSListen == "" && c.ClientCert == "" {
		bad("mtls-url", "nothing there could learn a client's certificate", "set mtls-listen, or client-cert-header and trusted-proxies")
	}
}
