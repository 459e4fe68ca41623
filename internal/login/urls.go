package login

import (
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/factor/handover"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
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

// wantsTwin tells whether a login that returns to this URL must be shown on the twin host.
func wantsTwin(issuer, redirectURL string) bool {
	i, err := url.Parse(issuer)
	if err != nil || twins[i.Hostname()] == "" {
		return false
	}
	r, err := url.Parse(redirectURL)
	return err == nil && r.Hostname() == i.Hostname() && (r.Host != i.Host || r.Scheme != i.Scheme)
}

// base is where the browser of a request finds our pages.
func (s *Service) base(r Request) string {
	issuer := s.d.Accounts.Issuer(r.Account)
	if r.Twin {
		return Twin(issuer)
	}
	return issuer
}

// address is the page of a request. That of a service client's also names the client: its
// owner reads both to make the link.
func (s *Service) address(r Request) string {
	q := url.Values{"state": {string(r.ID)}}
	if handover.IsClient(r.Connection) {
		q.Set("client_id", string(r.Connection))
	}
	return s.base(r) + "/login?" + q.Encode()
}

// reserved are the names that we append to a redirect URL. One that has any of them already
// could make the application read another's answer for ours.
var reserved = []string{"iss", "nonce", "code", "state", "error", "error_description", "access_token", "id_token", "expires_in", "token_type"}

var errRedirect = fault.New(fault.Invalid, "InvalidRedirectUrl",
	"The redirectUrl is not one of this application's. Register it, byte for byte, or use the redirect mode origin.")

// checkRedirect applies the application's rule and ours.
func checkRedirect(app Application, raw string) error {
	if raw == "" || !app.AllowsRedirect(raw) || strings.ContainsRune(raw, '#') {
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

// withQuery appends parameters to a URL without touching a byte of what is there.
func withQuery(raw string, add url.Values) string {
	switch {
	case !strings.Contains(raw, "?"):
		return raw + "?" + add.Encode()
	case strings.HasSuffix(raw, "?") || strings.HasSuffix(raw, "&"):
		return raw + add.Encode()
	}
	return raw + "&" + add.Encode()
}

// sameHost tells whether the visitor used the host of a base URL.
func sameHost(host, base string) bool {
	u, err := url.Parse(base)
	return err == nil && strings.EqualFold(u.Host, host)
}

func callbackAddress(issuer string) string { return issuer + "/login" }

func setupAddress(issuer, token string) string {
	return issuer + "/setup?" + url.Values{"token": {token}}.Encode()
}

func setupDone(issuer string, id ident.LoginID) string {
	return issuer + "/setup/done?" + url.Values{"state": {string(id)}}.Encode()
}
