package authorize_test

import (
	"strings"
	"testing"
)

// The claims parameter is no way around the scopes: a third party is told nothing of a person that the
// consent page did not say, and a client of the account's own nothing that it is not registered for.
func TestClaimsStayWithinScopes(t *testing.T) {
	const wish = `{"userinfo":{"email":null,"picture":null},"id_token":{"name":{"essential":true},"email_verified":null,"auth_time":null}}`
	each(t, func(w *world) {
		b := w.browser()
		b.signIn("ann@x.example")
		asked := func(client, scope string) string {
			id := b.atConsent(b.begin("client_id", client, "scope", scope, "claims", wish))
			if err := b.s.Decide(ctx, b.visit(), id, true); err != nil {
				t.Fatal(err)
			}
			return string(b.code(b.resume(id), client).Claims)
		}
		for _, client := range []string{"app_third", "app_self", "https://agent.example/c.json"} {
			got := asked(client, "openid")
			if !strings.Contains(got, "auth_time") || strings.Contains(got, "email") || strings.Contains(got, "name") || strings.Contains(got, "picture") {
				t.Errorf("%s: %s", client, got)
			}
			if got := asked(client, "openid email"); !strings.Contains(got, `"email"`) || !strings.Contains(got, `"email_verified"`) || strings.Contains(got, "name") || strings.Contains(got, "picture") {
				t.Errorf("%s with email: %s", client, got)
			}
		}
		own := w.clients["app_1"]
		if got := string(b.code(b.begin("claims", wish), "app_1").Claims); !strings.Contains(got, `"email"`) || !strings.Contains(got, `"name"`) {
			t.Errorf("one of the account's own: %s", got)
		}
		own.Settings.Scopes = []string{"openid", "profile"}
		w.clients["app_1"] = own
		if got := string(b.code(b.begin("claims", wish), "app_1").Claims); strings.Contains(got, "email") || !strings.Contains(got, `"name"`) {
			t.Errorf("one that has no scope email: %s", got)
		}
	})
}
