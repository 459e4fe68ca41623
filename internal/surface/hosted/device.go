package hosted

import (
	"context"
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth/device"
)

// Devices are the person's side of the device grant. *device.Service has them.
type Devices interface {
	Enter(ctx context.Context, v login.Visit, network, typed string) (device.Entered, error)
	View(ctx context.Context, v login.Visit, id string) (device.View, error)
	Decide(ctx context.Context, v login.Visit, id string, user ident.UserID, allow bool) (device.Outcome, error)
}

func (s *Surface) deviceRoutes() []web.Route {
	return []web.Route{
		s.route("GET", "/device", web.Public, web.LimitPage, s.showDevice),
		s.route("POST", "/device", web.Browser, web.LimitGuess, s.enterDevice),
		s.route("GET", "/device/confirm", web.Public, web.LimitGuess, s.showDeviceConfirm),
		s.route("POST", "/device/confirm", web.Browser, web.LimitGuess, s.decideDevice),
		s.route("GET", "/device/done", web.Public, web.LimitPage, s.showDeviceDone),
	}
}

// showDevice is GET /device, also with the user_code of verification_uri_complete (RFC 8628
// section 3.3.1): it fills the field in, and compares and approves nothing.
func (s *Surface) showDevice(w http.ResponseWriter, r *http.Request) error {
	q, err := once(r.URL.RawQuery)
	if err != nil {
		return err
	}
	typed := ""
	if code, ok := device.Clean(q.Get("user_code")); ok {
		typed = device.Shown(code)
	}
	return s.writeDevice(w, r, http.StatusOK, typed, device.Entered{})
}

func (s *Surface) writeDevice(w http.ResponseWriter, r *http.Request, status int, typed string, e device.Entered) error {
	p := s.newPage(r, "device.title")
	p.Ask = &question{Code: typed}
	here := "/device"
	if typed != "" {
		here += "?" + url.Values{"user_code": {typed}}.Encode()
	}
	p.Languages = languageLinks(p.Lang(), here)
	switch e.Outcome {
	case device.Unknown:
		p.FieldError = p.T("device.wrong")
		p.Title = p.T("problem") + ": " + p.Title
	case device.Limited:
		p.Alert = p.T("device.limited") + wordSpace(p) + p.Count("wait", max(1, minutes(e.Retry)))
	}
	return s.write(w, status, "device", p)
}

// wordSpace stands between two sentences.
func wordSpace(p page) string {
	if p.Lang() == "ja" {
		return ""
	}
	return " "
}

// enterDevice is POST /device.
func (s *Surface) enterDevice(w http.ResponseWriter, r *http.Request) error {
	f, err := formOnce(r)
	if err != nil {
		return err
	}
	typed := f.Get("user_code")
	e, err := s.deps.Devices.Enter(r.Context(), s.visit(r), network(r), typed)
	if err != nil {
		return err
	}
	if len(typed) > 64 {
		typed = ""
	}
	switch e.Outcome {
	case device.Found:
		return goTo(w, r, "/device/confirm", url.Values{"request": {e.ID}})
	case device.Limited:
		return s.writeDevice(w, r, http.StatusTooManyRequests, visible(typed), e)
	}
	return s.writeDevice(w, r, http.StatusUnprocessableEntity, visible(typed), e)
}

// showDeviceConfirm is GET /device/confirm: who asks, for what, and whose account it is.
func (s *Surface) showDeviceConfirm(w http.ResponseWriter, r *http.Request) error {
	q, err := once(r.URL.RawQuery)
	if err != nil {
		return err
	}
	id := idOf(q, "request")
	v := s.visit(r)
	view, err := s.deps.Devices.View(r.Context(), v, id)
	if err != nil {
		return err
	}
	return s.confirmDevice(w, r, v, view)
}

func (s *Surface) confirmDevice(w http.ResponseWriter, r *http.Request, v login.Visit, view device.View) error {
	switch view.Outcome {
	case device.SignIn:
		return s.signIn(w, r, view.Client, "/device/confirm", url.Values{"request": {view.ID}})
	case device.Found:
	default:
		return s.deviceMessage(w, r, message{status: http.StatusGone, key: "device.gone", sign: "clock"})
	}
	u, err := s.deps.Users.Get(r.Context(), v.Account, view.User)
	if err != nil {
		return err
	}
	p := s.newPage(r, "device.confirm.title")
	p.Languages = languageLinks(p.Lang(), "/device/confirm?request="+url.QueryEscape(view.ID))
	p.Ask, p.Person, p.Action = askOf(p, view.Client), personOf(u), "/device/confirm"
	p.Ask.wants(p, view.Scopes, view.Resources, view.Details)
	p.Ask.Code = view.UserCode
	p.Ask.Fields = []field{{"request", view.ID}, {"user", string(view.User)}}
	return s.write(w, http.StatusOK, "connect", p)
}

// decideDevice is POST /device/confirm.
func (s *Surface) decideDevice(w http.ResponseWriter, r *http.Request) error {
	f, err := formOnce(r)
	if err != nil {
		return err
	}
	decision := f.Get("decision")
	if decision != "allow" && decision != "deny" {
		return errIncomplete
	}
	id := idOf(f, "request")
	out, err := s.deps.Devices.Decide(r.Context(), s.visit(r), id, ident.UserID(f.Get("user")), decision == "allow")
	if err != nil {
		return err
	}
	switch out {
	case device.Done:
		return goTo(w, r, "/device/done", url.Values{"said": {decision}})
	case device.SignIn: // signed out, or somebody else now: the page names them anew
		return goTo(w, r, "/device/confirm", url.Values{"request": {id}})
	}
	return s.deviceMessage(w, r, message{status: http.StatusGone, key: "device.gone", sign: "clock"})
}

// showDeviceDone is GET /device/done. The address only chooses between two sentences.
func (s *Surface) showDeviceDone(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Query().Get("said") == "allow" {
		return s.deviceMessage(w, r, message{status: http.StatusOK, key: "device.done", sign: "tick", tone: "good"})
	}
	return s.deviceMessage(w, r, message{status: http.StatusOK, key: "device.denied", sign: "hand"})
}

func (s *Surface) deviceMessage(w http.ResponseWriter, r *http.Request, m message) error {
	p := s.messagePage(r, m)
	if m.key == "device.gone" {
		p.Target, p.Submit = "/device", "device.gone.submit"
		if p.Locale != "" {
			p.Target += "?ui_locales=" + url.QueryEscape(p.Locale)
		}
	}
	return s.write(w, m.status, "message", p)
}
