package check

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/oauth"
)

// Prompts are the values of prompt that are taken.
func Prompts() []string { return []string{"none", "login", "consent", "select_account"} }

var prompt = Check{
	Name: "prompt", Standard: "OpenID Connect Core section 3.1.2.1",
	Rule:  "prompt is none alone, or a list of login, consent and select_account.",
	Codes: []oauth.Code{oauth.InvalidRequest},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		for word := range strings.SplitSeq(r.get("prompt"), " ") {
			switch word {
			case "":
			case "none":
				r.Prompt.None = true
			case "login":
				r.Prompt.Login = true
			case "consent":
				r.Prompt.Consent = true
			case "select_account":
				r.Prompt.Select = true
			default:
				return refuse(oauth.InvalidRequest, "prompt must be none, or a list of login, consent and select_account.")
			}
		}
		if p := r.Prompt; p.None && (p.Login || p.Consent || p.Select) {
			return refuse(oauth.InvalidRequest, "prompt none goes with no other value.")
		}
		return nil
	},
}
