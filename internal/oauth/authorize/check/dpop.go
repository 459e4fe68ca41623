package check

import (
	"context"

	"github.com/admit-id/admit/internal/oauth"
)

var dpop = Check{
	Name: "dpop_jkt", Standard: "RFC 9449 section 10",
	Rule:  "dpop_jkt is the SHA-256 thumbprint of the key that redeems the code.",
	Codes: []oauth.Code{oauth.InvalidRequest},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		r.JKT = r.get("dpop_jkt")
		if r.JKT != "" && !isHash(r.JKT) {
			return refuse(oauth.InvalidRequest, "dpop_jkt must be a JWK SHA-256 thumbprint: 43 characters of base64url (RFC 9449 section 10).")
		}
		return nil
	},
}
