package hosted

import (
	"net/http"
	"net/url"
	"time"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
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
	case login.StateLink:
		p := s.newPage(r, "link.title")
		p.Email, p.Token, p.Action = v.Email, linkToken(r), "/login/link"
		if !v.Ticket.Empty() {
			p.Token, p.Action = v.Ticket.Reveal(), "/login/handover"
		}
		return s.write(w, http.StatusOK, "link", p, formTarget(v.ReturnURL)...)
	}
	return s.showMessage(w, r, v)
}

// showBox is the choice of a way to sign in, or of the person who is signed in already.
func (s *Surface) showBox(w http.ResponseWriter, r *http.Request, v login.View) error {
	here := "/login?state=" + url.QueryEscape(string(v.ID))
	if v.Current != nil && !r.URL.Query().Has("other") && v.Problem == login.ProblemNone && r.Method == http.MethodGet {
		p := s.newPage(r, "choose.title")
		p.ID, p.Languages = v.ID, languageLinks(p.Lang(), here)
		p.Alert, p.Notice = s.told(r, p, v)
		p.Person = person{Name: v.Current.Name, Email: v.Current.Email}
		if p.Person.Name == "" {
			p.Person = person{Name: v.Current.Email}
		}
		if p.Person.Name == "" {
			p.Person.Name = string(v.Current.ID)
		}
		p.Person.Initial = initial(p.Person.Name)
		p.OtherURL = here + "&other=1"
		if p.Locale != "" {
			p.OtherURL += "&ui_locales=" + url.QueryEscape(p.Locale)
		}
		return s.write(w, http.StatusOK, "choose", p, formTarget(v.ReturnURL)...)
	}
	p := s.newPage(r, "email.title")
	if v.Current != nil {
		here += "&other=1"
	}
	p.ID, p.Named, p.EmailCode, p.Email = v.ID, false, v.EmailCode, v.Email
	p.Title = p.T("email.heading", "Account", p.Brand.Name)
	p.Languages = languageLinks(p.Lang(), here)
	last := s.lastUsed(r)
	for _, b := range v.Connections {
		p.Connections = append(p.Connections, connectionButton{ID: b.ID, Name: b.Name, Icon: b.Kind, Last: b.ID == last})
	}
	if v.Problem == login.ProblemEmailInvalid {
		p.FieldError = p.T("email.invalid")
	} else {
		p.Alert, p.Notice = s.told(r, p, v)
	}
	if p.FieldError != "" {
		p.Title = p.T("problem") + ": " + p.Title
	}
	return s.write(w, statusOf(r, v), "email", p, formTarget(v.ReturnURL)...)
}

// statusOf tells a form that is answered with its own page from a page that was asked for.
func statusOf(r *http.Request, v login.View) int {
	switch {
	case r.Method != http.MethodPost:
		return http.StatusOK
	case v.Problem == login.ProblemTooManyMails, v.Problem == login.ProblemAddressPaused:
		return http.StatusTooManyRequests
	}
	return http.StatusUnprocessableEntity
}

