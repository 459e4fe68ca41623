package ask

import (
	"context"
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth/device"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// Devices are the person's side of the device grant. *device.Service has them.
type Devices interface {
	Enter(ctx context.Context, v login.Visit, network, typed string) (device.Entered, error)
	View(ctx context.Context, v login.Visit, id string) (device.View, error)
	Decide(ctx context.Context, v login.Visit, id string, user ident.UserID, allow bool) (device.Outcome, error)
}

func (s *Surface) deviceRoutes() []web.Route {
	return []web.Route{
		s.kit.Route("GET", "/device", web.Public, web.LimitPage, s.showDevice),
		s.kit.Route("POST", "/device", web.Browser, web.LimitGuess, s.enterDevice),
		s.kit.Route("GET", "/device/confirm", web.Public, web.LimitGuess, s.showDeviceConfirm),
		s.kit.Route("POST", "/device/confirm", web.Browser, web.LimitGuess, s.decideDevice),
		s.kit.Route("GET", "/device/done", web.Public, web.LimitPage, s.showDeviceDone),
	}
}

// showDevice is GET /device, also with the user_code of verification_uri_complete (RFC 8628
// section 3.3.1): it fills the field in, and compares and approves nothing.
func (s *Surface) showDevice(w http.ResponseWriter, r *http.Request) error {
	q, err := page.Query(r.URL.RawQuery)
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
	p := s.asking(r, "device.title")
	p.Ask = &question{Code: typed}
	here := "/device"
	if typed != "" {
		here += "?" + url.Values{"user_code": {typed}}.Encode()
	}
	p.At(here)
	switch e.Outcome {
	case device.Unknown:
		p.Fault(p.T("device.wrong"))
	case device.Limited:
		p.Alert = p.T("device.limited") + p.WordSpace() + p.Count("wait", max(1, page.Minutes(e.Retry)))
	}
	return s.pages.Write(w, status, "device", p)
}

// enterDevice is POST /device.
func (s *Surface) enterDevice(w http.ResponseWriter, r *http.Request) error {
	f, err := page.Form(r)
	if err != nil {
		return err
	}
	typed := f.Get("user_code")
	e, err := s.deps.Devices.Enter(r.Context(), s.kit.Visit(r), page.Network(r), typed)
	if err != nil {
		return err
	}
	if len(typed) > 64 {
		typed = ""
	}
	switch e.Outcome {
	case device.Found:
		return page.GoTo(w, r, "/device/confirm", url.Values{"request": {e.ID}})
	case device.Limited:
		return s.writeDevice(w, r, http.StatusTooManyRequests, page.Visible(typed), e)
	}
	return s.writeDevice(w, r, http.StatusUnprocessableEntity, page.Visible(typed), e)
}

// showDeviceConfirm is GET /device/confirm: who asks, for what, and whose account it is.
func (s *Surface) showDeviceConfirm(w http.ResponseWriter, r *http.Request) error {
	q, err := page.Query(r.URL.RawQuery)
	if err != nil {
		return err
	}
	id := page.ID(q, "request")
	v := s.kit.Visit(r)
	view, err := s.deps.Devices.View(r.Context(), v, id)
	if err != nil {
		return err
	}
	return s.confirmDevice(w, r, v, view)
}

func (s *Surface) confirmDevice(w http.ResponseWriter, r *http.Request, v login.Visit, view device.View) error {
	switch view.Outcome {
	case device.SignIn:
		return s.deps.Door.SignIn(w, r, errandOf(view.Client), "/device/confirm", url.Values{"request": {view.ID}})
	case device.Found:
	default:
		return s.deviceMessage(w, r, page.Message{Status: http.StatusGone, Key: "device.gone", Sign: "clock"})
	}
	u, err := s.deps.Door.Users.Get(r.Context(), v.Account, view.User)
	if err != nil {
		return err
	}
	p := s.asking(r, "device.confirm.title")
	p.At("/device/confirm?request=" + url.QueryEscape(view.ID))
	p.Ask, p.Person, p.Action = askOf(p.Page, view.Client), page.PersonOf(u), "/device/confirm"
	p.Ask.wants(p.Page, view.Scopes, view.Resources, view.Details)
	p.Ask.Code = view.UserCode
	p.Hide("request", view.ID)
	p.Hide("user", string(view.User))
	return s.pages.Write(w, http.StatusOK, "connect", p)
}

// decideDevice is POST /device/confirm.
func (s *Surface) decideDevice(w http.ResponseWriter, r *http.Request) error {
	f, err := page.Form(r)
	if err != nil {
		return err
	}
	decision := f.Get("decision")
	if decision != "allow" && decision != "deny" {
		return page.ErrIncomplete
	}
	id := page.ID(f, "request")
	out, err := s.deps.Devices.Decide(r.Context(), s.kit.Visit(r), id, ident.UserID(f.Get("user")), decision == "allow")
	if err != nil {
		return err
	}
	switch out {
	case device.Done:
		return page.GoTo(w, r, "/device/done", url.Values{"said": {decision}})
	case device.SignIn: // signed out, or somebody else now: the page names them anew
		return page.GoTo(w, r, "/device/confirm", url.Values{"request": {id}})
	}
	return s.deviceMessage(w, r, page.Message{Status: http.StatusGone, Key: "device.gone", Sign: "clock"})
}

// showDeviceDone is GET /device/done. The address only chooses between two sentences.
func (s *Surface) showDeviceDone(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Query().Get("said") == "allow" {
		return s.deviceMessage(w, r, page.Message{Status: http.StatusOK, Key: "device.done", Sign: "tick", Tone: "good"})
	}
	return s.deviceMessage(w, r, page.Message{Status: http.StatusOK, Key: "device.denied", Sign: "hand"})
}

func (s *Surface) deviceMessage(w http.ResponseWriter, r *http.Request, m page.Message) error {
	p := s.kit.Message(r, m)
	if m.Key == "device.gone" {
		p.Target, p.Submit = "/device", "device.gone.submit"
		if p.Locale != "" {
			p.Target += "?ui_locales=" + url.QueryEscape(p.Locale)
		}
	}
	return s.kit.WriteMessage(w, m.Status, p)
}
