package authorize_test

import (
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/oauth"
)

// TestLocalClientsAreConfirmed holds that no program of a person's machine gets a code from their session
// behind their back, by taking a public client's id and address (RFC 8252 section 8.6).
func TestLocalClientsAreConfirmed(t *testing.T) {
	const loopback, private = "http://127.0.0.1:4711/cb", "com.example.app:/cb"
	each(t, func(w *world) {
		add := func(id, uri string, method application.AuthMethod, more application.OAuth) {
			more.AuthMethod = method
			w.clients[id] = oauth.Client{Account: acc, ID: id, Name: "CLI", RedirectURIs: []string{uri}, Settings: more.Filled()}
		}
		add("app_cli", loopback, application.AuthNone, application.OAuth{Native: true})
		add("app_phone", private, application.AuthNone, application.OAuth{})
		add("app_web", callback, application.AuthNone, application.OAuth{})
		add("app_dev", "http://localhost:3000/cb", application.AuthNone, application.OAuth{})
		add("app_secret", loopback, application.AuthSecretBasic, application.OAuth{})
		b := w.browser()
		b.signIn("ada@x.example")
		for client, uri := range map[string]string{"app_cli": loopback, "app_phone": private} {
			id := b.atConsent(b.begin("client_id", client, "redirect_uri", uri))
			pending, err := b.s.Pending(ctx, b.visit(), id)
			if err != nil || !pending.Confirm || pending.User.ID != b.user {
				w.Fatalf("%s: %+v, %v", client, pending, err)
			}
			if err := b.s.Decide(ctx, b.visit(), id, true); err != nil {
				w.Fatal(err)
			}
			if out := b.resume(id); !strings.HasPrefix(out.Location, uri) || !strings.Contains(out.Location, "code=") {
				w.Errorf("%s after yes: %+v", client, out)
			}
			again := b.atConsent(b.begin("client_id", client, "redirect_uri", uri)) // a yes is for once
			if out := b.begin("client_id", client, "redirect_uri", uri, "prompt", "none"); !strings.Contains(out.Location, "error=interaction_required") {
				w.Errorf("%s with prompt=none: %+v", client, out)
			}
			if err := b.s.Decide(ctx, b.visit(), again, false); err != nil {
				w.Fatal(err)
			}
			if out := b.resume(again); !strings.Contains(out.Location, "error=access_denied") {
				w.Errorf("%s after no: %+v", client, out)
			}
		}
		for client, uri := range map[string]string{"app_web": callback, "app_secret": loopback, "app_dev": "http://localhost:3000/cb"} {
			if out := b.begin("client_id", client, "redirect_uri", uri); !strings.Contains(out.Location, "code=") {
				w.Errorf("%s: %+v", client, out)
			}
		}
		// Who signs in for the request has said that they want it.
		out := b.begin("client_id", "app_cli", "redirect_uri", loopback, "prompt", "login")
		id, state, _ := b.atLogin(out)
		w.done[state] = true
		b.signIn("ada@x.example")
		if out := b.resume(id); !strings.HasPrefix(out.Location, loopback) || !strings.Contains(out.Location, "code=") {
			w.Errorf("after a sign-in: %+v", out)
		}
	})
}
