package app

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/oauth/device"
)

// A client that anybody can make does not turn the logout page into a way to anywhere: nobody is signed
// in, so nobody has come from that client (RFC 9700 section 4.11).
func TestLogoutLeadsToNoStranger(t *testing.T) {
	everywhere(t, func(p *testServer) {
		a, err := p.f.accounts.Get(p.Context(), ident.DefaultAccount)
		if err != nil {
			p.Fatal(err)
		}
		a.Settings.OAuth.Registration = account.RegistrationOpen
		if _, err := p.f.accounts.Update(p.Context(), actor.ForOperator(ident.DefaultAccount), a); err != nil {
			p.Fatal(err)
		}
		const bye = "https://stranger.example/bye"
		c := p.request("POST", "/oauth/register", `{"redirect_uris":["https://stranger.example/cb"],"post_logout_redirect_uris":["`+bye+`"]}`)
		if c.status != 201 {
			p.Fatal(c.status, c.text)
		}
		q := url.Values{"client_id": {c.body["client_id"].(string)}, "post_logout_redirect_uri": {bye}}
		if r := p.request("GET", "/oauth/logout?"+q.Encode(), ""); r.status != 200 {
			p.Errorf("%d %s", r.status, r.text)
		}
	})
}

// What a person allows a third party by a device is among what they have allowed, and can be taken back:
// before the device has fetched it, and after.
func TestWhatADeviceWasAllowedIsTakenBack(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("TV", application.OAuth{ThirdParty: true, GrantTypes: []string{device.GrantType, application.GrantRefresh}})
		v := d.visitor()
		call := func(path string, q url.Values) (out map[string]any) {
			w := d.visitor().do("POST", path, q)
			if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
				t.Fatal(w.Code, w.Body)
			}
			return out
		}
		allow := func(first bool) (code string) {
			body := call("/oauth/device", url.Values{"client_id": {client}, "scope": {"openid offline_access"}})
			w := v.next(v.do("POST", "/device", url.Values{"user_code": {body["user_code"].(string)}}), "/device/confirm?request=dev_")
			if first {
				w = v.next(v.signIn(w, "ann@x.example"), "/device/confirm?request=dev_")
			}
			form := fields(w)
			form.Set("decision", "allow")
			v.next(v.do("POST", "/device/confirm", form), "/device/done?said=allow")
			return body["device_code"].(string)
		}
		take := func(code string) map[string]any {
			return call("/oauth/token", url.Values{"grant_type": {device.GrantType}, "device_code": {code}, "client_id": {client}})
		}
		withdraw := func() {
			page := v.do("GET", "/settings/applications", nil)
			if !strings.Contains(page.Body.String(), "TV") {
				t.Fatal("it is not among what was allowed")
			}
			v.next(v.do("POST", "/settings/applications", fields(page)), "/settings/applications?done=application")
		}
		tokens := take(allow(true))
		refresh, _ := tokens["refresh_token"].(string)
		if refresh == "" {
			t.Fatal(tokens)
		}
		withdraw()
		if got := call("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {client}}); got["error"] != "invalid_grant" {
			t.Error("the device goes on:", got)
		}
		code := allow(false)
		withdraw()
		if got := take(code); got["error"] != "invalid_grant" {
			t.Error("the device fetches what was taken back:", got)
		}
	})
}
