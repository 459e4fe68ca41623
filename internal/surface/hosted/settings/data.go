package settings

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

type dataView struct {
	Word string // what to type to delete the account
}

// wordOf is what a person types to delete their account: their address, or their id.
func wordOf(g *guest) string {
	if g.user.Email != "" {
		return g.user.Email
	}
	return string(g.user.ID)
}

// showData is GET /settings/data.
func (s *Surface) showData(w http.ResponseWriter, r *http.Request, g *guest) error {
	v, err := s.start(r, g, "data")
	if err != nil {
		return err
	}
	v.Data = &dataView{Word: wordOf(g)}
	return s.send(w, v, "data")
}

// download is POST /settings/data.
func (s *Surface) download(w http.ResponseWriter, r *http.Request, g *guest, _ url.Values) error {
	out, err := s.deps.Self.Export(r.Context(), g.by, g.user.ID)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="my-data.json"`)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	return out.Write(r.Context(), w)
}

// leave is POST /settings/delete. The word must be the very one that the page asks for; case is no matter.
func (s *Surface) leave(w http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	typed := strings.ToLower(strings.TrimSpace(f.Get("confirmation")))
	if !secret.Equal([]byte(typed), []byte(strings.ToLower(wordOf(g)))) {
		return problem("confirm_word")
	}
	if err := s.deps.Profiles.Leave(r.Context(), g.by, g.user.ID); err != nil {
		return err
	}
	s.forget(w, g)
	return page.GoTo(w, r, pathDeleted, nil)
}

// showDeleted is GET /settings/deleted.
func (s *Surface) showDeleted(w http.ResponseWriter, r *http.Request) error {
	p := s.kit.Message(r, page.Message{Status: http.StatusOK, Key: "settings.deleted", Tone: "good", Sign: "tick"})
	return s.kit.WriteMessage(w, http.StatusOK, p)
}
