package hosted

import (
	"context"
	"net/http"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// Passkeys are the ceremonies of a login. What begins one returns the options for the browser, as JSON.
type Passkeys interface {
	BeginPasskey(ctx context.Context, v login.Visit, id ident.LoginID) ([]byte, error)
	FinishPasskey(ctx context.Context, v login.Visit, id ident.LoginID, response []byte) (login.View, error)
	BeginEnrolPasskey(ctx context.Context, v login.Visit, id ident.LoginID) ([]byte, error)
	FinishEnrolPasskey(ctx context.Context, v login.Visit, id ident.LoginID, name string, response []byte) (login.View, error)
}

// Typed are the factors that a person types.
type Typed interface {
	EnterPassword(ctx context.Context, v login.Visit, id ident.LoginID, email string, password secret.Text) (login.View, error)
	EnterTOTP(ctx context.Context, v login.Visit, id ident.LoginID, code string) (login.View, error)
	EnterRecovery(ctx context.Context, v login.Visit, id ident.LoginID, code string) (login.View, error)
	BeginEnrolTOTP(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error)
	FinishEnrolTOTP(ctx context.Context, v login.Visit, id ident.LoginID, code string) (login.View, error)
}

// Choices are the verbs of a browser in which several people are signed in.
type Choices interface {
	ChooseSession(ctx context.Context, v login.Visit, id ident.LoginID, which string) (login.View, error)
	UseOther(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error)
}

func (s *Surface) factorRoutes() []web.Route {
	list := []web.Route{
		s.kit.Route("POST", "/login/passkey/options", web.Browser, web.LimitLogin, s.passkeyOptions),
		s.kit.Route("POST", "/login/passkey", web.Browser, web.LimitGuess, s.finishPasskey),
		s.kit.Route("POST", "/login/password", web.Browser, web.LimitGuess, s.enterPassword),
		s.kit.Route("POST", "/login/totp", web.Browser, web.LimitGuess, s.enterTOTP),
		s.kit.Route("POST", "/login/recovery-code", web.Browser, web.LimitGuess, s.enterRecovery),
		s.kit.Route("POST", "/login/enrol/passkey/options", web.Browser, web.LimitLogin, s.enrolOptions),
		s.kit.Route("POST", "/login/enrol/passkey", web.Browser, web.LimitGuess, s.enrolPasskey),
		s.kit.Route("POST", "/login/enrol/totp", web.Browser, web.LimitLogin, s.enrolTOTP),
		s.kit.Route("POST", "/login/enrol/totp/confirm", web.Browser, web.LimitGuess, s.confirmTOTP),
		s.kit.Route("POST", "/login/account", web.Browser, web.LimitLogin, s.chooseAccount),
		s.kit.Route("POST", "/login/other", web.Browser, web.LimitLogin, s.useOther),
	}
	for _, step := range []string{"passkey", "password", "totp", "recovery-code", "enrol/passkey", "enrol/totp", "enrol/totp/confirm", "account", "other"} {
		list = append(list, s.kit.Route("GET", "/login/"+step, web.Public, web.LimitPage, s.returnToLogin))
	}
	return list
}

// stepForm reads a form of a step and what the browser brought with it.
func (s *Surface) stepForm(r *http.Request) (login.Visit, ident.LoginID, error) {
	f, err := page.Form(r)
	if err != nil {
		return login.Visit{}, "", err
	}
	id, err := form(r)
	v := s.kit.Visit(r)
	v.Remember = f.Get("remember") == "1"
	return v, id, err
}

// passkeyOptions is POST /login/passkey/options: a challenge for this login in this browser.
func (s *Surface) passkeyOptions(w http.ResponseWriter, r *http.Request) error {
	return s.options(w, r, s.deps.Passkeys.BeginPasskey)
}

// enrolOptions is POST /login/enrol/passkey/options.
func (s *Surface) enrolOptions(w http.ResponseWriter, r *http.Request) error {
	return s.options(w, r, s.deps.Passkeys.BeginEnrolPasskey)
}

func (s *Surface) options(w http.ResponseWriter, r *http.Request, begin func(context.Context, login.Visit, ident.LoginID) ([]byte, error)) error {
	v, id, err := s.stepForm(r)
	if err != nil {
		return err
	}
	options, err := begin(r.Context(), v, id)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, err = w.Write(options)
	return err
}

// finishPasskey is POST /login/passkey: what the authenticator answered, as the first proof or the second.
func (s *Surface) finishPasskey(w http.ResponseWriter, r *http.Request) error {
	v, id, err := s.stepForm(r)
	if err != nil {
		return err
	}
	view, err := s.deps.Passkeys.FinishPasskey(r.Context(), v, id, []byte(r.PostForm.Get("response")))
	return s.answer(w, r, view, err)
}

// enterPassword is POST /login/password.
func (s *Surface) enterPassword(w http.ResponseWriter, r *http.Request) error {
	v, id, err := s.stepForm(r)
	if err != nil {
		return err
	}
	email := r.PostForm.Get("email")
	view, err := s.deps.Typed.EnterPassword(r.Context(), v, id, email, secret.New(r.PostForm.Get("password")))
	if view.Email == "" && len(email) <= 254 {
		view.Email = email
	}
	return s.answer(w, r, view, err)
}

// enterTOTP is POST /login/totp.
func (s *Surface) enterTOTP(w http.ResponseWriter, r *http.Request) error {
	v, id, err := s.stepForm(r)
	if err != nil {
		return err
	}
	view, err := s.deps.Typed.EnterTOTP(r.Context(), v, id, digits(r.PostForm.Get("code")))
	return s.answer(w, r, view, err)
}

// enterRecovery is POST /login/recovery-code.
func (s *Surface) enterRecovery(w http.ResponseWriter, r *http.Request) error {
	v, id, err := s.stepForm(r)
	if err != nil {
		return err
	}
	view, err := s.deps.Typed.EnterRecovery(r.Context(), v, id, digits(r.PostForm.Get("code")))
	return s.answer(w, r, view, err)
}

// enrolPasskey is POST /login/enrol/passkey: a passkey of somebody who must have a second factor.
func (s *Surface) enrolPasskey(w http.ResponseWriter, r *http.Request) error {
	v, id, err := s.stepForm(r)
	if err != nil {
		return err
	}
	view, err := s.deps.Passkeys.FinishEnrolPasskey(r.Context(), v, id, "", []byte(r.PostForm.Get("response")))
	return s.answer(w, r, view, err)
}

// enrolTOTP is POST /login/enrol/totp: a seed for an authenticator app.
func (s *Surface) enrolTOTP(w http.ResponseWriter, r *http.Request) error {
	v, id, err := s.stepForm(r)
	if err != nil {
		return err
	}
	view, err := s.deps.Typed.BeginEnrolTOTP(r.Context(), v, id)
	return s.answer(w, r, view, err)
}

// confirmTOTP is POST /login/enrol/totp/confirm: a code that shows that the app has the seed.
func (s *Surface) confirmTOTP(w http.ResponseWriter, r *http.Request) error {
	v, id, err := s.stepForm(r)
	if err != nil {
		return err
	}
	view, err := s.deps.Typed.FinishEnrolTOTP(r.Context(), v, id, digits(r.PostForm.Get("code")))
	return s.answer(w, r, view, err)
}

// chooseAccount is POST /login/account: one of the people who are signed in with this browser.
func (s *Surface) chooseAccount(w http.ResponseWriter, r *http.Request) error {
	v, id, err := s.stepForm(r)
	if err != nil {
		return err
	}
	view, err := s.deps.Choices.ChooseSession(r.Context(), v, id, page.ID(r.PostForm, "which"))
	return s.answer(w, r, view, err)
}

// useOther is POST /login/other: none of those who are signed in.
func (s *Surface) useOther(w http.ResponseWriter, r *http.Request) error {
	v, id, err := s.stepForm(r)
	if err != nil {
		return err
	}
	view, err := s.deps.Choices.UseOther(r.Context(), v, id)
	return s.answer(w, r, view, err)
}
