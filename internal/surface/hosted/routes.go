package hosted

import (
	"net/http"

	"github.com/admit-id/admit/internal/kit/web"
)

// Routes are the pages' routes.
func (s *Surface) Routes() []web.Route {
	list := []web.Route{
		s.route("GET", "/login", web.Public, web.LimitLogin, s.showLogin),
		// Where providers that answer by form_post arrive. SameSite cookies do not come with a
		// foreign POST, so it only turns the answer into a GET.
		s.route("POST", "/login", web.Public, web.LimitLogin, s.receiveForm),
		s.route("POST", "/login/email", web.Browser, web.LimitMail, s.sendCode),
		s.route("POST", "/login/resend", web.Browser, web.LimitMail, s.sendCode),
		s.route("POST", "/login/change", web.Browser, web.LimitLogin, s.changeEmail),
		s.route("POST", "/login/code", web.Browser, web.LimitGuess, s.enterCode),
		s.route("POST", "/login/connection", web.Browser, web.LimitLogin, s.startUpstream),
		s.route("POST", "/login/continue", web.Browser, web.LimitLogin, s.continueSession),
		s.route("POST", "/login/restart", web.Browser, web.LimitLogin, s.restart),
		s.route("GET", "/login/link", web.Public, web.LimitGuess, s.showLink),
		s.route("POST", "/login/link", web.Browser, web.LimitGuess, s.followLink),
		s.route("POST", "/login/handover", web.Browser, web.LimitGuess, s.confirmHandover),
		s.route("GET", "/setup", web.Public, web.LimitGuess, s.showSetup),
		s.route("POST", "/setup", web.Browser, web.LimitGuess, s.startSetup),
		s.route("GET", "/setup/done", web.Public, web.LimitPage, s.showSetupDone),
		s.route("POST", "/setup/done", web.Browser, web.LimitLogin, s.revealKey),
		s.route("GET", "/logged-out", web.Public, web.LimitPage, s.showLoggedOut),
		s.route("GET", "/assets/{name}", web.Public, web.LimitPage, s.serveAsset),
	}
	if s.deps.Devices != nil {
		list = append(list, s.deviceRoutes()...)
	}
	if s.deps.Requests != nil {
		list = append(list, s.consentRoutes()...)
	}
	if s.deps.Logouts != nil {
		list = append(list, s.logoutRoutes()...)
	}
	for _, step := range []string{"email", "resend", "change", "code", "connection", "continue", "restart"} {
		list = append(list, s.route("GET", "/login/"+step, web.Public, web.LimitPage, s.returnToLogin))
	}
	return list
}

func (s *Surface) route(method, pattern string, auth web.Auth, limit web.LimitClass, h web.Handler) web.Route {
	return web.Route{
		Method: method, Pattern: pattern, Auth: auth, Scope: web.Account, Limit: limit, CORS: web.NoCORS,
		Handler: withoutHead(h), Errors: s.Error, MaxBody: maxForm,
	}
}

// maxForm bounds a form: the largest is a provider's form_post with a code and a user's name.
const maxForm = 64 << 10

// withoutHead answers HEAD without asking what stands behind the page: mail scanners and
// link previews send it, and it must not bind or use up anything (I-24).
func withoutHead(h web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusOK)
			return nil
		}
		return h(w, r)
	}
}
