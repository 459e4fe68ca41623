package settings

import (
	"embed"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/admit-id/admit/internal/factor/holding"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/link"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/surface/hosted/page"
	"github.com/admit-id/admit/internal/user"
)

//go:embed all:templates
var templateFiles embed.FS

// Surface is the pages.
type Surface struct {
	deps  Deps
	kit   *page.Kit
	pages page.Set
}

// New reads the templates. It fails only when one of them is broken.
func New(d Deps) (*Surface, error) {
	p, err := d.Kit.Set(templateFiles)
	return &Surface{deps: d, kit: d.Kit, pages: p}, err
}

// guest is who is here, and how they came.
type guest struct {
	visit   login.Visit
	user    user.User
	session session.Session
	by      actor.Actor
	back    back
	query   url.Values // of a GET
}

// back is the application that the person came from, if it may be gone back to.
type back struct{ Client, URL, Name string }

// values carries the way back from page to page.
func (b back) values() url.Values {
	q := url.Values{}
	if b.URL != "" {
		q.Set("client_id", b.Client)
		q.Set("redirect_uri", b.URL)
	}
	return q
}

// backOf is the way back that a query or a form names, compared by the application's own rule. What is
// not registered is no way back: there is none then.
func (s *Surface) backOf(account ident.AccountID, q url.Values) back {
	id, target := q.Get("client_id"), q.Get("redirect_uri")
	app, known := s.deps.Applications.Get(account, ident.ApplicationID(id))
	if !known || target == "" || !app.AllowsRedirect(target) || page.SafeTarget(target) == "" {
		return back{}
	}
	name := page.Visible(app.Name)
	if name == "" {
		name = id
	}
	return back{id, target, name}
}

type handler func(w http.ResponseWriter, r *http.Request, g *guest) error

// here finds who is signed in. A fault of kind NotFound when nobody is.
func (s *Surface) here(r *http.Request, values url.Values) (*guest, error) {
	v := s.kit.Visit(r)
	u, found, err := s.deps.Door.Here(r, v)
	g := &guest{visit: v, user: u, session: found, by: v.Actor, back: s.backOf(v.Account, values), query: values}
	g.by.Kind, g.by.Account, g.by.ID, g.by.Session = actor.User, v.Account, string(u.ID), found.ID
	if err == nil {
		web.SetActor(r, g.by)
	}
	return g, err
}

// show serves a section to who is signed in, and sends others to the login box and back.
func (s *Surface) show(section string, h handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		q, err := page.Query(r.URL.RawQuery)
		if err != nil {
			return err
		}
		g, err := s.here(r, q)
		if fault.Is(err, fault.NotFound) {
			return s.signIn(w, r, g, startPage(q, section), login.Errand{})
		}
		if err != nil {
			return err
		}
		if start := startPage(q, section); start != section {
			return page.GoTo(w, r, start, g.back.values())
		}
		return h(w, r, g)
	}
}

// startPage is the section that the SDK asks for with start_page=MFA.
func startPage(q url.Values, section string) string {
	if section == pathProfile && q.Get("start_page") == "MFA" {
		return pathSecurity
	}
	return section
}

func (s *Surface) signIn(w http.ResponseWriter, r *http.Request, g *guest, section string, e login.Errand) error {
	e.Application = ident.ApplicationID(g.back.Client)
	q := g.back.values()
	if e.ACR != "" {
		q.Set("confirmed", "1")
	}
	return s.deps.Door.SignIn(w, r, e, section, q)
}

type changer func(w http.ResponseWriter, r *http.Request, g *guest, f url.Values) error

// change is what every form goes through: the person whom the page showed must still be the one who is
// here, and must have proved themselves lately, as well as they can (I-7).
func (s *Surface) change(section string, h changer) web.Handler {
	return s.form(section, func(w http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
		return s.proved(w, r, g, section, func() error { return h(w, r, g, f) })
	})
}

// proved does something for a person who has proved themselves lately, and lets others do so first.
func (s *Surface) proved(w http.ResponseWriter, r *http.Request, g *guest, section string, do func() error) error {
	recent, acr, err := s.recent(r, g)
	if err != nil {
		return err
	}
	if !recent {
		return s.signIn(w, r, g, section, login.Errand{ACR: acr, Fresh: true, Hint: g.user.Email})
	}
	return s.settle(w, r, g, section, do())
}

