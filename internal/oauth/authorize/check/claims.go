package check

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/strictjson"
	"github.com/admit-id/admit/internal/oauth"
)

const maxClaims = 4 << 10 // bytes

// wish is what is asked of one claim.
type wish struct {
	Essential bool              `json:"essential"`
	Value     json.RawMessage   `json:"value"`
	Values    []json.RawMessage `json:"values"`
}

var claims = Check{
	Name: "claims", Standard: "OpenID Connect Core section 5.5",
	Rule:  "claims is a JSON object of at most 4 KiB with userinfo and id_token. An essential acr must be reached; a sub says who it must be. Claims about the person beyond the scopes are not given.",
	Codes: []oauth.Code{oauth.InvalidRequest},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		text := []byte(r.get("claims"))
		if len(text) == 0 {
			return nil
		}
		var asked struct {
			Userinfo map[string]*wish `json:"userinfo"`
			IDToken  map[string]*wish `json:"id_token"`
		}
		if len(text) > maxClaims || !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) || strictjson.Unmarshal(text, &asked) != nil {
			return refuse(oauth.InvalidRequest, "claims must be a JSON object as in OpenID Connect Core section 5.5, at most 4 KiB.")
		}
		var plain bytes.Buffer
		if err := json.Compact(&plain, text); err != nil {
			return refuse(oauth.InvalidRequest, "claims cannot be read.")
		}
		r.Claims = plain.Bytes()
		if acr := asked.IDToken["acr"]; acr != nil {
			if acr.Essential {
				r.Essential = acr.texts()
			} else {
				r.ACR = acr.texts()
			}
		}
		for _, list := range []map[string]*wish{asked.IDToken, asked.Userinfo} {
			sub := list["sub"]
			if sub == nil || len(sub.texts()) == 0 {
				continue
			}
			one := ident.UserID(sub.texts()[0])
			if len(sub.texts()) > 1 || r.Subject != "" && r.Subject != one {
				return refuse(oauth.InvalidRequest, "claims asks for more than one sub.")
			}
			r.Subject = one
		}
		return nil
	},
}

// texts are the values that are asked for.
func (w *wish) texts() (out []string) {
	for _, raw := range append([]json.RawMessage{w.Value}, w.Values...) {
		var s string
		if len(raw) > 0 && json.Unmarshal(raw, &s) == nil && s != "" {
			out = append(out, s)
		}
	}
	return out
}
