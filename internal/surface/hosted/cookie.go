package hosted

import (
	"net/http"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/surface/hosted/page"
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

// setCookies sets what a step asks for.
func (s *Surface) setCookies(w http.ResponseWriter, r *http.Request, v login.View) {
	secure := s.kit.Secure(web.AccountOf(r))
	if !v.NewBrowser.Empty() {
		http.SetCookie(w, page.OwnCookie(login.BrowserCookieName(secure), v.NewBrowser.Reveal(), secure))
	}
	if v.Result == nil {
		return
	}
	if !v.Result.Session.Empty() {
		c := page.OwnCookie(session.CookieName(secure), v.Result.Session.Reveal(), secure)
		c.Expires = v.Result.SessionExpires
		http.SetCookie(w, c)
		if s.deps.Offer != nil {
			s.deps.Offer(w, r, v.Result.Session)
		}
	}
	if !v.Result.Device.Empty() {
		c := page.OwnCookie(login.DeviceCookieName(secure), v.Result.Device.Reveal(), secure)
		c.Expires = v.Result.DeviceExpires
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
	secure := s.kit.Secure(web.AccountOf(r))
	cookie := page.OwnCookie(lastCookieName(secure), string(c), secure)
	cookie.MaxAge = int(lastLife / time.Second)
	http.SetCookie(w, cookie)
}

func (s *Surface) lastUsed(r *http.Request) ident.ConnectionID {
	return ident.ConnectionID(web.Cookie(r, lastCookieName(s.kit.Secure(web.AccountOf(r)))).Reveal())
}
