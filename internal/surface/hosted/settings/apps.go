package settings

import (
	"html/template"
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

type appView struct {
	QR     template.HTML // drawn by package totp; no text of anybody is in it
	Secret string        // in groups of four, for typing
	URI    template.URL  // for an app on this very device
}

// newApp is POST /settings/apps/new: it makes a seed, which the page then shows as often as it is loaded.
func (s *Surface) newApp(w http.ResponseWriter, r *http.Request, g *guest, _ url.Values) error {
	if _, err := s.deps.Typed.BeginTOTP(r.Context(), s.owner(g)); err != nil {
		return err
	}
	return page.GoTo(w, r, pathApp, g.back.values())
}

// showApp is GET /settings/security/app.
func (s *Surface) showApp(w http.ResponseWriter, r *http.Request, g *guest) error {
	e, err := s.deps.Typed.ShownTOTP(r.Context(), s.owner(g))
	if fault.Is(err, fault.NotFound) {
		return s.goTo(w, r, g, pathSecurity, "problem", "app_gone")
	}
	if err != nil {
		return err
	}
	v, err := s.start(r, g, "security")
	if err != nil {
		return err
	}
	if v.Locked { // the seed is shown to nobody who could not have made it
		return s.goTo(w, r, g, pathSecurity, "problem", "confirm")
	}
	drawn, err := totp.QR(e.URI)
	if err != nil {
		return err
	}
	v.App = &appView{QR: template.HTML(drawn), Secret: page.Grouped(e.Secret.Reveal()), URI: template.URL(e.URI.Reveal())}
	v.At(v.to(pathApp))
	return s.send(w, v, "app")
}

// addApp is POST /settings/apps, with the first code.
func (s *Surface) addApp(w http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	result, err := s.deps.Typed.ConfirmTOTP(r.Context(), s.owner(g), f.Get("name"), f.Get("code"))
	switch {
	case err != nil:
		return err
	case result.Outcome != factor.Right:
		return s.goTo(w, r, g, pathApp, "problem", "app_wrong")
	}
	return done("app")
}

// removeApp is POST /settings/apps/remove.
func (s *Surface) removeApp(_ http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	id := page.ID(f, "id")
	if id == "" {
		return problem("gone")
	}
	if err := s.deps.Typed.RemoveTOTP(r.Context(), s.owner(g), id); err != nil {
		return err
	}
	return done("app_removed")
}
