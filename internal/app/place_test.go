package app

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/config"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/place/placetest"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
)

// TestPlaces: with a file of places, people see where their sessions are, in their language; without one
// nothing is said.
func TestPlaces(t *testing.T) {
	file := placetest.File(t, placetest.Network{
		Range: "192.0.2.0/24", Code: "DE", Country: placetest.Names{"en": "Germany", "de": "Deutschland"}, City: placetest.Names{"en": "Cologne", "de": "K\u00f6ln"},
	})
	seen := func(d deployment) (english, german, listed, acts, mail string) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		ann := d.hold(client, "ann@x.example") // from 192.0.2.1
		english = ann.do("GET", "/settings/sessions", nil, "Accept-Language", "en").Body.String()
		german = ann.do("GET", "/settings/sessions", nil, "Accept-Language", "de").Body.String()
		acts = ann.do("GET", "/settings/activity", nil).Body.String()
		listed = d.visitor().do("GET", "/v1/users/"+url.PathEscape(string(ann.user))+"/sessions", nil, "Authorization", "Bearer "+ann.access).Body.String()
		d.happens(actor.Actor{Kind: actor.User, ID: string(ann.user), Address: "192.0.2.77"}, "login.newDevice", string(ann.user), "session", ann.sid)
		return english, german, listed, acts, d.mails("ann@x.example")[0].Text
	}
	t.Run("with", func(t *testing.T) {
		eachDeploymentWith(t, func(c *config.Config) { c.PlacesFile = file }, func(d deployment) {
			english, german, listed, acts, mail := seen(d)
			for text, want := range map[string]string{
				english: "Cologne, Germany", german: "K\u00f6ln, Deutschland", acts: "Cologne, Germany", mail: "Roughly where: Cologne, Germany\n",
				listed: `"place":{"city":"Cologne","country":"Germany","countryCode":"DE"}`,
			} {
				if !strings.Contains(text, want) {
					d.Errorf("no %q in %s", want, text)
				}
			}
			if !strings.Contains(english, `id="places"`) {
				d.Error("nobody says that places can be wrong")
			}
		})
	})
	t.Run("without", func(t *testing.T) {
		eachDeployment(t, func(d deployment) {
			english, _, listed, _, mail := seen(d)
			if strings.Contains(english, `id="places"`) || strings.Contains(listed, `"place"`) || strings.Contains(mail, "Roughly where") || !strings.Contains(english, "192.0.2.1") {
				d.Error(english, listed, mail)
			}
		})
	})
}

// remember makes a browser one in which the person need not show a second factor, and returns its cookie.
func (h held) remember(name string) (cookie string) {
	h.Helper()
	h.unit(func(ctx context.Context, t tx.Tx) error {
		made, _, err := h.app.f.person.Browsers.Add(ctx, t, h.self(), name, secret.Text{}, 24*time.Hour)
		cookie = made.Reveal()
		return err
	})
	return cookie
}

// remembered are the names of the person's browsers, and the id of each.
func (h held) remembered() (names []string, ids map[string]string) {
	h.Helper()
	ids = map[string]string{}
	h.unit(func(ctx context.Context, t tx.Tx) error {
		all, err := h.app.f.person.Browsers.List(ctx, t, ident.DefaultAccount, h.user)
		for _, b := range all {
			ids[b.Name] = b.ID
			names = append(names, b.Name)
		}
		slices.Sort(names)
		return err
	})
	return names, ids
}

func (h held) wantRemembered(when string, want ...string) {
	h.Helper()
	if got, _ := h.remembered(); !slices.Equal(got, want) {
		h.Errorf("%s: %q; want %q", when, got, want)
	}
}

// post sends a form of the person's own page.
func (h held) post(path, end string, pairs ...string) {
	h.Helper()
	form := fields(h.do("GET", "/settings/sessions", nil))
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	if w := h.do("POST", path, form); w.Code != http.StatusSeeOther || !strings.HasSuffix(w.Header().Get("Location"), end) {
		h.Errorf("%s %v: %d %s", path, pairs, w.Code, w.Header().Get("Location"))
	}
}

