// Package origin owns the document that lets one passkey serve all host names of an account: browsers ask the
// host that passkeys are registered for, which other origins may use them (WebAuthn Level 3, 5.11).
//
// Entry points: Surface.Routes.
//
// Never: an origin of another account, or one that a request names.
package origin

import (
	"encoding/json"
	"net/http"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
)

// Path is where browsers look.
const Path = "/.well-known/webauthn"

// Surface serves the document.
type Surface struct {
	// Origins of an account; none when it can have no passkeys.
	Origins func(ident.AccountID) []string
}

// Routes declares the document. It is public and says the same to everybody.
func (s Surface) Routes() []web.Route {
	return []web.Route{{
		Method: http.MethodGet, Pattern: Path, Auth: web.Public, Scope: web.Account,
		Limit: web.LimitDocument, CORS: web.AnyOrigin, Handler: s.origins,
	}}
}

func (s Surface) origins(w http.ResponseWriter, r *http.Request) error {
	all := s.Origins(web.AccountOf(r))
	if len(all) == 0 {
		return fault.New(fault.NotFound, fault.CodeNotFound, "There are no passkeys here.")
	}
	body, err := json.Marshal(map[string][]string{"origins": all})
	if err != nil {
		return fault.Wrap("origin.origins", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Write(body) // a client that has gone is no error of ours
	return nil
}