func (s *Surface) showCode(w http.ResponseWriter, r *http.Request, v login.View) error {
	p := s.newPage(r, "code.title")
	p.ID, p.Email = v.ID, v.Email
	p.Languages = languageLinks(p.Lang(), "/login?state="+url.QueryEscape(string(v.ID)))
	problem := s.problem(r, v)
	switch {
	case problem == login.ProblemCodeWrong && v.AttemptsLeft > 0:
		p.FieldError = p.Count("code.attempts", v.AttemptsLeft)
	case problem == login.ProblemCodeWrong:
		p.FieldError = p.T("code.wrong")
	default:
		p.Alert, p.Notice = s.told(r, p, v)
	}
	if p.FieldError != "" {
		p.Title = p.T("problem") + ": " + p.Title
	} else if p.Alert == "" && !v.CodeExpires.IsZero() {
		p.Minutes = s.minutesUntil(v.CodeExpires)
	}
	return s.write(w, statusOf(r, v), "code", p, formTarget(v.ReturnURL)...)
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
func (s *Surface) told(r *http.Request, p page, v login.View) (alert, notice string) {
	switch problem := s.problem(r, v); problem {
	case login.ProblemCodeWrong:
		alert = p.T("code.wrong")
	case login.ProblemCodeExpired, login.ProblemTooManyTries:
		alert = p.T("code.spent")
	case login.ProblemTooManyMails, login.ProblemAddressPaused:
		alert = sentence(p, "limited.heading")
		if n := s.minutesUntil(v.RetryAt); n > 0 {
			alert += p.Count("wait", n)
		} else {
			alert += p.T("limited.lead")
		}
	case login.ProblemUpstreamFailed, login.ProblemUpstreamDenied:
		alert = sentence(p, "upstream.heading", "Provider", p.T("upstream.someone")) + p.T("upstream.lead")
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
	}
	return alert, notice
}

// sentence makes a heading the first sentence of several.
func sentence(p page, key string, values ...any) string {
	if p.Lang() == "ja" {
		return p.T(key, values...) + "。"
	}
	return p.T(key, values...) + ". "
}

// linkToken is the token of the page that shows a link; it was read from the query or,
// when a form is answered with the same page, from the form.
func linkToken(r *http.Request) string {
	if r.Method == http.MethodPost {
		return r.PostFormValue("token")
	}
	return r.URL.Query().Get("token")
}

// minutes rounds a time up to whole minutes, because nobody is told less than they have.
func minutes(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return int((d + time.Minute - time.Second) / time.Minute)
}

// minutesUntil counts from now; 0 for a moment that has passed or is none.
func (s *Surface) minutesUntil(moment time.Time) int {
	if moment.IsZero() {
		return 0
	}
	return minutes(moment.Sub(s.deps.Clock.Now()))
}

// message is a page without a field: what happened, and the way forward.
type message struct {
	status  int
	key     string // of title, heading and lead
	tone    string
	sign    string
	restart bool // offer to begin again
	back    bool // offer the application's page
}

// messageOf says what stands for a state in which the login cannot go on here.
func messageOf(r *http.Request, v login.View) message {
	switch v.Problem {
	case login.ProblemLinkOther:
		return message{status: http.StatusForbidden, key: "link.elsewhere", sign: "mail"}
	case login.ProblemLinkDead:
		return message{status: http.StatusGone, key: "link.used", sign: "link"}
	case login.ProblemSetupDead:
		return message{status: http.StatusGone, key: "setup.used", sign: "link"}
	case login.ProblemUpstreamFailed, login.ProblemUpstreamDenied:
		return message{status: http.StatusBadRequest, key: "upstream", sign: "warn", restart: true}
	}
	if v.State == login.StateNoCookie && r.Method == http.MethodGet {
		// Somebody took the address to a browser that was never here. One that was here and
		// keeps no cookies is told so at its first form.
		v.State = login.StateOtherBrowser
	}
	switch v.State {
	case login.StateAwait:
		return message{status: http.StatusOK, key: "await", sign: "link", back: true}
	case login.StateExpired:
		return message{status: http.StatusGone, key: "expired", sign: "clock", restart: true}
	case login.StateOtherBrowser:
		return message{status: http.StatusForbidden, key: "elsewhere", sign: "window", restart: true}
	case login.StateNoCookie:
		return message{status: http.StatusBadRequest, key: "cookies", sign: "cookie", restart: true}
	case login.StateDone:
		return message{status: http.StatusOK, key: "done", tone: "good", sign: "tick", back: true}
	}
	return message{status: http.StatusNotFound, key: "invalid", sign: "link"}
}

func (s *Surface) showMessage(w http.ResponseWriter, r *http.Request, v login.View) error {
	m := messageOf(r, v)
	p := s.messagePage(r, m)
	p.ID = v.ID
	switch {
	case m.restart && v.ID != "":
		// Without cookies too: the request that this browser could not keep is of no more use.
		p.Action, p.Submit = "/login/restart", "start_again"
	case m.back && v.ReturnURL != "":
		p.Target, p.Submit = safeTarget(v.ReturnURL), "done.submit"
	case m.restart:
		p.Lead = "invalid.lead" // nothing here knows what to begin again
	case m.key == "setup.used":
		p.Command = "admit setup-link"
	}
	return s.write(w, m.status, "message", p, formTarget(v.ReturnURL)...)
}

func (s *Surface) messagePage(r *http.Request, m message) page {
	p := s.newPage(r, m.key+".title")
	p.Heading, p.Lead, p.Tone, p.Sign = m.key+".heading", m.key+".lead", m.tone, m.sign
	p.Provider = p.T("upstream.someone")
	return p
}

// safeTarget lets a button lead to web pages and applications only; the template would
// refuse the rest as well.
func safeTarget(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return address
}
