package ask

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth/logout"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// Logouts are the verbs of a client's wish to sign its person out. *logout.Service has them.
type Logouts interface {
	Plan(ctx context.Context, v login.Visit, w logout.Wish) (logout.Plan, error)
	End(ctx context.Context, v login.Visit, p logout.Plan) (logout.Ended, error)
}

// maxHint is how long an id_token_hint may be that travels on in an address.
const maxHint = 12 << 10

func (s *Surface) logoutRoutes() []web.Route {
	return []web.Route{
		s.kit.Route("GET", "/oauth/logout", web.Public, web.LimitLogin, s.showLogout),
		// Clients may post, too. Our cookies do not come with a foreign POST, so it only turns the
		// wish into a GET.
		s.kit.Route("POST", "/oauth/logout", web.Public, web.LimitLogin, s.receiveLogout),
		s.kit.Route("POST", "/oauth/logout/confirm", web.Browser, web.LimitLogin, s.confirmLogout),
	}
}

var logoutParameters = []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"}

// receiveLogout is POST /oauth/logout (OpenID Connect RP-Initiated Logout 1.0 section 2).
func (s *Surface) receiveLogout(w http.ResponseWriter, r *http.Request) error {
	f, err := page.Form(r)
	if err != nil {
		return err
	}
	q := url.Values{}
	for _, name := range logoutParameters {
		if v := f.Get(name); v != "" && len(v) <= maxHint {
			q.Set(name, v)
		}
	}
	return web.SeeOther(w, "/oauth/logout?"+q.Encode())
}

func wishOf(values url.Values) logout.Wish {
	return logout.Wish{
		Hint: values.Get("id_token_hint"), Client: values.Get("client_id"), Redirect: values.Get("post_logout_redirect_uri"), State: values.Get("state"),
	}
}

// showLogout is GET /oauth/logout. It changes state by GET only for a wish that proves, by an ID token
// of this very session, that it comes from a client which takes part in it (I-24); whatever else
// asks gets a page with a button.
func (s *Surface) showLogout(w http.ResponseWriter, r *http.Request) error {
	if !goesHere(r) {
		return fault.New(fault.Forbidden, fault.CodeForbidden, "Signing out is a page to go to, not a resource to load.")
	}
	q, err := page.Query(r.URL.RawQuery)
	if err != nil {
		return err
	}
	wish, v := wishOf(q), s.kit.Visit(r)
	plan, err := s.deps.Logouts.Plan(r.Context(), v, wish)
	if err != nil {
		return err
	}
	if !plan.Ask {
		return s.endSession(w, r, v, plan)
	}
	u, err := s.deps.Door.Users.Get(r.Context(), v.Account, plan.User)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	p := s.asking(r, "logout.title")
	p.At("/oauth/logout?" + url.Values{
		"client_id": {plan.Client.ID}, "post_logout_redirect_uri": {plan.Registered}, "state": {wish.State},
	}.Encode())
	p.Ask, p.Person, p.Action = &question{}, page.PersonOf(u), "/oauth/logout/confirm"
	if plan.Client.ID != "" {
		p.Ask = askOf(p.Page, plan.Client)
	}
	p.Hide("user", string(plan.User))
	p.Hide("client_id", plan.Client.ID)
	p.Hide("post_logout_redirect_uri", plan.Registered)
	p.Hide("state", wish.State)
	return s.pages.Write(w, http.StatusOK, "logout", p, page.FormTarget(plan.Registered)...)
}

// goesHere tells whether a browser is going to the page, and not only loading it for later or inside
// another. Clients that say nothing about it (older browsers, command lines) count as going.
func goesHere(r *http.Request) bool {
	dest, mode := r.Header.Get("Sec-Fetch-Dest"), r.Header.Get("Sec-Fetch-Mode")
	purpose := r.Header.Get("Sec-Purpose") + r.Header.Get("Purpose")
	return (dest == "" || dest == "document") && (mode == "" || mode == "navigate") && !strings.Contains(purpose, "prefetch")
}

// confirmLogout is POST /oauth/logout/confirm: the button.
func (s *Surface) confirmLogout(w http.ResponseWriter, r *http.Request) error {
	f, err := page.Form(r)
	if err != nil {
		return err
	}
	wish, v := wishOf(f), s.kit.Visit(r)
	wish.Hint = ""
	plan, err := s.deps.Logouts.Plan(r.Context(), v, wish)
	if err != nil {
		return err
	}
	return s.endSession(w, r, v, plan)
}

// endSession ends it, lets the clients' frames load, and leads on.
func (s *Surface) endSession(w http.ResponseWriter, r *http.Request, v login.Visit, plan logout.Plan) error {
	ended, err := s.deps.Logouts.End(r.Context(), v, plan)
	if err != nil {
		return err
	}
	secure := s.kit.Secure(v.Account)
	gone := page.OwnCookie(session.CookieName(secure), "", secure)
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	if len(ended.Frames) == 0 && ended.Redirect != "" {
		return web.SeeOther(w, ended.Redirect)
	}
	p := asking{Page: s.kit.Message(r, page.Message{Key: "logged_out", Sign: "tick", Tone: "good"})}
	p.At("/logged-out")
	p.Frames = ended.Frames
	if ended.Redirect != "" {
		p.Languages = nil
		p.Ask = askOf(p.Page, ended.Client)
		p.Onward = onward(ended.Redirect)
	}
	return s.pages.Write(w, http.StatusOK, "loggedout", p)
}

// onward is a registered address as the target of a link: also a native application's own scheme,
// never one that a browser runs.
func onward(address string) template.URL {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	switch strings.ToLower(u.Scheme) {
	case "", "javascript", "data", "vbscript", "blob", "file", "about":
		return ""
	}
	return template.URL(address) //nolint:gosec // byte for byte the registered one, with the state in its query
}
