package hosted

import (
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// show renders what a login may show, or leaves it.
func (s *Surface) show(w http.ResponseWriter, r *http.Request, v login.View) error {
	switch v.State {
	case login.StateRedirect:
		return web.SeeOther(w, v.Result.Location)
	case login.StateChoose:
		return s.showBox(w, r, v)
	case login.StateCode:
		return s.showCode(w, r, v)
	case login.StateSecond:
		return s.showSecond(w, r, v)
	case login.StateEnrol:
		return s.showEnrol(w, r, v)
	case login.StateRenew:
		return s.showRenew(w, r, v)
	case login.StateAccounts:
		return s.showAccounts(w, r, v)
	case login.StateLink:
		p := s.box(r, "", "link.title")
		p.Email, p.Action = v.Email, "/login/link"
		if v.Ticket.Empty() {
			p.Hide("token", linkToken(r))
		} else {
			p.Hide("token", v.Ticket.Reveal())
			p.Action = "/login/handover"
		}
		return s.pages.Write(w, http.StatusOK, "link", p, page.FormTarget(v.ReturnURL)...)
	}
	return s.showMessage(w, r, v)
}

// showBox is the choice of a way to sign in, or of the person who is signed in already.
func (s *Surface) showBox(w http.ResponseWriter, r *http.Request, v login.View) error {
	here := "/login?state=" + url.QueryEscape(string(v.ID))
	if v.Current != nil && !r.URL.Query().Has("other") && v.Problem == login.ProblemNone && r.Method == http.MethodGet {
		p := s.box(r, v.ID, "choose.title")
		p.At(here)
		p.Alert, p.Notice = s.told(r, p, v)
		p.Person = page.NewPerson(v.Current.ID, v.Current.Name, v.Current.Email)
		p.OtherURL = here + "&other=1"
		if p.Locale != "" {
			p.OtherURL += "&ui_locales=" + url.QueryEscape(p.Locale)
		}
		return s.pages.Write(w, http.StatusOK, "choose", p, page.FormTarget(v.ReturnURL)...)
	}
	if answered, err := s.showProof(w, r, v); answered || err != nil {
		return err
	}
	p := s.box(r, v.ID, "email.title")
	if v.Current != nil {
		here += "&other=1"
	}
	p.Named, p.EmailCode, p.Email = false, v.EmailCode, v.Email
	p.Title = p.T("email.heading", "Account", p.Brand.Name)
	p.linking(v)
	p.At(here)
	last := s.lastUsed(r)
	for _, b := range v.Connections {
		p.Connections = append(p.Connections, connectionButton{ID: b.ID, Name: b.Name, Icon: b.Kind, Last: b.ID == last})
	}
	s.offerFactors(r, &p, v)
	if v.Problem == login.ProblemEmailInvalid {
		p.Fault(p.T("email.invalid"))
	} else {
		p.Alert, p.Notice = s.told(r, p, v)
	}
	return s.pages.Write(w, statusOf(r, v), "email", p, page.FormTarget(v.ReturnURL)...)
}

// statusOf tells a form that is answered with its own page from a page that was asked for.
func statusOf(r *http.Request, v login.View) int {
	switch {
	case r.Method != http.MethodPost:
		return http.StatusOK
	case v.Problem == login.ProblemTooManyMails, v.Problem == login.ProblemAddressPaused, v.Problem == login.ProblemPasswordPaused, v.Problem == login.ProblemSecondPaused:
		return http.StatusTooManyRequests
	}
	return http.StatusUnprocessableEntity
}

func (s *Surface) showCode(w http.ResponseWriter, r *http.Request, v login.View) error {
	p := s.box(r, v.ID, "code.title")
	p.Email, p.Submit = v.Email, "code.submit"
	if v.Linking != nil { // nobody signs in
		p.Submit = "continue"
	}
	p.At("/login?state=" + url.QueryEscape(string(v.ID)))
	problem := s.problem(r, v)
	switch {
	case problem == login.ProblemCodeWrong && v.AttemptsLeft > 0:
		p.Fault(p.Count("code.attempts", v.AttemptsLeft))
	case problem == login.ProblemCodeWrong:
		p.Fault(p.T("code.wrong"))
	default:
		p.Alert, p.Notice = s.told(r, p, v)
	}
	if p.FieldError == "" && p.Alert == "" && !v.CodeExpires.IsZero() {
		p.Minutes = s.kit.MinutesUntil(v.CodeExpires)
	}
	return s.pages.Write(w, statusOf(r, v), "code", p, page.FormTarget(v.ReturnURL)...)
}

// problem is the one of this step, or the one that the step before put into the address.
// It only chooses among sentences: an address that somebody made up can say nothing else.
func (s *Surface) problem(r *http.Request, v login.View) login.Problem {
	if v.Problem != login.ProblemNone || r.Method != http.MethodGet {
		return v.Problem
	}
	return login.Problem(r.URL.Query().Get("problem"))
}

// told is the sentence above the form: what went wrong, or what went well.
func (s *Surface) told(r *http.Request, p box, v login.View) (alert, notice string) {
	switch problem := s.problem(r, v); problem {
	case login.ProblemCodeWrong:
		alert = p.T("code.wrong")
	case login.ProblemCodeExpired, login.ProblemTooManyTries:
		alert = p.T("code.spent")
	case login.ProblemTooManyMails, login.ProblemAddressPaused, login.ProblemPasswordPaused, login.ProblemSecondPaused:
		alert = p.Sentence("limited.heading")
		if n := s.kit.MinutesUntil(v.RetryAt); n > 0 {
			alert += p.Count("wait", n)
		} else {
			alert += p.T("limited.lead")
		}
	case login.ProblemUpstreamFailed, login.ProblemUpstreamDenied:
		alert = p.Sentence("upstream.heading", "Provider", p.T("upstream.someone")) + p.T("upstream.lead")
	case login.ProblemConnectionGone:
		alert = p.T("connection.gone")
	case login.ProblemUserUnavailable:
		alert = p.T("user.unavailable")
	case login.ProblemNotMember:
		alert = p.T("tenant.refused")
	case login.ProblemEmailInvalid:
		alert = p.T("email.invalid")
	case login.ProblemLinkOther:
		alert = p.T("link.elsewhere.lead")
	case login.ProblemLinkDead:
		alert = p.T("link.used.lead")
	case "code_sent":
		notice = p.T("code.sent")
	default:
		if key, ok := factorProblems[problem]; ok {
			alert = p.T(key)
		}
	}
	return alert, notice
}

// factorProblems are the sentences for what goes wrong with factors.
var factorProblems = map[login.Problem]string{
	login.ProblemPasswordWrong: "password.wrong", login.ProblemPasskeyRefused: "passkey.failed", login.ProblemPasskeyUnknown: "passkey.unknown",
	login.ProblemPasskeyUnproved: "passkey.unproved", login.ProblemSecondWrong: "second.wrong", login.ProblemEnrolGone: "enrol.gone",
	login.ProblemEnrolRefused: "enrol.failed", login.ProblemOtherPerson: "second.person", login.ProblemFactorRefused: "second.refused",
	login.ProblemPolicy: "second.refused", login.ProblemTaken: "linking.taken", login.ProblemReserved: "linking.reserved",
}

// linkToken is the token of the page that shows a link; it was read from the query or,
// when a form is answered with the same page, from the form.
func linkToken(r *http.Request) string {
	if r.Method == http.MethodPost {
		return r.PostFormValue("token")
	}
	return r.URL.Query().Get("token")
}

// message is a page without a field, and the way forward from it.
type message struct {
	page.Message
	restart bool // offer to begin again
	back    bool // offer the application's page
}

func says(status int, key, sign string) message {
	return message{Message: page.Message{Status: status, Key: key, Sign: sign}}
}

// messageOf says what stands for a state in which the login cannot go on here.
func messageOf(r *http.Request, v login.View) message {
	switch v.Problem {
	case login.ProblemLinkOther:
		return says(http.StatusForbidden, "link.elsewhere", "mail")
	case login.ProblemLinkDead:
		return says(http.StatusGone, "link.used", "link")
	case login.ProblemSetupDead:
		return says(http.StatusGone, "setup.used", "link")
	case login.ProblemStranger:
		return message{Message: page.Message{Status: http.StatusForbidden, Key: "linking.stranger", Sign: "warn"}, back: true}
	case login.ProblemUpstreamFailed, login.ProblemUpstreamDenied:
		return message{Message: page.Message{Status: http.StatusBadRequest, Key: "upstream", Sign: "warn"}, restart: true}
	}
	if v.State == login.StateNoCookie && r.Method == http.MethodGet {
		// Somebody took the address to a browser that was never here. One that was here and
		// keeps no cookies is told so at its first form.
		v.State = login.StateOtherBrowser
	}
	switch v.State {
	case login.StateAwait:
		return message{Message: page.Message{Status: http.StatusOK, Key: "await", Sign: "link"}, back: true}
	case login.StateExpired:
		return message{Message: page.Message{Status: http.StatusGone, Key: "expired", Sign: "clock"}, restart: true}
	case login.StateOtherBrowser:
		return message{Message: page.Message{Status: http.StatusForbidden, Key: "elsewhere", Sign: "window"}, restart: true}
	case login.StateNoCookie:
		return message{Message: page.Message{Status: http.StatusBadRequest, Key: "cookies", Sign: "cookie"}, restart: true}
	case login.StateDone:
		return message{Message: page.Message{Status: http.StatusOK, Key: "done", Tone: "good", Sign: "tick"}, back: true}
	}
	return says(http.StatusNotFound, "invalid", "link")
}

func (s *Surface) showMessage(w http.ResponseWriter, r *http.Request, v login.View) error {
	m := messageOf(r, v)
	p := s.kit.Message(r, m.Message)
	switch {
	case m.restart && v.ID != "":
		// Without cookies too: the request that this browser could not keep is of no more use.
		p.Action, p.Submit = "/login/restart?"+url.Values{"state": {string(v.ID)}}.Encode(), "start_again"
		p.Hide("state", string(v.ID))
	case m.back && v.ReturnURL != "":
		p.Target, p.Submit = page.SafeTarget(v.ReturnURL), "done.submit"
	case m.restart:
		p.Lead = "invalid.lead" // nothing here knows what to begin again
	case m.Key == "setup.used":
		p.Command = "admit setup-link"
	}
	return s.kit.WriteMessage(w, m.Status, p, page.FormTarget(v.ReturnURL)...)
}
