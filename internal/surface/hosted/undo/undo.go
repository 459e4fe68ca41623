// Package undo owns the page behind the link in the mail that tells an old mailbox of a changed address: it
// asks, and takes the change back by POST.
//
// Entry points: New, Surface.Routes.
//
// Never: a change by GET (I-24), the rule itself (package link).
package undo

import (
	"context"
	"embed"
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login/link"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// Changes takes changes of addresses back. *link.Service does.
type Changes interface {
	// LookUndo returns the change that a link takes back, or a fault of kind NotFound.
	LookUndo(ctx context.Context, account ident.AccountID, token secret.Text) (link.Change, error)
	// Undo takes it back.
	Undo(ctx context.Context, by actor.Actor, token secret.Text) error
}

//go:embed templates
var templateFiles embed.FS

// Surface is the page.
type Surface struct {
	kit     *page.Kit
	changes Changes
	pages   page.Set
}

// New reads the template. It fails only when it is broken.
func New(kit *page.Kit, changes Changes) (*Surface, error) {
	p, err := kit.Set(templateFiles)
	return &Surface{kit, changes, p}, err
}

// Routes are the page's routes.
func (s *Surface) Routes() []web.Route {
	return []web.Route{
		s.kit.Route("GET", link.PathUndo, web.Public, web.LimitGuess, s.show),
		s.kit.Route("POST", link.PathUndo, web.Browser, web.LimitGuess, s.undo),
	}
}

type question struct {
	*page.Page
	Old string
}

// show is GET: it asks.
func (s *Surface) show(w http.ResponseWriter, r *http.Request) error {
	q, err := page.Query(r.URL.RawQuery)
	if err != nil || q.Get("token") == "" {
		return page.ErrIncomplete
	}
	token := q.Get("token")
	c, err := s.changes.LookUndo(r.Context(), web.AccountOf(r), secret.New(token))
	if fault.Is(err, fault.NotFound) {
		return s.say(w, r, page.Message{Status: http.StatusGone, Key: "undo.dead", Sign: "link"})
	}
	if err != nil {
		return err
	}
	p := question{s.kit.Page(r, "undo.title"), page.Visible(c.From)}
	p.Action = link.PathUndo
	p.At(link.PathUndo + "?" + url.Values{"token": {token}}.Encode())
	p.Hide("token", token)
	return s.pages.Write(w, http.StatusOK, "undo", p)
}

// undo is POST: the button under it.
func (s *Surface) undo(w http.ResponseWriter, r *http.Request) error {
	f, err := page.Form(r)
	if err != nil {
		return err
	}
	if f.Get("token") == "" {
		return page.ErrIncomplete
	}
	by := s.kit.Visit(r).Actor
	by.Account = web.AccountOf(r)
	switch err := s.changes.Undo(r.Context(), by, secret.New(f.Get("token"))); {
	case fault.Is(err, fault.NotFound):
		return s.say(w, r, page.Message{Status: http.StatusGone, Key: "undo.dead", Sign: "link"})
	case err != nil:
		return err
	}
	return s.say(w, r, page.Message{Status: http.StatusOK, Key: "undo.done", Sign: "tick", Tone: "good"})
}

func (s *Surface) say(w http.ResponseWriter, r *http.Request, m page.Message) error {
	return s.kit.WriteMessage(w, m.Status, s.kit.Message(r, m))
}
