package settings

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

type passkeyView struct {
	Options string // of the ceremony, as JSON
	ID      string // of the passkey to prove; empty for a new one
}

// newPasskey is POST /settings/passkeys/new: the page on which the browser makes a passkey. The challenge is
// ours and bound to this session.
func (s *Surface) newPasskey(w http.ResponseWriter, r *http.Request, g *guest, _ url.Values) error {
	options, err := s.deps.Passkeys.BeginPasskey(r.Context(), s.owner(g))
	if err != nil {
		return err
	}
	return s.ceremony(w, r, g, &passkeyView{Options: string(options)})
}

func (s *Surface) ceremony(w http.ResponseWriter, r *http.Request, g *guest, p *passkeyView) error {
	v, err := s.start(r, g, "security")
	if err != nil {
		return err
	}
	v.Passkey, v.Scripts = p, append(v.Scripts, "factor.js")
	return s.send(w, v, "passkey")
}

var refusedPasskeys = map[passkey.Refusal]string{
	passkey.RefusedGone: "passkey_gone", passkey.RefusedTaken: "passkey_taken", passkey.RefusedFull: "passkey_full", passkey.RefusedModel: "passkey_model",
}

func refusedPasskey(why passkey.Refusal) error {
	if word, ok := refusedPasskeys[why]; ok {
		return problem(word)
	}
	return problem("passkey_response")
}

// addPasskey is POST /settings/passkeys, with what the authenticator answered.
func (s *Surface) addPasskey(_ http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	if f.Get("response") == "" { // without a script, or the browser's window was closed
		return problem("passkey_browser")
	}
	out, err := s.deps.Passkeys.FinishPasskey(r.Context(), s.owner(g), f.Get("name"), []byte(f.Get("response")))
	switch {
	case err != nil:
		return err
	case out.Refused != "":
		return refusedPasskey(out.Refused)
	}
	return done("passkey")
}

// beginProof is POST /settings/passkeys/prove: a passkey that an application's page registered counts only after
// it has answered a challenge of ours.
func (s *Surface) beginProof(w http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	id := page.ID(f, "id")
	if id == "" {
		return problem("gone")
	}
	options, err := s.deps.Passkeys.BeginProof(r.Context(), s.owner(g), id)
	if err != nil {
		return err
	}
	return s.ceremony(w, r, g, &passkeyView{Options: string(options), ID: id})
}

// finishProof is POST /settings/passkeys/proof.
func (s *Surface) finishProof(_ http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	id := page.ID(f, "id")
	if id == "" || f.Get("response") == "" {
		return problem("passkey_browser")
	}
	p, err := s.deps.Passkeys.FinishProof(r.Context(), s.owner(g), id, []byte(f.Get("response")))
	switch {
	case err != nil:
		return err
	case p.Refused != "" || p.User != g.user.ID:
		return refusedPasskey(p.Refused)
	}
	return done("passkey_good")
}

// renamePasskey is POST /settings/passkeys/rename.
func (s *Surface) renamePasskey(_ http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	id := page.ID(f, "id")
	if id == "" {
		return problem("gone")
	}
	err := s.deps.Passkeys.RenamePasskey(r.Context(), s.owner(g), id, strings.TrimSpace(f.Get("name")))
	if fault.Is(err, fault.Invalid) {
		return problem("passkey_name")
	}
	if err != nil {
		return err
	}
	return done("passkey_name")
}

// removePasskey is POST /settings/passkeys/remove.
func (s *Surface) removePasskey(_ http.ResponseWriter, r *http.Request, g *guest, f url.Values) error {
	id := page.ID(f, "id")
	if id == "" {
		return problem("gone")
	}
	if err := s.deps.Passkeys.RemovePasskey(r.Context(), s.owner(g), id); err != nil {
		return err
	}
	return done("passkey_removed")
}
