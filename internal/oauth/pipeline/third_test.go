package pipeline_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/pipeline"
	"github.com/admit-id/admit/internal/user"
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

// What an administrator has put into the identity of a person is the account's own clients' to know: a
// client that is a third party's from now on is told it no more, though it was a moment ago.
func TestUserinfoForgetsTheFirstParty(t *testing.T) {
	everywhere(t, func(w *world) {
		if _, err := w.users.SetClaims(w.Context(), actor.ForSystem(account), w.person.ID, user.Claims{Identity: json.RawMessage(`{"urn:x:badge":"7"}`)}); err != nil {
			w.Fatal(err)
		}
		text := w.first("app_public").AccessToken.Reveal()
		info := func() string {
			l, err := w.reader.Look(w.Context(), account, text)
			if err != nil {
				w.Fatal(err)
			}
			out, err := w.facts.Userinfo(w.Context(), l)
			if err != nil {
				w.Fatal(err)
			}
			return string(out.Body)
		}
		if got := info(); !strings.Contains(got, "badge") {
			w.Fatal(got)
		}
		c := w.clients["app_public"]
		c.Settings.ThirdParty = true
		w.clients["app_public"] = c
		if got := info(); strings.Contains(got, "badge") {
			w.Error(got)
		}
	})
}
