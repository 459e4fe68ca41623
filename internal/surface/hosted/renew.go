package hosted

import (
	"net/http"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

func (s *Surface) renewRoutes() []web.Route {
	return []web.Route{
		s.kit.Route("POST", "/login/codes", web.Browser, web.LimitLogin, s.renewCodes),
		s.kit.Route("POST", "/login/codes/done", web.Browser, web.LimitLogin, s.renewDone),
		s.kit.Route("GET", "/login/codes", web.Public, web.LimitPage, s.returnToLogin),
		s.kit.Route("GET", "/login/codes/done", web.Public, web.LimitPage, s.returnToLogin),
	}
}

// renewed is what the pages of new recovery codes show.
type renewed struct {
	box
	Codes []string
	Text  string // what is downloaded
	File  string
}

// showRenew offers new recovery codes to whoever has used the last one, or shows them.
func (s *Surface) showRenew(w http.ResponseWriter, r *http.Request, v login.View) error {
	p := renewed{box: s.box(r, v.ID, "renew.title"), File: "recovery-codes.txt"}
	p.Styles, p.Scripts = []string{"factor.css"}, []string{"settings.js"}
	if len(v.Codes) == 0 { // no link leads away from codes that are shown once
		p.At(at(v))
	}
	if remembers(r) {
		p.Hide("remember", "1")
	}
	who := string(v.Account)
	if v.Current != nil {
		p.Person = page.NewPerson(v.Current.ID, v.Current.Name, v.Current.Email)
		if who = v.Current.Email; who == "" {
			who = string(v.Current.ID)
		}
	}
	if len(v.Codes) > 0 {
		p.Text = p.T("settings.codes.file", "Account", p.Brand.Name, "Name", page.Visible(who)) + "\n\n"
		for _, code := range v.Codes {
			p.Codes = append(p.Codes, code.Reveal())
			p.Text += code.Reveal() + "\n"
		}
	}
	p.Alert, p.Notice = s.told(r, p.box, v)
	return s.pages.Write(w, http.StatusOK, "renew", p, page.FormTarget(v.ReturnURL)...)
}

// remembers tells whether the person has asked, with their last code, to be remembered in this browser. The
// policy decides in the end.
func remembers(r *http.Request) bool {
	if r.Method == http.MethodPost {
		return r.PostForm.Get("remember") == "1"
	}
	return r.URL.Query().Get("remember") == "1"
}

// renewCodes is POST /login/codes. The codes stand in this one answer and nowhere else.
func (s *Surface) renewCodes(w http.ResponseWriter, r *http.Request) error {
	v, id, err := s.stepForm(r)
	if err != nil {
		return err
	}
	view, err := s.deps.Recoveries.RenewCodes(r.Context(), v, id)
	return s.answer(w, r, view, err)
}

// renewDone is POST /login/codes/done: the login goes on, with new codes or without.
func (s *Surface) renewDone(w http.ResponseWriter, r *http.Request) error {
	v, id, err := s.stepForm(r)
	if err != nil {
		return err
	}
	v.Later = true
	view, err := s.deps.Steps.View(r.Context(), v, id)
	return s.answer(w, r, view, err)
}
