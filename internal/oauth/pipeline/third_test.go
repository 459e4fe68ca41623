package pipeline_test

import (
	"testing"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/pipeline"
)

// A third party never comes to a token that opens Admit's own API: not for the token of another client
// that it may ask about, nor for one that it was given while it was the account's own.
func TestExchangeOpensNoAPIToThirdParties(t *testing.T) {
	everywhere(t, func(w *world) {
		asks := w.clients["app_api"]
		asks.Settings.IntrospectionAudiences = []string{string(account), api}
		w.clients["app_api"] = asks
		exchange := func(client, text string, more ...string) (pipeline.Result, error) {
			return w.ask(append([]string{"grant_type", application.GrantExchange, "client_id", client, "subject_token", text, "subject_token_type", pipeline.TypeAccessToken}, more...)...)
		}
		others, own := w.first("app_public").AccessToken.Reveal(), w.first("app_api").AccessToken.Reveal()
		for _, text := range []string{others, own} {
			if out, err := exchange("app_api", text); err != nil || w.claims(out.AccessToken.Reveal())["aud"] != string(account) {
				w.Fatal("one of the account's own:", err)
			}
		}
		asks.Settings.ThirdParty = true
		w.clients["app_api"] = asks
		for name, text := range map[string]string{"another's": others, "its own of before": own} {
			if _, err := exchange("app_api", text); oauth.CodeOf(err) != oauth.InvalidTarget {
				w.Errorf("%s: %v", name, err)
			}
			if _, err := exchange("app_api", text, "audience", string(account)); oauth.CodeOf(err) != oauth.InvalidTarget {
				w.Errorf("%s, by name: %v", name, err)
			}
		}
	})
}
