package hosted

import (
	"net/http"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// box is what the templates of the login box see.
type box struct {
	*page.Page
	ID          ident.LoginID
	EmailCode   bool
	Email       string
	Connections []connectionButton
	Minutes     int
	OtherURL    string

	Passkey      bool // offer one
	PasswordForm bool // the address and a password, instead of the address alone
	OtherForm    *otherForm

	// Of the setup.
	Issuer    string
	AccessKey string
}

type connectionButton struct {
	ID   ident.ConnectionID
	Name string
	Icon string
	Last bool
}

// otherForm leads from the box for a code to the one for a password, and back.
type otherForm struct{ Name, URL string }

// offerFactors adds the ways to sign in of the account's own.
func (s *Surface) offerFactors(r *http.Request, p *box, v login.View) {
	if p.Passkey = v.Passkey; p.Passkey {
		p.Scripts = []string{"factor.js"}
	}
	if !v.Password {
		return
	}
	asked := r.URL.Query().Get("password") == "1" || r.URL.Path == "/login/password"
	p.PasswordForm = asked || !v.EmailCode
	other := ""
	if v.Current != nil {
		other = "1"
	}
	switch {
	case p.PasswordForm && v.EmailCode:
		p.OtherForm = &otherForm{p.T("password.code"), at(v, "ui_locales", p.Locale, "other", other)}
	case !p.PasswordForm:
		p.OtherForm = &otherForm{p.T("password.use"), at(v, "ui_locales", p.Locale, "other", other, "password", "1")}
	}
	if asked {
		p.At(at(v, "other", other, "password", "1"))
	}
}

// box starts a page of a login, whose id its forms carry. The title is a key.
func (s *Surface) box(r *http.Request, id ident.LoginID, title string) box {
	p := box{Page: s.kit.Page(r, title), ID: id}
	p.Hide("state", string(id))
	return p
}
