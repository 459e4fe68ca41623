package settings

import (
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// applicationView is a client that the person has allowed something.
type applicationView struct {
	Client, Name, Host string
	Scopes, Resources  []string
	Since              moment
}

// showApplications is GET /settings/applications.
func (s *Surface) showApplications(w http.ResponseWriter, r *http.Request, g *guest) error {
	v, err := s.start(r, g, "applications")
	if err != nil {
		return err
	}
	list, err := s.deps.Consents.All(r.Context(), g.visit.Account, g.user.ID)
	if err != nil {
		return err
	}
	for _, c := range list {
		one := applicationView{Client: c.Client, Name: page.Visible(c.Name), Since: moment{c.CreatedAt}}
		if one.Name == "" {
			one.Name = page.Visible(c.Client)
		}
		if u, err := url.Parse(c.Client); err == nil && u.Scheme == "https" {
			one.Host = u.Host
		}
		one.Scopes = v.Scopes(c.Scopes())
		for _, resource := range c.Resources() {
			one.Resources = append(one.Resources, page.Visible(resource))
		}
		v.Applications = append(v.Applications, one)
	}
	return s.send(w, v, "applications")
}

// withdraw is POST /settings/applications.
func (s *Surface) withdraw(_ http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	if err := s.deps.Consents.Withdraw(r.Context(), g.by, g.user.ID, f.Get("client")); err != nil {
		return err
	}
	return done("application")
}
