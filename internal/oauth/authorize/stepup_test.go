package authorize_test

import (
	"testing"

	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/session"
)

// TestStepUp: a class that the session has not is asked for, as a wish or as a must, and the token tells the truth.
func TestStepUp(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.signIn("ann@x.example")
		const must = `{"id_token":{"acr":{"essential":true,"value":"urn:admit:aal2"}}}`
		id, state, e := b.atLogin(b.begin("claims", must))
		if e.ACR != session.ACR2 || e.Wish || e.Fresh || e.Choose {
			t.Fatalf("%+v", e)
		}
		b.refused(b.begin("claims", must, "prompt", "none"), oauth.UnmetAuthentication)
		w.done[state] = true
		b.refused(b.resume(id), oauth.UnmetAuthentication) // the person could not

		id, state, e = b.atLogin(b.begin("acr_values", "gold phr"))
		if e.ACR != session.ACRPhishingResistant || !e.Wish {
			t.Fatalf("%+v", e)
		}
		w.done[state] = true
		if got := b.code(b.resume(id), "app_1"); got.ACR != session.ACR1 {
			t.Errorf("the code says %q", got.ACR)
		}
		b.code(b.begin("acr_values", "phr", "prompt", "none"), "app_1")

		// A session that the policy does not take is sent to the login box, whatever is asked for.
		w.strict = true
		b.refused(b.begin("prompt", "none"), oauth.LoginRequired)
		id, state, _ = b.atLogin(b.begin())
		w.done[state] = true
		b.atLogin(b.resume(id)) // another session than the one in which that login ended
	})
}
