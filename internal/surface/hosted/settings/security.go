package settings

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/factor/holding"
	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/kit/secret"
)

type securityView struct {
	Kept     holding.Kept
	Passkeys []factorView
	Apps     []factorView
	Second   bool
}

// factorView is a passkey or an authenticator app.
type factorView struct {
	ID, Name    string
	Added, Used moment
	Pending     bool
}

// showSecurity is GET /settings/security.
func (s *Surface) showSecurity(w http.ResponseWriter, r *http.Request, g *guest) error {
	v, err := s.start(r, g, "security")
	if err != nil {
		return err
	}
	kept, err := s.deps.Holdings.Of(r.Context(), g.visit.Account, g.user.ID)
	if err != nil {
		return err
	}
	x := &securityView{Kept: kept, Second: kept.Held().Second()}
	for _, p := range kept.Passkeys {
		x.Passkeys = append(x.Passkeys, factorView{
			ID: p.ID, Name: p.Name, Added: moment{p.CreatedAt}, Used: moment{p.UsedAt}, Pending: p.Pending,
		})
	}
	for _, d := range kept.Devices {
		x.Apps = append(x.Apps, factorView{ID: d.ID, Name: d.Name, Added: moment{d.CreatedAt}, Used: moment{d.LastUsedAt}})
	}
	v.Security = x
	return s.send(w, v, "security")
}

type codesView struct {
	Codes []string
	Text  string // what is downloaded
	File  string
}

// createCodes is POST /settings/codes. The codes stand in this one answer and nowhere else.
func (s *Surface) createCodes(w http.ResponseWriter, r *http.Request, g *guest, _ url.Values) error {
	codes, err := s.deps.Holdings.CreateCodes(r.Context(), s.owner(g))
	if err != nil {
		return err
	}
	v, err := s.start(r, g, "security")
	if err != nil {
		return err
	}
	c := &codesView{File: "recovery-codes.txt"}
	text := v.T("settings.codes.file", "Account", v.Brand.Name, "Name", s.owner(g).Label) + "\n\n"
	for _, code := range codes {
		c.Codes = append(c.Codes, code.Reveal())
		text += code.Reveal() + "\n"
	}
	c.Text, v.Codes = text, c
	return s.send(w, v, "codes")
}

type passwordView struct {
	Held  bool
	Short int // the fewest characters
	Email string
}

// showPassword is GET /settings/security/password.
func (s *Surface) showPassword(w http.ResponseWriter, r *http.Request, g *guest) error {
	kept, err := s.deps.Holdings.Of(r.Context(), g.visit.Account, g.user.ID)
	if err != nil {
		return err
	}
	if !kept.TakesPasswords {
		return s.goTo(w, r, g, pathSecurity, "problem", "off")
	}
	v, err := s.start(r, g, "security")
	if err != nil {
		return err
	}
	v.At(v.to(pathPassword))
	v.Password = &passwordView{Held: kept.Password, Short: password.MinAlone, Email: g.user.Email}
	if kept.Held().Second() {
		v.Password.Short = password.MinSecond
	}
	return s.send(w, v, "password")
}

var refusedPasswords = map[password.Reason]string{
	password.Short: "password_short", password.Long: "password_long", password.Breached: "password_breached", password.Context: "password_context",
	password.Guessed: "password_guessed", password.Unusable: "password_unusable",
}

// setPassword is POST /settings/password. Replacing one ends the person's other sessions.
func (s *Surface) setPassword(w http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	err := s.deps.Typed.SetPassword(r.Context(), s.owner(g), secret.New(f.Get("password")))
	var refused *password.Refused
	if errors.As(err, &refused) {
		return problem(refusedPasswords[refused.Reason])
	}
	if err != nil {
		return err
	}
	return s.goTo(w, r, g, pathSecurity, "done", "password")
}

// removePassword is POST /settings/password/remove.
func (s *Surface) removePassword(_ http.ResponseWriter, r *http.Request, g *guest, _ url.Values) error {
	if err := s.deps.Typed.RemovePassword(r.Context(), s.owner(g)); err != nil {
		return err
	}
	return done("password_removed")
}

// cancelRecovery is POST /settings/recovery/cancel. It needs no fresh proof: whoever lost a factor may have none,
// and it only ever takes something away from whoever began the recovery.
func (s *Surface) cancelRecovery(_ http.ResponseWriter, r *http.Request, g *guest, _ url.Values) error {
	if err := s.deps.Holdings.CancelRecovery(r.Context(), s.owner(g)); err != nil {
		return err
	}
	return done("recovery")
}
