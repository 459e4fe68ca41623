package settings

import (
	"net/http"
	"time"

	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// view is what the templates see.
type view struct {
	*page.Page
	Nav      []tab
	Back     back
	Recovery *waiting
	Locked   bool // nothing can be changed here before a fresh proof
	Section  string
	to       func(path string) string

	Profile      *profileView
	Security     *securityView
	Passkey      *passkeyView
	App          *appView
	Codes        *codesView
	Password     *passwordView
	Sessions     *sessionsView
	Applications []applicationView
	Activity     *activityView
	Data         *dataView
}

type tab struct {
	Name, URL, Icon string
	Current         bool
}

// To is the address of a page of ours that keeps the way back and the language.
func (v *view) To(path string) string { return v.to(path) }

// waiting is a recovery that somebody began.
type waiting struct{ Ready moment }

// moment is a time for people: the script writes it in their own place's way.
type moment struct{ time.Time }

// ISO is the time for machines.
func (m moment) ISO() string { return m.UTC().Format(time.RFC3339) }

// Plain is the time for people without a script.
func (m moment) Plain() string { return m.UTC().Format("2006-01-02 15:04 UTC") }

// Known tells whether it is a time at all.
func (m moment) Known() bool { return !m.IsZero() }

var tabs = []struct{ name, path, icon string }{
	{"profile", pathProfile, "person"}, {"security", pathSecurity, "key"}, {"sessions", pathSessions, "screen"},
	{"applications", pathApplications, "grid"}, {"activity", pathActivity, "clock"}, {"data", pathData, "box"},
}

// The words that a section can be opened with, each with a sentence "settings.done.x" or "settings.problem.x".
var (
	doneWords = []string{
		"confirmed", "profile", "passkey", "passkey_name", "passkey_removed", "passkey_good", "app", "app_removed", "password", "password_removed",
		"session", "sessions", "browser", "application", "recovery", "identity", "linked", "email",
	}
	problemWords = []string{
		"name", "locale", "picture", "app_many", "app_gone", "app_wrong", "off", "taken", "gone", "other", "last", "confirm",
		"confirm_word", "passkey_gone", "passkey_response", "passkey_taken", "passkey_full", "passkey_model", "passkey_browser", "passkey_name",
		"password_short", "password_long", "password_breached", "password_context", "password_guessed", "password_unusable",
		"password_alone",
	}
)

// start begins a page of a section.
func (s *Surface) start(r *http.Request, g *guest, section string) (*view, error) {
	v := &view{Page: s.kit.Page(r, "settings.title"), Back: g.back, Section: section}
	v.Wide, v.Styles, v.Scripts = true, []string{"settings.css"}, []string{"settings.js"}
	v.Person = page.PersonOf(g.user)
	v.to = func(path string) string { return page.Address(r, path, g.back.values()) }
	v.Hide("user", string(g.user.ID))
	v.Hide("client_id", g.back.Client)
	v.Hide("redirect_uri", g.back.URL)
	path := pathProfile
	for _, t := range tabs {
		if t.name == section {
			path = t.path
			v.Title = v.T("settings."+t.name) + " · " + v.Title
		}
		v.Nav = append(v.Nav, tab{Name: v.T("settings." + t.name), URL: v.to(t.path), Icon: t.icon, Current: t.name == section})
	}
	if r.Method == http.MethodGet {
		v.At(v.to(path))
	}
	if word := known(g.query, "done", doneWords); word != "" {
		v.Notice = v.T("settings.done." + word)
	}
	if word := known(g.query, "problem", problemWords); word != "" {
		v.Alert = v.T("settings.problem." + word)
	}
	recent, _, err := s.recent(r, g)
	if err != nil {
		return nil, err
	}
	v.Locked = !recent
	if recent && g.query.Has("confirmed") && v.Alert == "" {
		v.Notice = v.T("settings.done.confirmed")
	}
	found, waits, err := s.deps.Holdings.Recovery(r.Context(), g.visit.Account, g.user.ID)
	if waits {
		v.Recovery = &waiting{moment{found.ReadyAt}}
	}
	return v, err
}

func (s *Surface) send(w http.ResponseWriter, v *view, name string) error {
	return s.pages.Write(w, http.StatusOK, name, v)
}
