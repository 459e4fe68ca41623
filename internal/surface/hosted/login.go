package hosted

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/mailed"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// showLogin is GET /login: the box, or the way back from a provider. A provider's answer
// has a code or an error beside the state; the state alone names a login. Which of the
// two a state really is, only its row says.
func (s *Surface) showLogin(w http.ResponseWriter, r *http.Request) error {
	q, err := page.Query(r.URL.RawQuery)
	if err != nil {
		return err
	}
	if q.Get("state") == "" {
		return page.ErrIncomplete
	}
	if q.Has("code") || q.Has("error") {
		v, err := s.deps.Upstream.FinishUpstream(r.Context(), s.kit.Visit(r), login.Callback{
			State: secret.New(q.Get("state")), Code: secret.New(q.Get("code")), Issuer: q.Get("iss"),
			Error: q.Get("error"), ErrorDescription: q.Get("error_description"), User: q.Get("user"), RawQuery: r.URL.RawQuery,
		})
		return s.answer(w, r, v, err)
	}
	v, err := s.deps.Steps.View(r.Context(), s.kit.Visit(r), ident.LoginID(q.Get("state")))
	if err != nil {
		return err
	}
	s.setCookies(w, r, v)
	return s.show(w, r, v)
}

// receiveForm is POST /login: a provider's form_post (OAuth 2.0 Form Post Response Mode).
// The binding cookie is SameSite=Lax and therefore missing here; it is there again when the
// browser follows to GET /login.
func (s *Surface) receiveForm(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return page.ErrForm
	}
	forward := url.Values{}
	for _, name := range []string{"state", "code", "iss", "error", "error_description", "user"} {
		values := r.PostForm[name]
		if len(values) > 1 || len(values) == 1 && len(values[0]) > 4096 {
			return page.ErrForm
		}
		if len(values) == 1 {
			forward.Set(name, values[0])
		}
	}
	if !forward.Has("state") || !forward.Has("code") && !forward.Has("error") {
		return page.ErrIncomplete
	}
	return web.SeeOther(w, "/login?"+forward.Encode())
}

// form reads the login id of a form of ours.
func form(r *http.Request) (ident.LoginID, error) {
	if err := r.ParseForm(); err != nil {
		return "", page.ErrForm
	}
	id := r.PostForm.Get("state")
	if id == "" || len(r.PostForm["state"]) != 1 {
		return "", page.ErrIncomplete
	}
	return ident.LoginID(id), nil
}

// sendCode is POST /login/email and POST /login/resend.
func (s *Surface) sendCode(w http.ResponseWriter, r *http.Request) error {
	id, err := form(r)
	if err != nil {
		return err
	}
	texts := s.kit.Page(r, "email.title").Texts
	compose := func(f mailed.Facts) (mailed.Content, error) {
		return s.letters.Code(texts, f)
	}
	email := r.PostForm.Get("email")
	v, err := s.deps.Steps.SendCode(r.Context(), s.kit.Visit(r), id, email, compose)
	if v.Email == "" {
		v.Email = email
	}
	if err == nil && v.Problem == login.ProblemNone && strings.HasSuffix(r.URL.Path, "/resend") {
		return s.answerWith(w, r, v, "code_sent")
	}
	return s.answer(w, r, v, err)
}

// changeEmail is POST /login/change: back to the box.
func (s *Surface) changeEmail(w http.ResponseWriter, r *http.Request) error {
	id, err := form(r)
	if err != nil {
		return err
	}
	v, err := s.deps.Steps.ChangeEmail(r.Context(), s.kit.Visit(r), id)
	return s.answer(w, r, v, err)
}

// enterCode is POST /login/code.
func (s *Surface) enterCode(w http.ResponseWriter, r *http.Request) error {
	id, err := form(r)
	if err != nil {
		return err
	}
	v, err := s.deps.Steps.EnterCode(r.Context(), s.kit.Visit(r), id, digits(r.PostForm.Get("code")))
	return s.answer(w, r, v, err)
}

