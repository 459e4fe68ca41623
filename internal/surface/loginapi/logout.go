package loginapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login/address"
)

// loggedOut is the page for a logout that names no page of an application.
const loggedOut = "/logged-out"

// logout is GET /logout: it ends the session and leads back. It changes state by GET because the
// SDK sends the browser here; so it serves navigations only, never images, scripts, frames
// or fetches, and leads to registered URLs only.
func (s *Surface) logout(w http.ResponseWriter, r *http.Request) error {
	if !navigates(r) {
		return fault.New(fault.Forbidden, fault.CodeForbidden, "Signing out is a page to go to, not a resource to load.")
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK) // link previews sign nobody out
		return nil
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fault.New(fault.Invalid, fault.CodeInvalidRequest, "The address cannot be read.")
	}
	for name, values := range q {
		if len(values) > 1 {
			return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "The address has the parameter %.40q more than once.", name)
		}
	}
	account := web.AccountOf(r)
	if _, err := s.deps.Sessions.EndCookie(r.Context(), web.ActorOf(r), s.cookie(r)); err != nil {
		return err
	}
	app, known := s.deps.Applications.Get(account, ident.ApplicationID(q.Get("client_id")))
	s.forget(w, account, app)
	w.Header().Set("Cache-Control", "no-store")
	if other := s.otherHost(r, q); other != "" {
		return web.SeeOther(w, other)
	}
	target := q.Get("redirect_uri")
	if !known || !app.AllowsRedirect(target) {
		target = loggedOut
	}
	return web.SeeOther(w, target)
}

// navigates tells whether the browser is going to a page, and not only loading it for later. Clients that say nothing about it
// (older browsers, command lines) count as going.
func navigates(r *http.Request) bool {
	dest, mode := r.Header.Get("Sec-Fetch-Dest"), r.Header.Get("Sec-Fetch-Mode")
	purpose := r.Header.Get("Sec-Purpose") + r.Header.Get("Purpose")
	return (dest == "" || dest == "document") && (mode == "" || mode == "navigate") && !strings.Contains(purpose, "prefetch")
}

// otherHost returns where a browser goes next on a loopback deployment: sign-ins of pages on the
// same host name happen on the twin host (see address.Twin), so a session may be there as well.
// It goes to each host once.
func (s *Surface) otherHost(r *http.Request, q url.Values) string {
	issuer := s.deps.Accounts.Issuer(web.AccountOf(r))
	twin := address.Twin(issuer)
	if twin == "" || q.Has("hop") || r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return ""
	}
	base := twin
	if r.Host == strings.TrimPrefix(twin, "http://") {
		base = issuer
	}
	next := url.Values{"hop": {"1"}}
	for _, name := range []string{"client_id", "redirect_uri"} {
		if q.Has(name) {
			next.Set(name, q.Get(name))
		}
	}
	return base + "/logout?" + next.Encode()
}
