package hosted

import (
	"context"
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth/authorize"
	"github.com/admit-id/admit/internal/oauth/consent"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// Requests are authorization requests that wait for a person's consent. *authorize.Service has them.
type Requests interface {
	Pending(ctx context.Context, v login.Visit, id string) (authorize.Pending, error)
	Decide(ctx context.Context, v login.Visit, id string, allow bool) error
}

// Consents are what people have allowed before. *consent.Service has them.
type Consents interface {
	List(ctx context.Context, account ident.AccountID, user ident.UserID) ([]consent.Consent, error)
	Withdraw(ctx context.Context, by actor.Actor, user ident.UserID, client string) error
}

// Sessions finds who is signed in. *session.Service does.
type Sessions interface {
	Peek(ctx context.Context, account ident.AccountID, cookie secret.Text) (session.Session, error)
}

// Users finds people. *user.Service does.
type Users interface {
	Get(ctx context.Context, account ident.AccountID, id ident.UserID) (user.User, error)
}

// Errands are logins that pages of ours need. *login.Service has them.
type Errands interface {
	StartErrand(ctx context.Context, e login.Errand) (login.Started, error)
}

func (s *Surface) consentRoutes() []web.Route {
	return []web.Route{
		s.route("GET", authorize.PathConsent, web.Public, web.LimitLogin, s.showConsent),
		s.route("POST", authorize.PathConsent, web.Browser, web.LimitLogin, s.decideConsent),
		s.route("GET", "/consents", web.Public, web.LimitLogin, s.showConsents),
		s.route("POST", "/consents", web.Browser, web.LimitLogin, s.withdrawConsent),
	}
}

// showConsent is GET /consent: a client that is not the account's own asks a person.
func (s *Surface) showConsent(w http.ResponseWriter, r *http.Request) error {
	q, err := once(r.URL.RawQuery)
	if err != nil {
		return err
	}
	id := idOf(q, "request")
	if id == "" {
		return errIncomplete
	}
	pending, err := s.deps.Requests.Pending(r.Context(), s.visit(r), id)
	if isNotFound(err) {
		return s.resume(w, id)
	}
	if err != nil {
		return err
	}
	p := s.newPage(r, "consent.title")
	p.Languages = languageLinks(p.Lang(), authorize.PathConsent+"?request="+url.QueryEscape(id))
	p.Ask, p.Person, p.Action = askOf(p, pending.Client), personOf(pending.User), authorize.PathConsent
	p.Ask.wants(p, pending.Scopes, pending.Resources, pending.Details)
	p.Ask.Onward, p.Ask.Fields = hostOf(pending.ReturnURL), []field{{"request", id}}
	return s.write(w, http.StatusOK, "consent", p, formTarget(pending.ReturnURL)...)
}

// resume sends the browser on to where the request is looked at again.
func (s *Surface) resume(w http.ResponseWriter, id string) error {
	return web.SeeOther(w, authorize.PathResume+"?"+url.Values{"request": {id}}.Encode())
}

// decideConsent is POST /consent.
func (s *Surface) decideConsent(w http.ResponseWriter, r *http.Request) error {
	f, err := formOnce(r)
	if err != nil {
		return err
	}
	id, decision := idOf(f, "request"), f.Get("decision")
	if id == "" || decision != "allow" && decision != "deny" {
		return errIncomplete
	}
	if err := s.deps.Requests.Decide(r.Context(), s.visit(r), id, decision == "allow"); err != nil && !isNotFound(err) {
		return err
	}
	return s.resume(w, id)
}

// showConsents is GET /consents: what the person has allowed, and how to take it back.
func (s *Surface) showConsents(w http.ResponseWriter, r *http.Request) error {
	v := s.visit(r)
	u, err := s.personNow(r, v)
	if isNotFound(err) {
		return s.signIn(w, r, noClient, "/consents", url.Values{})
	}
	if err != nil {
		return err
	}
	list, err := s.deps.Consents.List(r.Context(), v.Account, u.ID)
	if err != nil {
		return err
	}
	p := s.newPage(r, "consents.title")
	p.Languages = languageLinks(p.Lang(), "/consents")
	p.Ask, p.Person, p.Action = &question{}, personOf(u), "/consents"
	p.Ask.Fields = []field{{"user", string(u.ID)}}
	for _, c := range list {
		one := app{Client: c.Client, Name: visible(c.Name), Scopes: sentencesOf(p, c.Scopes()), Resources: c.Resources()}
		if one.Name == "" {
			one.Name = c.Client
		}
		if u, err := url.Parse(c.Client); err == nil && u.Scheme == "https" {
			one.Host = u.Host
		}
		p.Ask.Apps = append(p.Ask.Apps, one)
	}
	if r.URL.Query().Has("removed") {
		p.Notice = p.T("consents.removed")
	}
	return s.write(w, http.StatusOK, "consents", p)
}

// withdrawConsent is POST /consents. The form names the person whom the page showed.
func (s *Surface) withdrawConsent(w http.ResponseWriter, r *http.Request) error {
	f, err := formOnce(r)
	if err != nil {
		return err
	}
	v := s.visit(r)
	u, err := s.personNow(r, v)
	if err != nil && !isNotFound(err) {
		return err
	}
	if err != nil || string(u.ID) != f.Get("user") {
		return goTo(w, r, "/consents", url.Values{})
	}
	by := v.Actor
	by.Kind, by.ID = actor.User, string(u.ID)
	if err := s.deps.Consents.Withdraw(r.Context(), by, u.ID, f.Get("client")); err != nil && !isNotFound(err) {
		return err
	}
	return goTo(w, r, "/consents", url.Values{"removed": {"1"}})
}
