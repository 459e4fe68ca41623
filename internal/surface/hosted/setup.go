package hosted

import (
	"net/http"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// showLink is GET /login/link: the mail's link. It changes nothing, however often a mail
// scanner follows it (I-24).
func (s *Surface) showLink(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	if token == "" {
		return page.ErrIncomplete
	}
	v, err := s.deps.Links.ViewLink(r.Context(), s.kit.Visit(r), secret.New(token))
	if err != nil {
		return err
	}
	return s.show(w, r, v)
}

// followLink is POST /login/link: the button under the link's page.
func (s *Surface) followLink(w http.ResponseWriter, r *http.Request) error {
	token, err := formToken(r)
	if err != nil {
		return err
	}
	v, err := s.deps.Links.FollowLink(r.Context(), s.kit.Visit(r), token)
	return s.answer(w, r, v, err)
}

// confirmHandover is POST /login/handover: the button under the page of a service client's link.
func (s *Surface) confirmHandover(w http.ResponseWriter, r *http.Request) error {
	token, err := formToken(r)
	if err != nil {
		return err
	}
	v, err := s.deps.Links.ConfirmHandover(r.Context(), s.kit.Visit(r), token)
	return s.answer(w, r, v, err)
}

func formToken(r *http.Request) (secret.Text, error) {
	if err := r.ParseForm(); err != nil {
		return secret.Text{}, page.ErrForm
	}
	token := r.PostForm.Get("token")
	if token == "" || len(r.PostForm["token"]) != 1 {
		return secret.Text{}, page.ErrIncomplete
	}
	return secret.New(token), nil
}

// showSetup is GET /setup: the link that the server prints at its first start.
func (s *Surface) showSetup(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	if token == "" {
		return s.showMessage(w, r, login.View{Problem: login.ProblemSetupDead})
	}
	v, err := s.deps.Links.ViewSetup(r.Context(), s.kit.Visit(r), secret.New(token))
	if err != nil {
		return err
	}
	if v.Problem != login.ProblemNone {
		return s.showMessage(w, r, v)
	}
	p := s.box(r, "", "setup.title")
	p.Heading, p.Lead, p.Submit, p.Note, p.Action = "setup.heading", "setup.lead", "setup.submit", "setup.note", "/setup"
	p.Hide("token", token)
	return s.pages.Write(w, http.StatusOK, "setup", p)
}

// startSetup is POST /setup: a login that is bound to the link.
func (s *Surface) startSetup(w http.ResponseWriter, r *http.Request) error {
	token, err := formToken(r)
	if err != nil {
		return err
	}
	v, err := s.deps.Links.StartSetup(r.Context(), s.kit.Visit(r), token)
	return s.answer(w, r, v, err)
}

// showSetupDone is GET /setup/done: where the first administrator's login ends. The key is
// shown by a press of the button, because a GET, which anything may repeat, uses nothing up.
func (s *Surface) showSetupDone(w http.ResponseWriter, r *http.Request) error {
	id := r.URL.Query().Get("state")
	if id == "" {
		return page.ErrIncomplete
	}
	p := s.box(r, ident.LoginID(id), "setup.done.title")
	p.Action = "/setup/done"
	p.Heading, p.Lead, p.Submit = "setup.ready.heading", "setup.ready.lead", "setup.ready.submit"
	return s.pages.Write(w, http.StatusOK, "setup", p)
}

// revealKey is POST /setup/done: the first access key, once.
func (s *Surface) revealKey(w http.ResponseWriter, r *http.Request) error {
	id, err := form(r)
	if err != nil {
		return err
	}
	outcome, err := s.deps.Links.SetupResult(r.Context(), s.kit.Visit(r), id)
	if fault.Is(err, fault.NotFound) {
		p := s.kit.Message(r, page.Message{Key: "setup.done.again", Sign: "tick", Tone: "good"})
		p.Title = p.T("setup.done.title")
		p.Command = "admit access-key create --client NAME --admin"
		return s.kit.WriteMessage(w, http.StatusOK, p)
	}
	if err != nil {
		return err
	}
	p := s.box(r, "", "setup.done.title")
	p.Wide, p.AccessKey, p.Issuer = true, outcome.AccessKey.Reveal(), s.kit.Issuer(web.AccountOf(r))
	return s.pages.Write(w, http.StatusOK, "key", p)
}

// showLoggedOut is GET /logged-out: where a logout ends that names no page of an application.
func (s *Surface) showLoggedOut(w http.ResponseWriter, r *http.Request) error {
	p := s.kit.Message(r, page.Message{Key: "logged_out", Sign: "tick", Tone: "good"})
	p.At("/logged-out")
	return s.kit.WriteMessage(w, http.StatusOK, p)
}
