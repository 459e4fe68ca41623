package ask

import (
	"encoding/json"
	"net/url"

	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/consent"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// question is what the pages show that ask a person something about a client.
type question struct {
	Name       string // the client's
	Host       string // of a metadata document: whose name it is
	Unverified string // sentence, or empty
	Code       string // of a device
	Scopes     []string
	Resources  []string
	Details    []detail
	Onward     string // host that the browser goes back to
	Policy     string
	Terms      string
}

// detail is one element of authorization_details (RFC 9396), member by member.
type detail struct {
	Type    string
	Members []page.Field
}

// askOf says who asks. The name is the client's own choice, so that the page says more where nobody
// has vouched for it.
func askOf(p *page.Page, c oauth.Client) *question {
	a := &question{Name: page.Visible(c.Name), Host: c.Host(), Policy: page.SafeTarget(c.Settings.PolicyURI), Terms: page.SafeTarget(c.Settings.TermsURI)}
	if a.Name == "" {
		a.Name = c.ID
	}
	switch {
	case a.Host != "":
		a.Unverified = p.T("consent.unverified", "Account", p.Brand.Name, "Name", a.Host)
	case c.Settings.Registered != "":
		a.Unverified = p.T("consent.stranger", "Account", p.Brand.Name)
	}
	return a
}

// wants adds what is asked for, in plain words.
func (a *question) wants(p *page.Page, scopes, resources []string, details json.RawMessage) {
	a.Scopes, a.Resources = p.Scopes(scopes), nil
	for _, r := range resources {
		a.Resources = append(a.Resources, page.Visible(r))
	}
	for _, one := range consent.Read(details) {
		d := detail{Type: page.Visible(one.Type)}
		for _, m := range one.Members {
			d.Members = append(d.Members, page.Field{Name: page.Visible(m.Name), Value: page.Visible(m.Value)})
		}
		a.Details = append(a.Details, d)
	}
}

// hostOf is the place that a URL leads to, as a person knows it; a native application's scheme stays.
func hostOf(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return ""
	case u.Scheme == "https" || u.Scheme == "http":
		return u.Host
	}
	return u.Scheme + ":"
}