// confirm is POST /settings/confirm: the proof alone, before the person begins to change a section.
func (s *Surface) confirm(w http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	section := pathSecurity
	for _, t := range tabs {
		if t.name == f.Get("section") {
			section = t.path
		}
	}
	return s.proved(w, r, g, section, func() error { return done("confirmed") })
}

// ease is change for what only ever takes power away from others, which must not have to wait.
func (s *Surface) ease(section string, h changer) web.Handler {
	return s.form(section, func(w http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
		return s.settle(w, r, g, section, h(w, r, g, f))
	})
}

func (s *Surface) form(section string, h changer) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		f, err := page.Form(r)
		if err != nil {
			return err
		}
		g, err := s.here(r, f)
		switch {
		case fault.Is(err, fault.NotFound):
			return s.signIn(w, r, g, section, login.Errand{})
		case err != nil:
			return err
		case f.Get("user") != string(g.user.ID):
			return s.goTo(w, r, g, section, "problem", "other")
		}
		return h(w, r, g, f)
	}
}

// recent tells whether the person has proved themselves lately, and what they would have to prove.
func (s *Surface) recent(r *http.Request, g *guest) (ok bool, acr string, err error) {
	kept, err := s.deps.Holdings.Of(r.Context(), g.visit.Account, g.user.ID)
	if err != nil {
		return false, "", err
	}
	second := kept.Held().Second()
	return session.Recent(g.session, second, s.deps.Clock.Now()), session.RecentACR(second), nil
}

// done is how a change that went well ends: with a word on the section.
type done string

func (d done) Error() string { return string(d) }

// settle ends a change: 303 to the section with one word, whose sentence is in the catalogue.
func (s *Surface) settle(w http.ResponseWriter, r *http.Request, g *guest, section string, err error) error {
	var well done
	switch {
	case err == nil:
		return nil // the handler has answered
	case errors.As(err, &well):
		return s.goTo(w, r, g, section, "done", string(well))
	}
	if word := problemOf(err); word != "" {
		return s.goTo(w, r, g, section, "problem", word)
	}
	return err
}

// problem is a refusal that has a sentence of its own.
type problem string

func (p problem) Error() string { return string(p) }

// problemOf is the word for an error that the person can do something about; empty for the others.
func problemOf(err error) string {
	var own problem
	switch {
	case errors.As(err, &own):
		return string(own)
	case errors.Is(err, user.ErrName):
		return "name"
	case errors.Is(err, user.ErrLocale):
		return "locale"
	case errors.Is(err, user.ErrPicture):
		return "picture"
	case errors.Is(err, totp.ErrMany):
		return "app_many"
	case errors.Is(err, totp.ErrGone):
		return "app_gone"
	case errors.Is(err, holding.ErrOff):
		return "off"
	case errors.Is(err, user.ErrTaken):
		return "taken"
	case errors.Is(err, link.ErrLast), errors.Is(err, holding.ErrLast):
		return "last"
	case errors.Is(err, holding.ErrShort):
		return "password_alone"
	case errors.Is(err, link.ErrNotRecent):
		return "confirm"
	case fault.Is(err, fault.NotFound):
		return "gone"
	}
	return ""
}

func (s *Surface) goTo(w http.ResponseWriter, r *http.Request, g *guest, section, name, word string) error {
	q := g.back.values()
	q.Set(name, word)
	return page.GoTo(w, r, section, q)
}

// owner is the person as their factors know them.
func (s *Surface) owner(g *guest) holding.Owner {
	o := holding.Owner{By: g.by, Session: g.session.ID, Issuer: s.kit.Brand(g.visit.Account).Name, Name: g.user.Name, Label: g.user.Email}
	if o.Label == "" {
		o.Label = string(g.user.ID)
	}
	if o.Name == "" {
		o.Name = o.Label
	}
	if o.Issuer == "" {
		o.Issuer = "Admit"
	}
	return o
}

// known is a word of the query that has a sentence.
func known(q url.Values, name string, words []string) string {
	if w := q.Get(name); slices.Contains(words, w) {
		return w
	}
	return ""
}