// digits takes out what people and clipboards put between digits, and turns full-width
// digits, which Japanese keyboards type, into plain ones. Anything else stays and is wrong.
func digits(code string) string {
	if len(code) > 64 {
		return ""
	}
	return strings.Map(func(c rune) rune {
		switch {
		case c == ' ', c == '-', c == '\u00a0', c == '\u3000', c == '\t':
			return -1
		case '０' <= c && c <= '９':
			return c - '０' + '0'
		}
		return c
	}, code)
}

// startUpstream is POST /login/connection: a button of the box.
func (s *Surface) startUpstream(w http.ResponseWriter, r *http.Request) error {
	id, err := form(r)
	if err != nil {
		return err
	}
	c := ident.ConnectionID(r.PostForm.Get("connection"))
	v, err := s.deps.Upstream.StartUpstream(r.Context(), s.kit.Visit(r), id, c)
	if err == nil && v.State == login.StateRedirect {
		s.remember(w, r, c)
	}
	return s.answer(w, r, v, err)
}

// continueSession is POST /login/continue: go on as the person who is signed in.
func (s *Surface) continueSession(w http.ResponseWriter, r *http.Request) error {
	id, err := form(r)
	if err != nil {
		return err
	}
	v, err := s.deps.Upstream.Continue(r.Context(), s.kit.Visit(r), id)
	return s.answer(w, r, v, err)
}

// restart is POST /login/restart: the one click on the pages that cannot go on.
func (s *Surface) restart(w http.ResponseWriter, r *http.Request) error {
	id, err := form(r)
	if err != nil {
		return err
	}
	v, err := s.deps.Steps.Restart(r.Context(), s.kit.Visit(r), id)
	return s.answer(w, r, v, err)
}

// returnToLogin is GET /login/<step>, which a person reaches by reloading the address of a
// form: the box knows where they stand.
func (s *Surface) returnToLogin(w http.ResponseWriter, r *http.Request) error {
	id := r.URL.Query().Get("state")
	if id == "" {
		return page.ErrIncomplete
	}
	return web.SeeOther(w, "/login?"+url.Values{"state": {id}}.Encode())
}

// answer ends a form's request: with a 303 where the login goes on (whatever the form held is
// not sent on; RFC 9700, 4.12), with a page where it cannot.
func (s *Surface) answer(w http.ResponseWriter, r *http.Request, v login.View, err error) error {
	if err != nil {
		return err
	}
	return s.answerWith(w, r, v, string(v.Problem))
}

// inPlace are the problems that are answered with the page itself instead of a 303: there is
// something on it that the next GET would not know, what was typed or how long to wait.
func inPlace(p login.Problem) bool {
	switch p {
	case login.ProblemEmailInvalid, login.ProblemCodeExpired, login.ProblemTooManyTries, login.ProblemAddressPaused, login.ProblemTooManyMails,
		login.ProblemPasswordWrong, login.ProblemPasswordPaused, login.ProblemSecondPaused:
		return true
	}
	return false
}

// stays tells whether a login goes on with a page that GET /login shows.
func stays(state login.State) bool {
	switch state {
	case login.StateChoose, login.StateCode, login.StateSecond, login.StateEnrol, login.StateRenew, login.StateAccounts:
		return true
	}
	return false
}

func (s *Surface) answerWith(w http.ResponseWriter, r *http.Request, v login.View, problem string) error {
	s.setCookies(w, r, v)
	if !stays(v.State) || !v.SeedURI.Empty() || len(v.Codes) > 0 || inPlace(v.Problem) {
		return s.show(w, r, v)
	}
	q := url.Values{"state": {string(v.ID)}}
	switch {
	case v.State == login.StateRenew && remembers(r):
		q.Set("remember", "1")
	case v.State != login.StateSecond:
	case wantsLost(r, v):
		q.Set("way", "lost")
	case problem != "":
		q.Set("way", string(wayOf(r, v)))
	}
	if problem != "" {
		q.Set("problem", problem)
	}
	return page.GoTo(w, r, "/login", q)
}
