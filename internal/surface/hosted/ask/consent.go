package ask

import (
	"context"
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth/authorize"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// Requests are authorization requests that wait for a person's consent. *authorize.Service has them.
type Requests interface {
	Pending(ctx context.Context, v login.Visit, id string) (authorize.Pending, error)
	Decide(ctx context.Context, v login.Visit, id string, allow bool) error
}

func (s *Surface) consentRoutes() []web.Route {
	return []web.Route{
		s.kit.Route("GET", authorize.PathConsent, web.Public, web.LimitLogin, s.showConsent),
		s.kit.Route("POST", authorize.PathConsent, web.Browser, web.LimitLogin, s.decideConsent),
		s.kit.Route("GET", "/consents", web.Public, web.LimitPage, showConsents),
	}
}

// showConsent is GET /consent: a client that is not the account's own asks a person, or one that cannot
// prove itself asks whether to go on.
func (s *Surface) showConsent(w http.ResponseWriter, r *http.Request) error {
	q, err := page.Query(r.URL.RawQuery)
	if err != nil {
		return err
	}
	id := page.ID(q, "request")
	if id == "" {
		return page.ErrIncomplete
	}
	pending, err := s.deps.Requests.Pending(r.Context(), s.kit.Visit(r), id)
	if fault.Is(err, fault.NotFound) {
		return s.resume(w, id)
	}
	if err != nil {
		return err
	}
	title, body := "consent.title", "consent"
	if pending.Confirm {
		title, body = "confirm.title", "confirm"
	}
	p := s.asking(r, title)
	p.At(authorize.PathConsent + "?request=" + url.QueryEscape(id))
	p.Ask, p.Person, p.Action = askOf(p.Page, pending.Client), page.PersonOf(pending.User), authorize.PathConsent
	p.Ask.wants(p.Page, pending.Scopes, pending.Resources, pending.Details)
	p.Ask.Onward = hostOf(pending.ReturnURL)
	p.Hide("request", id)
	return s.pages.Write(w, http.StatusOK, body, p, page.FormTarget(pending.ReturnURL)...)
}

// resume sends the browser on to where the request is looked at again.
func (s *Surface) resume(w http.ResponseWriter, id string) error {
	return web.SeeOther(w, authorize.PathResume+"?"+url.Values{"request": {id}}.Encode())
}

// decideConsent is POST /consent.
func (s *Surface) decideConsent(w http.ResponseWriter, r *http.Request) error {
	f, err := page.Form(r)
	if err != nil {
		return err
	}
	id, decision := page.ID(f, "request"), f.Get("decision")
	if id == "" || decision != "allow" && decision != "deny" {
		return page.ErrIncomplete
	}
	if err := s.deps.Requests.Decide(r.Context(), s.kit.Visit(r), id, decision == "allow"); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return s.resume(w, id)
}

// showConsents is GET /consents, an older address of the person's own page, where they see what they have allowed
// and take it back.
func showConsents(w http.ResponseWriter, _ *http.Request) error {
	return web.SeeOther(w, "/settings/applications")
}
