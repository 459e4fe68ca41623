package passkey

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/kit/ident"
)

// Party is the relying party: who asks for passkeys.
type Party struct {
	ID   string // the RP id, a host name without port
	Name string
	// Origins are all that answers may come from, as browsers write them. They are compared byte for byte.
	Origins []string
}

// Parties tells who asks in an account, and false when nobody can: browsers have no passkeys for addresses.
type Parties func(ident.AccountID) (Party, bool)

// NewParty makes the party of an account: its issuer's host is the RP id, and the issuer and the account's hosts
// are its origins. Plain http counts on localhost only.
func NewParty(issuer, name string, hosts []string) (Party, bool) {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme+"://"+u.Host != issuer || !secure(u.Scheme, u.Host) {
		return Party{}, false
	}
	if _, err := netip.ParseAddr(strings.Trim(u.Hostname(), "[]")); err == nil {
		return Party{}, false
	}
	p := Party{ID: u.Hostname(), Name: name, Origins: []string{issuer}}
	for _, h := range hosts {
		if o := u.Scheme + "://" + h; o != issuer && secure(u.Scheme, h) {
			p.Origins = append(p.Origins, o)
		}
	}
	return p, true
}

// secure tells whether browsers have passkeys for a scheme on a host.
func secure(scheme, host string) bool {
	name, _, _ := strings.Cut(host, ":")
	return scheme == "https" || (scheme == "http" && (name == "localhost" || strings.HasSuffix(name, ".localhost")))
}

// parent is the RP id that the browser SDK registers with: the host without its first label.
func (p Party) parent() string {
	_, parent, _ := strings.Cut(p.ID, ".")
	if !strings.Contains(parent, ".") {
		return ""
	}
	return parent
}
