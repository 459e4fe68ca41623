package settings

import (
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

type sessionsView struct {
	Here     *sessionView
	Others   []sessionView
	Browsers []browserView
	Placed   bool // a place is shown

	Older, Newer string // addresses of the next page, and of the first one on the others
}

// browserView is a browser in which the person is remembered.
type browserView struct {
	ID, Name     string
	Since, Until moment
	Here         bool
}

type sessionView struct {
	ID, Device, Address string
	Place               string // where the address is
	Applications        []string
	Methods             []string
	Began, Seen         moment
	Bound               bool
}

// showSessions is GET /settings/sessions.
func (s *Surface) showSessions(w http.ResponseWriter, r *http.Request, g *guest) error {
	v, err := s.start(r, g, "sessions")
	if err != nil {
		return err
	}
	before := page.ID(g.query, "before")
	all, next, err := s.deps.Sessions.List(r.Context(), g.visit.Account, g.user.ID, before)
	if err != nil {
		return err
	}
	v.Sessions = &sessionsView{}
	v.Sessions.Older, v.Sessions.Newer = pagesOf(r, g, pathSessions, before, next)
	for _, one := range all {
		x := s.sessionView(v, one)
		v.Sessions.Placed = v.Sessions.Placed || x.Place != ""
		if one.Root == g.session.Root {
			v.Sessions.Here = &x
			continue
		}
		v.Sessions.Others = append(v.Sessions.Others, x)
	}
	if v.Sessions.Here == nil { // it stands on another page
		x := s.sessionView(v, g.session)
		v.Sessions.Here = &x
	}
	browsers, here, err := s.deps.Browsers.List(r.Context(), g.visit.Account, g.user.ID, g.visit.Device)
	if err != nil {
		return err
	}
	for _, b := range browsers {
		x := browserView{ID: b.ID, Name: page.Visible(page.Device(v.Texts, b.Name)), Since: moment{b.CreatedAt}, Until: moment{b.ExpiresAt}, Here: b.ID == here}
		if x.Name == "" {
			x.Name = v.T("settings.sessions.unknown")
		}
		v.Sessions.Browsers = append(v.Sessions.Browsers, x)
	}
	return s.send(w, v, "sessions")
}

func (s *Surface) sessionView(v *view, one session.Session) sessionView {
	x := sessionView{
		ID: string(one.ID), Device: page.Visible(page.Device(v.Texts, one.Device)), Address: page.Visible(one.Address), Began: moment{one.CreatedAt}, Seen: moment{one.LastSeen},
		Bound: one.Bound, Place: s.where(v, one.Address),
	}
	if x.Device == "" {
		x.Device = v.T("settings.sessions.unknown")
	}
	for _, id := range one.Applications {
		name := id
		if app, ok := s.deps.Applications.Get(one.Account, ident.ApplicationID(id)); ok && app.Name != "" {
			name = app.Name
		}
		x.Applications = append(x.Applications, page.Visible(name))
	}
	seen := map[string]bool{}
	for _, e := range one.Evidence {
		if key := "settings.method." + e.Method; !seen[key] {
			seen[key] = true
			x.Methods = append(x.Methods, v.T(key))
		}
	}
	return x
}

// where is the place of an address, in the reader's language; empty when nobody knows.
func (s *Surface) where(v *view, address string) string {
	return page.Where(v.Texts, s.deps.Places.Of(address, v.Language.Tag))
}

// endSession is POST /settings/sessions/end.
func (s *Surface) endSession(_ http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	id := page.ID(f, "id")
	if id == "" {
		return problem("gone")
	}
	if err := s.deps.Sessions.End(r.Context(), g.by, ident.SessionID(id)); err != nil {
		return err
	}
	return done("session")
}

// endOthers is POST /settings/sessions/others.
func (s *Surface) endOthers(_ http.ResponseWriter, r *http.Request, g *guest, _ url.Values) error {
	if _, err := s.deps.Sessions.EndOthers(r.Context(), g.by, g.session, g.visit.Device); err != nil {
		return err
	}
	return done("sessions")
}

// forgetBrowser is POST /settings/browsers/forget: a second factor is asked for there again.
func (s *Surface) forgetBrowser(_ http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	id := page.ID(f, "id")
	if id == "" {
		return problem("gone")
	}
	if err := s.deps.Browsers.Forget(r.Context(), g.by, id); err != nil {
		return err
	}
	return done("browser")
}

// endAll is POST /settings/sessions/all: this browser is signed out, too.
func (s *Surface) endAll(w http.ResponseWriter, r *http.Request, g *guest, _ url.Values) error {
	if err := s.deps.Sessions.EndAll(r.Context(), g.by); err != nil {
		return err
	}
	s.forget(w, g)
	return page.GoTo(w, r, "/logged-out", nil)
}

// forget takes the cookie of a session that has ended out of the browser.
func (s *Surface) forget(w http.ResponseWriter, g *guest) {
	secure := s.kit.Secure(g.visit.Account)
	c := page.OwnCookie(session.CookieName(secure), "", secure)
	c.MaxAge = -1
	http.SetCookie(w, c)
}
