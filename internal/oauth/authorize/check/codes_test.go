package check

import (
	"net/url"
	"slices"
	"testing"

	"github.com/admit-id/admit/internal/oauth"
)

// The document tells which codes a step refuses with: a step refuses with no other.
func TestCodesAreDeclared(t *testing.T) {
	w := newWorld(t)
	reached := map[string]bool{}
	for _, q := range []url.Values{
		with("client_id", "-"), with("client_id", "app_none"), with("client_id", "sc_1"), with("request_uri", URN+"x"), with("request_uri", "https://x.example"),
		with("request_uri", URN+"x", "request", "y"), with("request", "x"), with("request", "a.b.c.d.e"), with("redirect_uri", "x"), with("response_mode", "x"),
		{"client_id": {"app_1"}, "redirect_uri": {callback}, "state": {"a", "b"}}, with("client_id", "app_par"), with("client_id", "app_jar"),
		with("response_type", "-"), with("response_type", "token"), with("client_id", "app_machine"), with("code_challenge", "x"), with("scope", "x"),
		with("resource", "x"), with("authorization_details", "x"), with("claims", "x"), with("dpop_jkt", "x"), with("prompt", "x"), with("max_age", "x"),
		with("acr_values", "a a a a a a a a a a a a a a a a a a a a a"), with("id_token_hint", "x"), with("foo", string(make([]byte, maxValue+1))),
		with("nonce", string(slices.Repeat([]byte("n"), maxNonce+1))),
	} {
		r := &Request{Sent: Sent{Account: "acc_a", Query: q}}
		for _, c := range List() {
			err := c.run(t.Context(), w.tools(), r)
			if err == nil {
				continue
			}
			reached[c.Name] = true
			if code := oauth.CodeOf(err); !slices.Contains(c.Codes, code) {
				t.Errorf("%s refuses with %q", c.Name, code)
			}
			break
		}
	}
	for _, c := range List() {
		if !reached[c.Name] && len(c.Codes) > 0 {
			t.Errorf("nothing was refused by %s", c.Name)
		}
	}
}
