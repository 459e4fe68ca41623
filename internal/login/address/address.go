// Package address owns what a login knows of URLs: where an application may be answered, how an
// answer is put there, and the loopback names that stand for one another.
package address

import (
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/kit/fault"
)

// twins are the loopback names that stand for one another while the public URL is one of them.
// The browser SDK does not redirect to a page on its own host name, so an application on
// localhost is sent to 127.0.0.1 and the reverse.
var twins = map[string]string{"localhost": "127.0.0.1", "127.0.0.1": "localhost", "::1": "localhost"}

// Twin returns the base URL of the other loopback name of an issuer, or "" when the issuer is
// not a loopback one.
func Twin(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil || twins[u.Hostname()] == "" {
		return ""
	}
	host := twins[u.Hostname()]
	if p := u.Port(); p != "" {
		host += ":" + p
	}
	u.Host = host
	return strings.TrimSuffix(u.String(), "/")
}

// WantsTwin tells whether a login that returns to this URL must be shown on the twin host.
func WantsTwin(issuer, redirectURL string) bool {
	i, err := url.Parse(issuer)
	if err != nil || twins[i.Hostname()] == "" {
		return false
	}
	r, err := url.Parse(redirectURL)
	return err == nil && r.Hostname() == i.Hostname() && (r.Host != i.Host || r.Scheme != i.Scheme)
}

// reserved are the names that we append to a redirect URL. One that has any of them already
// could make the application read another's answer for ours.
var reserved = []string{"iss", "nonce", "code", "state", "error", "error_description", "access_token", "id_token", "expires_in", "token_type"}

var errRedirect = fault.New(fault.Invalid, "InvalidRedirectUrl",
	"The redirectUrl is not one of this application's. Register it, byte for byte, or use the redirect mode origin.")

// CheckRedirect applies the application's rule and ours.
func CheckRedirect(allows func(url string) bool, raw string) error {
	if raw == "" || !allows(raw) || strings.ContainsRune(raw, '#') {
		return errRedirect
	}
	u, err := url.Parse(raw)
	if err != nil {
		return errRedirect
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errRedirect
	}
	for name := range query {
		for _, r := range reserved {
			if strings.EqualFold(name, r) {
				return fault.Newf(fault.Invalid, "InvalidRedirectUrl", "The redirectUrl has the parameter %s already, which the answer needs.", r)
			}
		}
	}
	return nil
}

// WithQuery appends parameters to a URL without touching a byte of what is there.
func WithQuery(raw string, add url.Values) string {
	switch {
	case !strings.Contains(raw, "?"):
		return raw + "?" + add.Encode()
	case strings.HasSuffix(raw, "?") || strings.HasSuffix(raw, "&"):
		return raw + add.Encode()
	}
	return raw + "&" + add.Encode()
}

// SameHost tells whether the visitor used the host of a base URL.
func SameHost(host, base string) bool {
	u, err := url.Parse(base)
	return err == nil && strings.EqualFold(u.Host, host)
}
