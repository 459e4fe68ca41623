package loginapi

import (
	"net/http"
	"strings"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
)

var errOrigin = fault.New(fault.Forbidden, fault.CodeForbidden, "Only pages of a registered application may ask for tokens. Register the page's URL at its application.")

// secure tells whether the account is served over https.
func (s *Surface) secure(account ident.AccountID) bool {
	return strings.HasPrefix(s.deps.Accounts.Issuer(account), "https://")
}

// cookie returns the session cookie's value, with what binds it.
func (s *Surface) cookie(r *http.Request) secret.Text {
	secure := s.secure(web.AccountOf(r))
	return web.JoinedCookie(r, session.CookieName(secure), session.BoundCookieName(secure))
}

// caller returns the application whose page asks. Only the browser says which page that is.
func (s *Surface) caller(r *http.Request) (application.Application, bool) {
	account := web.AccountOf(r)
	own := s.deps.Accounts.Issuer(account)
	origins := r.Header.Values("Origin")
	origin := ""
	switch {
	case len(origins) == 1:
		origin = origins[0]
	case len(origins) == 0 && r.Header.Get("Sec-Fetch-Site") == "same-origin":
		origin = own // browsers send no Origin with a GET to the page's own
	default:
		return application.Application{}, false
	}
	if app, ok := s.deps.Applications.ByOrigin(account, origin); ok {
		return app, true
	}
	if origin == own {
		return s.deps.Applications.Get(account, ident.DefaultApplication)
	}
	return application.Application{}, false
}

// renew is GET and PATCH /api/session: silent renewal. Without a session it is a quiet 404.
func (s *Surface) renew(w http.ResponseWriter, r *http.Request) error {
	account, cookie := web.AccountOf(r), s.cookie(r)
	if cookie.Empty() {
		return session.ErrNone
	}
	app, ok := s.caller(r)
	if !ok {
		return errOrigin
	}
	renewed, err := s.deps.Codes.Renew(r.Context(), web.ActorOf(r), cookie, app.ID)
	if err != nil {
		return err
	}
	found, tokens := renewed.Session, renewed.Tokens
	web.SetActor(r, actor.Actor{Kind: actor.User, Account: account, ID: string(found.User), Session: found.ID})
	secure := s.secure(account)
	http.SetCookie(w, &http.Cookie{
		Name: session.CookieName(secure), Value: renewed.Cookie.Reveal(), Path: "/", Expires: found.AbsoluteExpiry, Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	if app.CookieDomain != "" && secure {
		setTokens(w, app.CookieDomain, tokens)
	}
	return web.JSON(w, http.StatusOK, tokensOf(tokens))
}

// setTokens gives an application its tokens as cookies of the shared parent domain, which its
// own pages read by script. They are the application's credentials, never ours.
func setTokens(w http.ResponseWriter, domain string, t login.Tokens) {
	for _, c := range []struct {
		name  string
		value secret.Text
	}{{"authorization", t.Access}, {"user", t.ID}} {
		http.SetCookie(w, &http.Cookie{
			Name: c.name, Value: c.value.Reveal(), Domain: domain, Path: "/", Expires: t.Expires, Secure: true, SameSite: http.SameSiteLaxMode,
		})
	}
}

// forget tells the browser to drop the session cookie and the application's cookies.
func (s *Surface) forget(w http.ResponseWriter, account ident.AccountID, app application.Application) {
	secure := s.secure(account)
	http.SetCookie(w, &http.Cookie{
		Name: session.CookieName(secure), Path: "/", MaxAge: -1, Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	if app.CookieDomain == "" || !secure {
		return
	}
	for _, name := range []string{"authorization", "user"} {
		http.SetCookie(w, &http.Cookie{Name: name, Domain: app.CookieDomain, Path: "/", MaxAge: -1, Secure: true, SameSite: http.SameSiteLaxMode})
	}
}

// end is DELETE /api/session: the session of the cookie, and that of the bearer token, are dead
// when it answers. Nothing to end is no error.
func (s *Surface) end(w http.ResponseWriter, r *http.Request) error {
	account, a := web.AccountOf(r), web.ActorOf(r)
	if a.Kind == actor.User && a.Session != "" {
		if err := s.deps.Sessions.End(r.Context(), a, account, a.Session); err != nil {
			return err
		}
	}
	if _, err := s.deps.Sessions.EndCookie(r.Context(), a, s.cookie(r)); err != nil {
		return err
	}
	app, _ := s.caller(r)
	s.forget(w, account, app)
	return web.JSON(w, http.StatusOK, struct{}{})
}

type profileBody struct {
	UserID           string           `json:"userId"`
	LinkedIdentities []linkedIdentity `json:"linkedIdentities"`
}

type linkedIdentity struct {
	Connection linkedConnection `json:"connection"`
}

type linkedConnection struct {
	ConnectionID string `json:"connectionId"`
	UserID       string `json:"userId"` // at the provider
}

// profile is GET /api/session/profile.
func (s *Surface) profile(w http.ResponseWriter, r *http.Request) error {
	account, a := web.AccountOf(r), web.ActorOf(r)
	id := ident.UserID(a.ID)
	switch a.Kind {
	case actor.User:
	case actor.Anonymous:
		found, err := s.deps.Sessions.Peek(r.Context(), account, s.cookie(r))
		if err != nil {
			return err
		}
		id = found.User
		web.SetActor(r, actor.Actor{Kind: actor.User, Account: account, ID: string(id), Session: found.ID})
	default:
		return fault.New(fault.Forbidden, fault.CodeForbidden, "Only a person has a profile.")
	}
	u, err := s.deps.Users.Get(r.Context(), account, id)
	if err != nil {
		return err
	}
	b := profileBody{UserID: string(u.ID), LinkedIdentities: []linkedIdentity{}}
	for _, i := range u.Identities {
		b.LinkedIdentities = append(b.LinkedIdentities, linkedIdentity{linkedConnection{string(i.Connection), i.Subject}})
	}
	return web.JSON(w, http.StatusOK, b)
}
