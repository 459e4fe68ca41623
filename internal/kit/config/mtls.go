package config

import (
	"net"
	"net/url"
	"strings"
)

// MTLSAlias returns where clients with certificates reach what an issuer's clients reach without: mtls-url
// for the public URL, and, if that differs by its port only, the same port of every other issuer's host.
// Empty: nowhere.
func (c Config) MTLSAlias(issuer string) string {
	if c.MTLSURL == "" || issuer == c.PublicURL {
		return c.MTLSURL
	}
	port, ok := c.mtlsPort()
	u, err := url.Parse(issuer)
	if !ok || err != nil || u.Hostname() == "" {
		return ""
	}
	return "https://" + net.JoinHostPort(u.Hostname(), port)
}

// BesideMTLS returns the host that a host of MTLSAlias stands beside, as Host headers spell them.
func (c Config) BesideMTLS(host string) (string, bool) {
	if c.MTLSURL == "" {
		return "", false
	}
	if "https://"+host == c.MTLSURL {
		_, public, _ := strings.Cut(c.PublicURL, "://")
		return public, true
	}
	port, ok := c.mtlsPort()
	if !ok {
		return "", false
	}
	return strings.CutSuffix(host, ":"+port)
}

// mtlsPort returns the port of mtls-url if that is all that it differs by from the public URL.
func (c Config) mtlsPort() (string, bool) {
	u, err := url.Parse(c.MTLSURL)
	public, perr := url.Parse(c.PublicURL)
	if err != nil || perr != nil || u.Hostname() != public.Hostname() {
		return "", false
	}
	return u.Port(), u.Port() != ""
}
