package settings

import (
	"net/http"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// The sections.
const (
	pathProfile      = "/settings"
	pathSecurity     = "/settings/security"
	pathSessions     = "/settings/sessions"
	pathApplications = "/settings/applications"
	pathActivity     = "/settings/activity"
	pathData         = "/settings/data"
	pathApp          = "/settings/security/app"
	pathPassword     = "/settings/security/password"
	pathDeleted      = "/settings/deleted"
)

// Routes are the pages' routes.
func (s *Surface) Routes() []web.Route {
	get := func(path string, h handler) web.Route {
		return s.kit.Route(http.MethodGet, path, web.Public, web.LimitLogin, s.show(path, h))
	}
	var again []web.Route // of forms: whoever opens such an address anew, or shares it, is led to its section
	post := func(path, section string, limit web.LimitClass, h changer) web.Route {
		if path != section {
			again = append(again, s.kit.Route(http.MethodGet, path, web.Public, web.LimitPage, to(section)))
		}
		return s.kit.Route(http.MethodPost, path, web.Browser, limit, s.change(section, h))
	}
	list := []web.Route{
		get(pathProfile, s.showProfile),
		post("/settings/profile", pathProfile, web.LimitLogin, s.setProfile),
		get(pathSecurity, s.showSecurity),
		s.kit.Route(http.MethodPost, "/settings/confirm", web.Browser, web.LimitLogin, s.form(pathSecurity, s.confirm)),
		post("/settings/passkeys/new", pathSecurity, web.LimitLogin, s.newPasskey),
		post("/settings/passkeys", pathSecurity, web.LimitGuess, s.addPasskey),
		post("/settings/passkeys/prove", pathSecurity, web.LimitLogin, s.beginProof),
		post("/settings/passkeys/proof", pathSecurity, web.LimitGuess, s.finishProof),
		post("/settings/passkeys/rename", pathSecurity, web.LimitLogin, s.renamePasskey),
		post("/settings/passkeys/remove", pathSecurity, web.LimitLogin, s.removePasskey),
		get(pathApp, s.showApp),
		post("/settings/apps/new", pathSecurity, web.LimitLogin, s.newApp),
		post("/settings/apps", pathSecurity, web.LimitGuess, s.addApp),
		post("/settings/apps/remove", pathSecurity, web.LimitLogin, s.removeApp),
		post("/settings/codes", pathSecurity, web.LimitLogin, s.createCodes),
		get(pathPassword, s.showPassword),
		post("/settings/password", pathPassword, web.LimitGuess, s.setPassword),
		post("/settings/password/remove", pathSecurity, web.LimitLogin, s.removePassword),
		get(pathSessions, s.showSessions),
		post("/settings/sessions/end", pathSessions, web.LimitLogin, s.endSession),
		post("/settings/sessions/others", pathSessions, web.LimitLogin, s.endOthers),
		post("/settings/sessions/all", pathSessions, web.LimitLogin, s.endAll),
		post("/settings/browsers/forget", pathSessions, web.LimitLogin, s.forgetBrowser),
		get(pathApplications, s.showApplications),
		post(pathApplications, pathApplications, web.LimitLogin, s.withdraw),
		get(pathActivity, s.showActivity),
		get(pathData, s.showData),
		post(pathData, pathData, web.LimitMail, s.download),
		post("/settings/delete", pathData, web.LimitLogin, s.leave),
		s.kit.Route(http.MethodGet, pathDeleted, web.Public, web.LimitPage, s.showDeleted),
		s.kit.Route(http.MethodPost, "/settings/recovery/cancel", web.Browser, web.LimitLogin, s.ease(pathSecurity, s.cancelRecovery)),
	}
	if s.deps.Identities != nil {
		list = append(list,
			post("/settings/identities/link", pathProfile, web.LimitLogin, s.link),
			post("/settings/identities/unlink", pathProfile, web.LimitLogin, s.unlink),
			post("/settings/email", pathProfile, web.LimitLogin, s.readdress))
	}
	for _, path := range []string{"/settings/confirm", "/settings/recovery/cancel"} {
		again = append(again, s.kit.Route(http.MethodGet, path, web.Public, web.LimitPage, to(pathSecurity)))
	}
	return append(list, again...)
}

// to leads to a section and changes nothing.
func to(section string) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error { return page.GoTo(w, r, section, nil) }
}
