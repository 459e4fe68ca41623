package hosted

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

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
	Whose        string // of a change: the account that gets what is proved, or the address that is replaced
	Away         string // of a change: back without it

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

// linking makes the box one in which nobody signs in: what is proved there is added to an account, or takes the place of
// its address. It says whose account is changed, so that nobody adds what is theirs to somebody else's.
func (p *box) linking(v login.View) {
	if v.Linking == nil {
		return
	}
	p.Heading, p.Lead, p.Whose = "linking.add", "linking.lead", cmp.Or(v.Linking.Email, v.Linking.Name, string(v.Linking.ID))
	if v.Replaces != "" {
		p.Heading, p.Lead, p.Whose = "linking.replace", "linking.address", v.Replaces
	}
	p.Whose, p.Named, p.Title = page.Visible(p.Whose), true, p.T(p.Heading)
	back, err := url.Parse(v.ReturnURL)
	if err != nil {
		return
	}
	if q := back.Query(); strings.HasPrefix(back.Path, "/settings") && q.Has("done") { // which says that it is done
		q.Del("done")
		back.RawQuery = q.Encode()
	}
	p.Away = string(page.SafeTarget(back.String()))
}

// box starts a page of a login, whose id its forms carry. The title is a key.
func (s *Surface) box(r *http.Request, id ident.LoginID, title string) box {
	p := box{Page: s.kit.Page(r, title), ID: id}
	p.Hide("state", string(id))
	return p
}
