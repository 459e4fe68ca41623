package check

import "context"

const maxHint = 128 // bytes

var loginHint = Check{
	Name: "login_hint", Standard: "OpenID Connect Core section 3.1.2.1",
	Rule: "login_hint fills the field of the login box. One of more than 128 bytes is ignored. It decides nothing.",
	run: func(_ context.Context, _ *Tools, r *Request) error {
		if hint := r.get("login_hint"); len(hint) <= maxHint {
			r.LoginHint = hint
		}
		return nil
	},
}
