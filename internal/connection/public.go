package connection

import (
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/connection/catalog"
)

// consumers is the directory of Microsoft's personal accounts.
const consumers = "9188040d-6c67-4c5b-b112-36a304b66dad"

// sharedDirectories are names of Microsoft for many directories at once.
var sharedDirectories = []string{"common", "organizations", "consumers", consumers}

// Public tells whether anybody in the world can make an identity at the provider. What such a
// provider says proves who somebody is, never that they belong to somebody's organisation. A
// provider that no preset knows is taken for its organisation's own.
func (c Connection) Public() bool {
	if c.ID == Email || c.Type == TypeEmail || c.Type == TypePassword {
		return true
	}
	c = c.shown()
	if c.ManyDirectories() {
		return len(c.Directories) != 1 || c.AllowsDirectory(consumers) || c.Directories[0] == anyDirectory
	}
	for _, name := range catalog.Names() {
		p, _ := catalog.Get(name)
		if c.IssuerURL != "" && sameProvider(c.IssuerURL, p) || c.IssuerURL == "" && p.TokenURL != "" && hostOf(c.TokenURL) == hostOf(p.TokenURL) {
			return true
		}
	}
	return false
}

// sameProvider tells whether an issuer is the preset's, or one of its directories for everybody.
func sameProvider(issuer string, p catalog.Preset) bool {
	if hostOf(issuer) != hostOf(p.IssuerURL) {
		return false
	}
	if !strings.Contains(p.IssuerURL, tenantPlaceholder) {
		return true
	}
	for _, directory := range sharedDirectories {
		if strings.Contains(strings.ToLower(issuer), "/"+directory+"/") {
			return true
		}
	}
	return false
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
