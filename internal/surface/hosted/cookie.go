package hosted

import (
	"net/http"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
)

// lastLife is how long a browser remembers which button was pressed last. It is a
// convenience only; nothing is decided by it.
const lastLife = 180 * 24 * time.Hour

func lastCookieName(secure bool) string {
	if secure {
		return "__Host-admit-last"
	}
	return "admit-last"
}

// visit reads what the browser brought.
func (s *Surface) visit(r *http.Request) login.Visit {
	account := web.AccountOf(r)
	secure := s.secure(account)
	return login.Visit{
		Account: account,
		Actor:   web.ActorOf(r),
		Host:    r.Host,
		Browser: cookieOf(r, login.BrowserCookieName(secure)),
		Session: cookieOf(r, session.CookieName(secure)),
	}
}

// cookieOf returns a cookie's value. A cookie that is there twice counts as none: one of
// the two was planted by somebody who may write cookies for this host.
func cookieOf(r *http.Request, name string) secret.Text {
	if found := r.CookiesNamed(name); len(found) == 1 {
		return secret.New(found[0].Value)
	}
	return secret.Text{}
}

func own(name, value string, secure bool) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// setCookies sets what a step asks for.
func (s *Surface) setCookies(w http.ResponseWriter, account ident.AccountID, v login.View) {
	secure := s.secure(account)
	if !v.NewBrowser.Empty() {
		http.SetCookie(w, own(login.BrowserCookieName(secure), v.NewBrowser.Reveal(), secure))
	}
	if v.Result == nil {
		return
	}
	if !v.Result.Session.Empty() {
		c := own(session.CookieName(secure), v.Result.Session.Reveal(), secure)
		c.Expires = v.Result.SessionExpires
		http.SetCookie(w, c)
	}
	if t := v.Result.Tokens; t != nil && v.Result.CookieDomain != "" && secure {
		// The application asked for these and reads them by script: they are its credentials,
		// never ours (contract, section 3.3).
		for name, value := range map[string]secret.Text{"authorization": t.Access, "user": t.ID} {
			http.SetCookie(w, &http.Cookie{
				Name: name, Value: value.Reveal(), Domain: v.Result.CookieDomain, Path: "/", Expires: t.Expires,
				Secure: true, SameSite: http.SameSiteLaxMode,
			})
		}
	}
}

// remember notes which connection this browser chose last.
func (s *Surface) remember(w http.ResponseWriter, r *http.Request, c ident.ConnectionID) {
	secure := s.secure(web.AccountOf(r))
	cookie := own(lastCookieName(secure), string(c), secure)
	cookie.MaxAge = int(lastLife / time.Second)
	http.SetCookie(w, cookie)
}

func (s *Surface) lastUsed(r *http.Request) ident.ConnectionID {
	return ident.ConnectionID(cookieOf(r, lastCookieName(s.secure(web.AccountOf(r)))).Reveal())
}
