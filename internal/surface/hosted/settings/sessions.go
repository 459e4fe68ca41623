package settings

import (
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

type sessionsView struct {
	Here   *sessionView
	Others []sessionView
}

type sessionView struct {
	ID, Device, Address string
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
	all, err := s.deps.Sessions.List(r.Context(), g.visit.Account, g.user.ID)
	if err != nil {
		return err
	}
	v.Sessions = &sessionsView{}
	for _, one := range all {
		x := s.sessionView(v, one)
		if one.Root == g.session.Root {
			v.Sessions.Here = &x
			continue
		}
		v.Sessions.Others = append(v.Sessions.Others, x)
	}
	return s.send(w, v, "sessions")
}

func (s *Surface) sessionView(v *view, one session.Session) sessionView {
	x := sessionView{
		ID: string(one.ID), Device: page.Visible(one.Device), Address: page.Visible(one.Address), Began: moment{one.CreatedAt}, Seen: moment{one.LastSeen},
		Bound: one.Bound,
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
	if _, err := s.deps.Sessions.EndOthers(r.Context(), g.by, g.session); err != nil {
		return err
	}
	return done("sessions")
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
