package settings

import (
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/surface/hosted/page"
	"github.com/admit-id/admit/internal/user"
)

type profileView struct {
	Name, Email, Locale, Picture string
	Verified                     bool
	ID                           string
	Identities                   []identityView
	Unlink                       bool
}

type identityView struct {
	Connection, Issuer, Subject string // the key
	Name, Label                 string
	LastLogin                   moment
}

// showProfile is GET /settings.
func (s *Surface) showProfile(w http.ResponseWriter, r *http.Request, g *guest) error {
	v, err := s.start(r, g, "profile")
	if err != nil {
		return err
	}
	u := g.user
	p := &profileView{Name: u.Name, Email: u.Email, Verified: u.EmailVerified, Locale: u.Locale, Picture: u.Picture, ID: string(u.ID)}
	for _, i := range u.Identities {
		one := identityView{
			Connection: string(i.Connection), Issuer: i.Issuer, Subject: i.Subject, Label: page.Visible(i.Subject), LastLogin: moment{i.LastLogin},
			Name: page.Visible(s.deps.Connection(g.visit.Account, i.Connection)),
		}
		if one.Name == "" {
			one.Name = page.Visible(string(i.Connection))
		}
		p.Identities = append(p.Identities, one)
	}
	p.Unlink = s.deps.Identities != nil && len(p.Identities) > 1
	v.Profile = p
	return s.send(w, v, "profile")
}

// setProfile is POST /settings/profile.
func (s *Surface) setProfile(_ http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	_, err := s.deps.Profiles.SetProfile(r.Context(), g.by, g.user.ID, user.Wish{
		Name: f.Get("name"), Locale: f.Get("locale"), Picture: f.Get("picture"),
	})
	if err != nil {
		return err
	}
	return done("profile")
}

// unlink is POST /settings/identities/unlink. The form names one of the person's own identities by its key.
func (s *Surface) unlink(_ http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	for _, i := range g.user.Identities {
		if string(i.Connection) == f.Get("connection") && i.Issuer == f.Get("issuer") && i.Subject == f.Get("subject") {
			if err := s.deps.Identities.UnlinkOne(r.Context(), g.by, i); err != nil {
				return err
			}
			return done("identity")
		}
	}
	return problem("gone")
}
