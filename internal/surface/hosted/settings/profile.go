package settings

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/surface/hosted/page"
	"github.com/admit-id/admit/internal/user"
)

type profileView struct {
	Name, Email, Locale, Picture string
	Verified                     bool
	ID                           string
	Identities                   []identityView
	Unlink                       bool
	Add                          []connectionView
	Mailbox                      string // the address that signs in and can be changed
}

type connectionView struct{ ID, Name string }

type identityView struct {
	Connection, Issuer, Subject string // the key
	Name, Label                 string
	LastLogin                   moment
}

// showProfile is GET /settings.
func (s *Surface) showProfile(w http.ResponseWriter, r *http.Request, g *guest) error {
	v, err := s.profile(r, g)
	if err != nil {
		return err
	}
	return s.send(w, v, "profile")
}

func (s *Surface) profile(r *http.Request, g *guest) (*view, error) {
	v, err := s.start(r, g, "profile")
	if err != nil {
		return nil, err
	}
	u := g.user
	p := &profileView{Name: u.Name, Email: u.Email, Verified: u.EmailVerified, Locale: u.Locale, Picture: u.Picture, ID: string(u.ID)}
	for _, i := range u.Identities {
		one := identityView{
			Connection: string(i.Connection), Issuer: i.Issuer, Subject: i.Subject, Label: page.Visible(i.Subject), LastLogin: moment{i.LastLogin},
			Name: page.Visible(s.deps.Connection(g.visit.Account, i.Connection)),
		}
		switch {
		case i.Connection == emailcode.Connection && (one.Name == "" || one.Name == connection.DefaultEmailName):
			one.Name = v.T("settings.profile.email")
		case one.Name == "":
			one.Name = page.Visible(string(i.Connection))
		}
		p.Identities = append(p.Identities, one)
	}
	if s.deps.Identities != nil {
		p.Unlink, p.Mailbox = len(p.Identities) > 1, mailboxOf(u)
		for _, c := range s.deps.Identities.Linkable(g.visit.Account) {
			p.Add = append(p.Add, connectionView{string(c.ID), page.Visible(c.Name)})
		}
	}
	v.Profile = p
	return v, nil
}

// setProfile is POST /settings/profile. What cannot be taken is answered with the page as it was filled in.
func (s *Surface) setProfile(w http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	wish := user.Wish{Name: f.Get("name"), Locale: f.Get("locale"), Picture: f.Get("picture")}
	_, err := s.deps.Profiles.SetProfile(r.Context(), g.by, g.user.ID, wish)
	switch {
	case err == nil:
		return done("profile")
	case !errors.Is(err, user.ErrName) && !errors.Is(err, user.ErrLocale) && !errors.Is(err, user.ErrPicture):
		return err
	}
	v, broken := s.profile(r, g)
	if broken != nil {
		return broken
	}
	v.Alert = v.T("settings.problem." + problemOf(err))
	v.Profile.Name, v.Profile.Locale, v.Profile.Picture = wish.Name, wish.Locale, wish.Picture
	return s.pages.Write(w, http.StatusUnprocessableEntity, "profile", v)
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

// mailboxOf is the address that signs a person in by mailed codes; empty when there is none, or more than one.
func mailboxOf(u user.User) (address string) {
	for _, i := range u.Identities {
		if i.Connection == emailcode.Connection {
			if address != "" {
				return ""
			}
			address = i.Subject
		}
	}
	return address
}

// link is POST /settings/identities/link: the login box proves the other identity, and gives it to this person.
func (s *Surface) link(w http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	id := ident.ConnectionID(f.Get("connection"))
	for _, c := range s.deps.Identities.Linkable(g.visit.Account) {
		if c.ID == id {
			return s.prove(w, r, g, "linked", login.Errand{Link: g.user.ID, Connection: id})
		}
	}
	return problem("off")
}

// readdress is POST /settings/email: the login box proves the new address, which takes the place of the old one.
func (s *Surface) readdress(w http.ResponseWriter, r *http.Request, g *guest, _ url.Values) error {
	old := mailboxOf(g.user)
	if old == "" {
		return problem("gone")
	}
	return s.prove(w, r, g, "email", login.Errand{Link: g.user.ID, Connection: emailcode.Connection, Replaces: old})
}

func (s *Surface) prove(w http.ResponseWriter, r *http.Request, g *guest, word string, e login.Errand) error {
	q := g.back.values()
	q.Set("done", word)
	e.Application = ident.ApplicationID(g.back.Client)
	return s.deps.Door.SignIn(w, r, e, pathProfile, q)
}