// TestRememberedBrowsers: people see the browsers in which no second factor is asked for, and forget theirs.
func TestRememberedBrowsers(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		ann, other, eve := d.hold(client, "ann@x.example"), d.hold(client, "ann@x.example"), d.hold(client, "eve@x.example")
		if page := ann.do("GET", "/settings/sessions", nil).Body.String(); strings.Contains(page, `id="browsers"`) {
			t.Error("a section without a browser")
		}
		ann.cookies[login.DeviceCookieName(false)] = ann.remember("Firefox on Linux")
		ann.remember("Chrome on Windows")
		ann.remember("Safari on iPhone")
		eve.remember("Edge on Windows")
		page := ann.do("GET", "/settings/sessions", nil).Body.String()
		_, list, _ := strings.Cut(page, `id="browsers"`)
		for _, want := range []string{"Firefox on Linux", "Chrome on Windows", "Safari on iPhone"} {
			if !strings.Contains(list, want) {
				t.Errorf("no %s in %s", want, list)
			}
		}
		here, _, _ := strings.Cut(list[strings.Index(list, "Firefox on Linux"):], "</li>")
		if strings.Contains(page, "Edge on Windows") || !strings.Contains(here, "This browser") || strings.Count(list, "This browser") != 1 {
			t.Error(list)
		}

		_, mine := ann.remembered()
		_, hers := eve.remembered()
		ann.post("/settings/browsers/forget", "problem=gone", "id", hers["Edge on Windows"])
		ann.post("/settings/browsers/forget", "problem=gone", "id", "brw_none")
		ann.post("/settings/browsers/forget", "problem=gone", "id", "")
		ann.post("/settings/browsers/forget", "problem=other", "id", mine["Chrome on Windows"], "user", string(eve.user))
		ann.wantRemembered("what is not theirs", "Chrome on Windows", "Firefox on Linux", "Safari on iPhone")
		ann.post("/settings/browsers/forget", "done=browser", "id", mine["Chrome on Windows"])
		ann.wantRemembered("one forgotten", "Firefox on Linux", "Safari on iPhone")
		if acts := ann.do("GET", "/settings/activity", nil).Body.String(); !strings.Contains(acts, "Remembered browser forgotten") {
			t.Error(acts)
		}
		if data := ann.do("POST", "/settings/data", fields(ann.do("GET", "/settings/data", nil))).Body.String(); !strings.Contains(data, `"rememberedBrowsers"`) || !strings.Contains(data, "Safari on iPhone") {
			t.Error(data)
		}

		ann.post("/settings/sessions/others", "done=sessions")
		ann.wantRemembered("all others ended", "Firefox on Linux")
		if got := other.lives(); got != allDead {
			t.Error(got)
		}
		eve.wantRemembered("another person", "Edge on Windows")
		ann.post("/settings/sessions/all", "/logged-out")
		ann.wantRemembered("all ended")
		eve.wantRemembered("another person", "Edge on Windows")
	})
}

// TestWhatForgetsBrowsers: when all of a person ends, or a session of theirs was stolen, no browser is let
// off the second step: whoever copied one cookie may have the other, too.
func TestWhatForgetsBrowsers(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		for name, end := range map[string]func(h held){
			"an administrator ends all sessions": func(h held) {
				if err := d.app.f.oauth.logouts.EndUser(t.Context(), actor.ForOperator(ident.DefaultAccount), h.user); err != nil {
					t.Fatal(err)
				}
			},
			"a stolen cookie": func(h held) {
				stolen := h.cookie()
				_, second := h.renew(stolen)
				h.renew(second)
				d.age(5)
				if status, _ := h.renew(stolen); status != http.StatusNotFound {
					t.Error(status)
				}
			},
		} {
			ann, eve := d.hold(client, "ann@x.example"), d.hold(client, "eve@x.example")
			ann.remember("Firefox on Linux")
			eve.remember("Edge on Windows")
			end(ann)
			ann.wantRemembered(name)
			eve.wantRemembered("another person: "+name, "Edge on Windows")
			eve.unit(func(ctx context.Context, x tx.Tx) error {
				return d.app.f.person.Browsers.ForgetOthers(ctx, x, eve.self(), eve.user, secret.Text{})
			})
		}
		// The end of one session alone forgets none.
		ann := d.hold(client, "ann@x.example")
		ann.remember("Firefox on Linux")
		if err := d.app.f.sessions.EndOne(t.Context(), ann.self(), ann.user, ident.SessionID(ann.sid)); err != nil {
			t.Fatal(err)
		}
		ann.wantRemembered("one session ended", "Firefox on Linux")
	})
}
