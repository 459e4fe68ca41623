package account

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Registration says who may register OAuth clients at the endpoint for it (RFC 7591).
type Registration string

// The ways. The zero value is off.
const (
	RegistrationOff   Registration = ""
	RegistrationToken Registration = "token" // whoever has an initial access token
	RegistrationOpen  Registration = "open"  // anybody
)

// OAuthSettings are what an account allows clients that it did not make itself. Such clients are
// always third parties: people are asked for consent, and tokens never open Admit's own API.
type OAuthSettings struct {
	Registration Registration
	// DocumentHosts are the hosts whose client id metadata documents are taken; "*" is any host of the
	// internet. Empty: none.
	DocumentHosts []string
	Scopes        []string // that such clients may ask for; empty: openid, profile, email and offline_access
	Resources     []string // that their tokens may be for (RFC 8707), such as the account's MCP servers
}

// Limits of the OAuth settings.
const (
	MaxDocumentHosts = 200
	MaxOpenScopes    = 100
	MaxOpenResources = 50
)

var documentHost = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:[1-9][0-9]{0,4})?$`)

func (o OAuthSettings) validate() error {
	if o.Registration != RegistrationOff && o.Registration != RegistrationToken && o.Registration != RegistrationOpen {
		return invalid("Dynamic client registration is off, token or open.")
	}
	if len(o.DocumentHosts) > MaxDocumentHosts || slices.ContainsFunc(o.DocumentHosts, func(h string) bool { return !validDocumentHost(h) }) {
		return invalid("Hosts of client metadata documents are at most 200 lower-case host names, with a port if it is not 443; or * for any.")
	}
	if len(o.Scopes) > MaxOpenScopes || slices.ContainsFunc(o.Scopes, func(s string) bool {
		return s == "" || len(s) > 128 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
	}) {
		return invalid("Scopes of third-party clients are at most 100, of 1 to 128 printable ASCII characters without space, quote and backslash.")
	}
	if len(o.Resources) > MaxOpenResources || slices.ContainsFunc(o.Resources, func(s string) bool {
		u, err := url.Parse(s)
		return err != nil || len(s) > 512 || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.ContainsAny(s, "# ")
	}) {
		return invalid("Resources of third-party clients are at most 50 https URLs without fragment, of at most 512 characters.")
	}
	return nil
}

func validDocumentHost(h string) bool {
	if h == "*" {
		return true
	}
	name, _, _ := strings.Cut(h, ":")
	_, err := netip.ParseAddr(name)
	return len(h) <= 260 && documentHost.MatchString(h) && err != nil
}

func (o OAuthSettings) clone() OAuthSettings {
	o.DocumentHosts, o.Scopes, o.Resources = slices.Clone(o.DocumentHosts), slices.Clone(o.Scopes), slices.Clone(o.Resources)
	return o
}
