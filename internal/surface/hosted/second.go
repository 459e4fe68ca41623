package hosted

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// second is what the pages of the second step show.
type second struct {
	box
	Way          string // the factor that the page asks for
	Others       []way  // or, to register: all of them
	RememberDays int
	QR           template.HTML
	Seed         string
	SeedURI      template.URL
}

// way leads to the page of another factor.
type way struct{ Way, Name, URL string }

var wayTexts = map[factor.Kind]string{factor.Passkey: "second.use.passkey", factor.TOTP: "second.use.totp", factor.Recovery: "second.use.recovery"}

// second starts a page of the second step of whoever made the first.
func (s *Surface) second(r *http.Request, v login.View, title string) second {
	p := second{box: s.box(r, v.ID, title)}
	p.Styles, p.Scripts = []string{"factor.css"}, []string{"factor.js"}
	if v.Current != nil {
		p.Person = page.NewPerson(v.Current.ID, v.Current.Name, v.Current.Email)
	}
	return p
}

// at is the address of a login's page.
func at(v login.View, more ...string) string {
	q := url.Values{"state": {string(v.ID)}}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] != "" {
			q.Set(more[i], more[i+1])
		}
	}
	return "/login?" + q.Encode()
}

// wayOf is the factor that a step was about, or that the person chose. It only chooses among those that
// the login offers.
func wayOf(r *http.Request, v login.View) factor.Kind {
	wish := factor.Kind(r.URL.Query().Get("way"))
	switch r.URL.Path {
	case "/login/passkey":
		wish = factor.Passkey
	case "/login/totp":
		wish = factor.TOTP
	case "/login/recovery-code":
		wish = factor.Recovery
	}
	if slices.Contains(v.Ways, wish) {
		return wish
	}
	if len(v.Ways) == 0 {
		return ""
	}
	return v.Ways[0]
}

// showSecond is the page on which somebody shows a second factor.
func (s *Surface) showSecond(w http.ResponseWriter, r *http.Request, v login.View) error {
	if wantsLost(r, v) {
		return s.showLost(w, r, v)
	}
	p := s.second(r, v, "second.title")
	current := wayOf(r, v)
	p.Way, p.RememberDays = string(current), v.RememberDays
	p.At(at(v, "way", p.Way))
	for _, k := range v.Ways {
		if k != current {
			p.Others = append(p.Others, way{string(k), p.T(wayTexts[k]), at(v, "way", string(k), "ui_locales", p.Locale)})
		}
	}
	if v.Recovery {
		key := "second.lost"
		if !v.RecoveryAt.IsZero() {
			key = "lost.heading"
		}
		p.Others = append(p.Others, way{"lost", p.T(key), at(v, "way", "lost", "ui_locales", p.Locale)})
	}
	switch problem := s.problem(r, v); {
	case problem == login.ProblemSecondWrong && current == factor.TOTP:
		p.Fault(p.T("second.totp.wrong"))
	case problem == login.ProblemSecondWrong && current == factor.Recovery:
		p.Fault(p.T("second.recovery.wrong"))
	default:
		p.Alert, p.Notice = s.told(r, p.box, v)
	}
	return s.pages.Write(w, statusOf(r, v), "second", p, page.FormTarget(v.ReturnURL)...)
}

// showEnrol is the page on which somebody who needs a second factor registers one.
func (s *Surface) showEnrol(w http.ResponseWriter, r *http.Request, v login.View) error {
	if !v.SeedURI.Empty() {
		return s.showScan(w, r, v)
	}
	p := s.second(r, v, "enrol.title")
	p.At(at(v))
	for _, k := range v.Ways {
		p.Others = append(p.Others, way{Way: string(k)})
	}
	p.Alert, p.Notice = s.told(r, p.box, v)
	return s.pages.Write(w, statusOf(r, v), "enrol", p, page.FormTarget(v.ReturnURL)...)
}

// showScan is the page with the seed for an authenticator app.
func (s *Surface) showScan(w http.ResponseWriter, r *http.Request, v login.View) error {
	p := s.second(r, v, "enrol.scan.title")
	drawn, err := totp.QR(v.SeedURI)
	if err != nil {
		return err
	}
	p.QR = template.HTML(drawn)                  //nolint:gosec // squares that we have drawn
	p.SeedURI = template.URL(v.SeedURI.Reveal()) //nolint:gosec // an otpauth: address that we have made
	p.Seed, p.OtherURL = page.Grouped(v.Seed.Reveal()), at(v, "ui_locales", p.Locale)
	status := http.StatusOK
	if v.Problem == login.ProblemSecondWrong {
		p.Fault(p.T("second.totp.wrong"))
		status = statusOf(r, v)
	} else {
		p.Alert, p.Notice = s.told(r, p.box, v)
	}
	return s.pages.Write(w, status, "scan", p, page.FormTarget(v.ReturnURL)...)
}

// accounts is what the account chooser shows.
type accounts struct {
	box
	Accounts []account
}

type account struct {
	page.Person
	Which  string
	Active bool
}

// showAccounts is the choice among those who are signed in with this browser.
func (s *Surface) showAccounts(w http.ResponseWriter, r *http.Request, v login.View) error {
	p := accounts{box: s.box(r, v.ID, "choose.title")}
	p.Styles = []string{"factor.css"}
	p.At(at(v))
	for _, a := range v.Accounts {
		p.Accounts = append(p.Accounts, account{page.NewPerson(a.ID, a.Name, a.Email), a.Which, a.Active})
	}
	p.Alert, p.Notice = s.told(r, p.box, v)
	return s.pages.Write(w, statusOf(r, v), "accounts", p, page.FormTarget(v.ReturnURL)...)
}
