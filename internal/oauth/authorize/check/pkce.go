package check

import (
	"context"
	"encoding/base64"

	"github.com/admit-id/admit/internal/oauth"
)

var pkce = Check{
	Name: "code_challenge", Standard: "RFC 7636, RFC 9700 section 2.1.1",
	Rule:  "Every client sends a code_challenge, and code_challenge_method=S256. The challenge is the base64url of a SHA-256 hash.",
	Codes: []oauth.Code{oauth.InvalidRequest},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		method := r.get("code_challenge_method")
		if method == "" && r.Extension {
			method = "S256"
		}
		switch challenge := r.get("code_challenge"); {
		case challenge == "":
			return refuse(oauth.InvalidRequest, "The parameter code_challenge is missing. PKCE is needed of every client (RFC 7636).")
		case method != "S256":
			return refuse(oauth.InvalidRequest, "code_challenge_method must be S256.")
		case !isHash(challenge):
			return refuse(oauth.InvalidRequest, "code_challenge must be the base64url of a SHA-256 hash: 43 characters.")
		default:
			r.Challenge = challenge
		}
		return nil
	},
}

// isHash takes the base64url of 32 bytes in its one canonical spelling.
func isHash(text string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(b) == 32 && len(text) == 43
}
