package hosted

import (
	"github.com/admit-id/admit/internal/kit/web"
)

// Routes are the pages' routes.
func (s *Surface) Routes() []web.Route {
	list := []web.Route{
		s.kit.Route("GET", "/login", web.Public, web.LimitLogin, s.showLogin),
		// Where providers that answer by form_post arrive. SameSite cookies do not come with a
		// foreign POST, so it only turns the answer into a GET.
		s.kit.Route("POST", "/login", web.Public, web.LimitLogin, s.receiveForm),
		s.kit.Route("POST", "/login/email", web.Browser, web.LimitMail, s.sendCode),
		s.kit.Route("POST", "/login/resend", web.Browser, web.LimitMail, s.sendCode),
		s.kit.Route("POST", "/login/change", web.Browser, web.LimitLogin, s.changeEmail),
		s.kit.Route("POST", "/login/code", web.Browser, web.LimitGuess, s.enterCode),
		s.kit.Route("POST", "/login/connection", web.Browser, web.LimitLogin, s.startUpstream),
		s.kit.Route("POST", "/login/continue", web.Browser, web.LimitLogin, s.continueSession),
		s.kit.Route("POST", "/login/restart", web.Browser, web.LimitLogin, s.restart),
		s.kit.Route("GET", "/login/link", web.Public, web.LimitGuess, s.showLink),
		s.kit.Route("POST", "/login/link", web.Browser, web.LimitGuess, s.followLink),
		s.kit.Route("POST", "/login/handover", web.Browser, web.LimitGuess, s.confirmHandover),
		s.kit.Route("GET", "/setup", web.Public, web.LimitGuess, s.showSetup),
		s.kit.Route("POST", "/setup", web.Browser, web.LimitGuess, s.startSetup),
		s.kit.Route("GET", "/setup/done", web.Public, web.LimitPage, s.showSetupDone),
		s.kit.Route("POST", "/setup/done", web.Browser, web.LimitLogin, s.revealKey),
		s.kit.Route("GET", "/logged-out", web.Public, web.LimitPage, s.showLoggedOut),
	}
	if s.deps.Typed != nil {
		list = append(list, s.factorRoutes()...)
		list = append(list, s.lostRoutes()...)
		list = append(list, s.renewRoutes()...)
	}
	for _, step := range []string{"email", "resend", "change", "code", "connection", "continue", "restart"} {
		list = append(list, s.kit.Route("GET", "/login/"+step, web.Public, web.LimitPage, s.returnToLogin))
	}
	return list
}
