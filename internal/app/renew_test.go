package app

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
)

var shownCode = regexp.MustCompile(`<code>([0-9a-z-]{19})</code>`)

// lastCode gives somebody an authenticator app and recovery codes, of which one is left: that one.
func (h held) lastCode() (last string) {
	h.Helper()
	h.addApp()
	var codes []secret.Text
	h.unit(func(ctx context.Context, t tx.Tx) (err error) {
		codes, err = h.app.f.person.Recovery.Create(ctx, t, h.self(), h.user)
		return err
	})
	for _, code := range codes[1:] {
		h.unit(func(ctx context.Context, t tx.Tx) error {
			r, err := h.app.f.person.Recovery.Use(ctx, t, h.self(), h.user, code.Reveal())
			if err == nil && r.Outcome != factor.Right {
				h.Error(r)
			}
			return err
		})
	}
	return codes[0].Reveal()
}

// TestTheLastRecoveryCodeBringsNewOnes goes through the pages: the sign-in that takes the last code offers ten
// new ones, shows them once, and then ends where it was to end.
func TestTheLastRecoveryCodeBringsNewOnes(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		for _, wants := range []bool{true, false} {
			address := map[bool]string{true: "ann@x.example", false: "bob@x.example"}[wants]
			owner := d.hold(client, address)
			last := owner.lastCode()
			before := len(d.mails(address))

			v := d.visitor()
			w := v.signIn(v.authorize(ask(client, "scope", "openid")), address)
			to, err := url.Parse(w.Header().Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			state := to.Query().Get("state")
			step := func(v visitor, path string, pairs ...string) (int, string, string) {
				form := url.Values{"state": {state}}
				for i := 0; i < len(pairs); i += 2 {
					form.Set(pairs[i], pairs[i+1])
				}
				w := v.do("POST", path, form)
				return w.Code, w.Header().Get("Location"), w.Body.String()
			}
			if _, to, body := step(v, "/login/codes"); strings.Contains(body, "<code>") || !strings.HasPrefix(strings.TrimPrefix(to, oauthIssuer), "/login?state=") {
				t.Errorf("codes for half a proof: %s %s", to, body)
			}
			if _, to, body := step(v, "/login/recovery-code", "code", last); !strings.HasPrefix(strings.TrimPrefix(to, oauthIssuer), "/login?state=") {
				t.Fatal(to, body)
			}
			if v.cookies[session.CookieName(false)] != "" {
				t.Error("there is a session before the end")
			}
			offer := v.do("GET", "/login?state="+state, nil)
			if text := offer.Body.String(); offer.Code != http.StatusOK || !strings.Contains(text, "That was your last recovery code") || shownCode.MatchString(text) {
				t.Fatal(offer.Code, text)
			}
			// Somebody else's browser has nothing of it.
			thief := d.visitor()
			thief.cookies[login.BrowserCookieName(false)] = "other"
			if status, _, body := step(thief, "/login/codes"); status != http.StatusForbidden || shownCode.MatchString(body) {
				t.Errorf("another browser: %d %s", status, body)
			}
			if got := owner.holds(); got.Recovery != 0 {
				t.Errorf("%+v", got)
			}

			var codes []string
			if wants {
				w := v.do("POST", "/login/codes", url.Values{"state": {state}})
				for _, m := range shownCode.FindAllStringSubmatch(w.Body.String(), -1) {
					codes = append(codes, html.UnescapeString(m[1]))
				}
				if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" || len(codes) != 10 {
					t.Fatal(w.Code, w.Header(), w.Body)
				}
			}
			_, end, _ := step(v, "/login/codes/done")
			claims := v.redeem(client, v.answer(v.do("GET", end, nil), "query"))
			if claims["acr"] != session.ACR2 || claims["sub"] != string(owner.user) {
				t.Errorf("%v", claims)
			}
			if status, _, body := step(v, "/login/codes"); shownCode.MatchString(body) {
				t.Errorf("after the end: %d %s", status, body)
			}

			want := factor.Held{TOTP: 1}
			if wants {
				want.Recovery = 10
			}
			if got := owner.holds(); got != want {
				t.Errorf("%+v; want %+v", got, want)
			}
			told := ""
			for _, m := range d.mails(address)[:len(d.mails(address))-before] {
				told += m.Subject + "\n"
			}
			if strings.Contains(told, "New recovery codes were made") != wants || !strings.Contains(told, "A recovery code was used") {
				t.Errorf("mails: %s", told)
			}
			if !wants {
				continue
			}
			owner.unit(func(ctx context.Context, x tx.Tx) error {
				r, err := d.app.f.person.Recovery.Use(ctx, x, owner.self(), owner.user, codes[9])
				if err == nil && r.Outcome != factor.Right {
					t.Error("a code that was shown is no good")
				}
				return err
			})
		}
	})
}
