package attack

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// The provider's pages: nothing is allowed, approved or ended by a GET, by another site, by another
// person, or inside a frame; and no registered address becomes a part of a policy or of a page.
func TestRED12_ProviderPages(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		p := w.visitor("ann@example.com")
		tv := w.party(`"grantTypes":["` + deviceGT + `"]`)
		c := w.party(`"postLogoutRedirectUrls":["https://app.example/bye"]`)
		other := w.party(`"postLogoutRedirectUrls":["https://other.example/bye"]`)
		hint := p.tokens(c, "openid").text("id_token")
		alive := func() bool { return p.authorize(c.ask("prompt", "none")).told().Get("code") != "" }

		// A device: no GET approves it, no other site, nobody who is not on the page.
		begun := tv.post("/oauth/device", "scope", "openid")
		user := begun.text("user_code")
		poll := func() answer {
			return tv.post("/oauth/token", "grant_type", deviceGT, "device_code", begun.text("device_code"))
		}
		page := p.browse("POST", "/device", url.Values{"user_code": {user}}.Encode())
		form := fields(p.browse("GET", page.path(), "").body)
		form.Set("decision", "allow")
		for _, path := range []string{"/device?user_code=" + user + "&decision=allow", "/device/confirm?" + form.Encode(), "/device/done?said=allow&" + form.Encode()} {
			p.browse("GET", path, "")
			p.browse("HEAD", path, "")
		}
		bob := w.visitor("bob@example.com")
		for name, a := range map[string]answer{
			"another person with ann's page": bob.browse("POST", "/device/confirm", form.Encode()), "nobody": w.person().browse("POST", "/device/confirm", form.Encode()),
			"another site":   w.send("POST", "/device/confirm", form.Encode(), "Cookie", p.jar(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"),
			"without origin": w.send("POST", "/device/confirm", form.Encode(), "Cookie", p.jar(), "Content-Type", "application/x-www-form-urlencoded", "Origin", "null"),
			"as text":        w.send("POST", "/device/confirm", form.Encode(), "Cookie", p.jar(), "Content-Type", "text/plain", "Sec-Fetch-Site", "same-origin", "Origin", w.public),
			"maybe":          p.browse("POST", "/device/confirm", strings.Replace(form.Encode(), "allow", "allow2", 1)), "twice": p.browse("POST", "/device/confirm", form.Encode()+"&decision=deny"),
			"a smuggled user": p.browse("POST", "/device/confirm", strings.Replace(form.Encode(), "user=", "user=u_other&x=", 1)),
		} {
			if strings.Contains(a.header.Get("Location"), "/device/done") || a.status >= 500 {
				t.Errorf("%s: %d %q", name, a.status, a.header.Get("Location"))
			}
		}
		if a := poll(); a.text("error") != "authorization_pending" && a.text("error") != "slow_down" {
			t.Errorf("somebody approved it: %d %s", a.status, a.body)
		}
		w.refuses("another client polls", w.party(`"grantTypes":["`+deviceGT+`"]`).post("/oauth/token", "grant_type", deviceGT, "device_code", begun.text("device_code")), 400, "invalid_grant")
		w.refuses("the user code as device code", tv.post("/oauth/token", "grant_type", deviceGT, "device_code", user), 400, "invalid_grant")
		if a := p.browse("POST", "/device/confirm", form.Encode()); !strings.Contains(a.header.Get("Location"), "/device/done?said=allow") || !granted(poll()) {
			t.Errorf("the honest approval: %d %q", a.status, a.header.Get("Location"))
		}
		// User codes: wrong ones cost, and soon there are no more tries from that network.
		limited := 0
		for range 40 {
			if a := bob.browse("POST", "/device", "user_code=BBBB-BBBB"); a.status == 429 {
				limited++
			} else if a.status != 422 {
				t.Errorf("a guess: %d", a.status)
			}
		}
		if limited < 25 {
			t.Errorf("%d of 40 guesses were limited", limited)
		}
		w.audited(t, "oauth.device.guessing")

		// Logout: nothing of this ends the session or leads away.
		for name, q := range map[string]url.Values{
			"nothing": {}, "another's address": {"client_id": {c.id}, "post_logout_redirect_uri": {"https://other.example/bye"}}, "evil": {"client_id": {c.id}, "post_logout_redirect_uri": {"https://evil.example"}}, "another client than the hint's": {"client_id": {other.id}, "id_token_hint": {hint}, "post_logout_redirect_uri": {"https://other.example/bye"}},
			"a redirect URL": {"client_id": {c.id}, "post_logout_redirect_uri": {back}}, "with a query": {"client_id": {c.id}, "post_logout_redirect_uri": {"https://app.example/bye?x"}}, "with a line": {"client_id": {c.id}, "post_logout_redirect_uri": {"https://app.example/bye\r\nX: y"}}, "javascript": {"client_id": {c.id}, "post_logout_redirect_uri": {"javascript:alert(1)//evil"}},
			"an access token as hint": {"id_token_hint": {p.tokens(c, "openid").text("access_token")}, "post_logout_redirect_uri": {"https://app.example/bye"}}, "bob's hint": {"id_token_hint": {bob.tokens(c, "openid").text("id_token")}, "post_logout_redirect_uri": {"https://app.example/bye"}},
		} {
			a := p.browse("GET", "/oauth/logout?"+q.Encode(), "")
			w.sober("/oauth/logout", a)
			if a.header.Get("Location") != "" || strings.Contains(a.body, "evil") || strings.Contains(a.header.Get("Set-Cookie"), "Max-Age=0") {
				t.Errorf("%s: %d %q", name, a.status, a.header.Get("Location"))
			}
		}
		bent := bentJWTs(nil, head(hint), hint)
		for name, text := range bent {
			if a := p.browse("GET", "/oauth/logout?"+url.Values{"id_token_hint": {text}, "post_logout_redirect_uri": {"https://app.example/bye"}}.Encode(), ""); a.header.Get("Location") != "" || a.status >= 500 {
				t.Errorf("a hint: %s: %d %q", name, a.status, a.header.Get("Location"))
			}
			w.hears("a hint: "+name, p.authorize(c.ask("prompt", "none", "id_token_hint", text)), "invalid_request")
		}
		for name, header := range map[string][]string{
			"an image": {"Sec-Fetch-Dest", "image", "Sec-Fetch-Mode", "no-cors"}, "a frame": {"Sec-Fetch-Dest", "iframe", "Sec-Fetch-Mode", "navigate"}, "a prefetch": {"Sec-Purpose", "prefetch"}, "a fetch": {"Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors"},
		} {
			if a := w.send("GET", "/oauth/logout?id_token_hint="+hint, "", append(header, "Cookie", p.jar())...); a.status != 403 {
				t.Errorf("%s signs out: %d", name, a.status)
			}
		}
		if a := w.send("POST", "/oauth/logout/confirm", "client_id="+c.id, "Cookie", p.jar(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); a.status != 403 {
			t.Errorf("another site signs out: %d", a.status)
		}
		if !alive() {
			t.Fatal("the session has ended")
		}

		// Registered addresses are data: in a policy, in a frame, in a form, in a link.
		for _, bad := range []string{"https://x.example; script-src *", "https://x.example/ 'unsafe-inline'", "javascript:alert(1)", "https://x.example,evil", "data:text/html,x", "http://evil.example/x", "https://user@x.example/", "//x.example", "https://x.example\r\nX: y"} {
			for _, member := range []string{"frontchannelLogoutUrl", "logoUri", "clientUri", "policyUri", "backchannelLogoutUrl", "jwksUri"} {
				text, _ := json.Marshal(map[string]any{"name": "x", "redirectUrls": []string{back}, "oauth": map[string]any{member: bad}})
				a := w.admin("POST", "/v1/applications", string(text))
				if a.status >= 500 {
					t.Errorf("%s %q: %d", member, bad, a.status)
				}
				if a.status < 300 {
					t.Errorf("%s may be %q", member, bad)
				}
			}
		}
		front := w.party(`"frontchannelLogoutUrl":"https://x.example/a;b?c=1","frontchannelLogoutSessionRequired":true,"postLogoutRedirectUrls":["https://app.example/bye?a=1"]`)
		hint = p.tokens(front, "openid").text("id_token")
		a := p.browse("GET", "/oauth/logout?"+url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://app.example/bye?a=1"}, "state": {`"><script>x</script>&b=2`}}.Encode(), "")
		policy := a.header.Get("Content-Security-Policy")
		if a.status != 200 || !regexp.MustCompile(`; frame-src https://x\.example$`).MatchString(policy) || strings.Contains(policy, "a;b") || strings.Contains(a.body, "<script>x") {
			t.Errorf("the page after a logout: %d %q %.2000s", a.status, policy, a.body)
		}
		if alive() {
			t.Error("the honest logout ended nothing")
		}
	})
}

// Clients that register themselves: OAU and TEN of their own metadata, DOS-09 by its bounds.
func TestRED10_RegisteredClients(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		if a := w.send("POST", "/oauth/register", `{"redirect_uris":["https://dcr.example/cb"]}`, "Content-Type", "application/json"); a.status != 404 {
			t.Errorf("registration is open by default: %d", a.status)
		}
		if d := w.send("GET", "/.well-known/openid-configuration", ""); strings.Contains(d.body, "registration_endpoint") {
			t.Error("and advertised")
		}
		id := w.admin("GET", "/v1/accounts", "")
		var list struct{ Accounts []map[string]any }
		json.Unmarshal([]byte(id.body), &list)
		if len(list.Accounts) != 1 {
			t.Fatalf("%s", id.body)
		}
		one := list.Accounts[0]
		settings, _ := one["settings"].(map[string]any)
		if settings == nil {
			settings = map[string]any{}
		}
		settings["oauth"] = map[string]any{"dynamicRegistration": "open"}
		body, _ := json.Marshal(map[string]any{"name": "Main", "settings": settings})
		if a := w.admin("PUT", "/v1/accounts/"+one["accountId"].(string), string(body)); a.status >= 300 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		register := func(metadata string, header ...string) answer {
			a := w.send("POST", "/oauth/register", metadata, append([]string{"Content-Type", "application/json"}, header...)...)
			w.sober("/oauth/register", a)
			return a
		}
		made := register(`{"redirect_uris":["` + back + `"],"client_name":"Stranger","token_endpoint_auth_method":"none","thirdParty":false,"third_party":false,"registered":"","resources":["acc_default"],"scope":"openid admin","introspectionAudiences":["acc_default"]}`)
		if made.status != 201 || made.text("scope") != "openid" {
			t.Fatalf("%d %s", made.status, made.body)
		}
		c := &party{w: w, id: made.text("client_id")}
		p, nobody := w.visitor("ann@example.com"), w.person()
		// RED-10: nobody is bounced to a client that anybody could have made.
		for name, q := range map[string]url.Values{"scope": c.ask("scope", "invalid"), "type": c.ask("response_type", "foo"), "silent": c.ask("scope", "openid", "prompt", "none"), "mode": c.ask("response_mode", "x"), "uri": c.ask("request_uri", "https://evil.example")} {
			w.stays(name, nobody.authorize(q))
		}
		if a := p.authorize(c.ask("scope", "openid")); !strings.Contains(a.header.Get("Location"), "/consent?") {
			t.Errorf("no consent: %d %q", a.status, a.header.Get("Location"))
		}
		for _, bad := range []string{
			`{}`, `[]`, `{"redirect_uris":[]}`, `{"redirect_uris":["javascript:alert(1)"]}`, `{"redirect_uris":["data:text/html,x"]}`, `{"redirect_uris":["https://x.example/#f"]}`, `{"redirect_uris":["/cb"]}`, `{"redirect_uris":["https://*.example/cb"]}`, `{"redirect_uris":["https://x.example/cb"],"grant_types":["client_credentials"]}`,
			`{"redirect_uris":["https://x.example/cb"],"grant_types":["password"]}`, `{"redirect_uris":["https://x.example/cb"],"grant_types":["` + swapGT + `"]}`, `{"redirect_uris":["https://x.example/cb"],"response_types":["token"]}`, `{"redirect_uris":["https://x.example/cb"],"jwks_uri":"http://169.254.169.254/"}`, `{"redirect_uris":["https://x.example/cb"],"jwks_uri":"file:///etc/passwd","token_endpoint_auth_method":"private_key_jwt"}`,
			`{"redirect_uris":["https://x.example/cb"],"id_token_signed_response_alg":"none"}`, `{"redirect_uris":["https://x.example/cb"],"id_token_signed_response_alg":"HS256"}`, `{"redirect_uris":["https://x.example/cb"],"request_object_signing_alg":"none"}`, `{"redirect_uris":["https://x.example/cb"],"frontchannel_logout_uri":"https://x.example; script-src *"}`, `{"redirect_uris":["https://x.example/cb"],"logo_uri":"javascript:x"}`,
			`{"redirect_uris":["https://x.example/cb"],"redirect_uris":["https://y.example/cb"]}`, `{"redirect_uris":"https://x.example/cb"}`, `{"redirect_uris":["https://x.example/cb"],"client_name":"` + strings.Repeat("x", 10<<10) + `"}`, strings.Repeat(`{"a":`, 5000), `{"redirect_uris":["https://x.example/cb"],"jwks":{"keys":[{"kty":"oct","k":"AA"}]},"token_endpoint_auth_method":"private_key_jwt"}`,
		} {
			if a := register(bad); a.status < 400 {
				t.Errorf("%.120s: %d %s", bad, a.status, a.body)
			}
		}
		token := made.text("registration_access_token")
		second := register(`{"redirect_uris":["https://second.example/cb"]}`)
		for name, bearer := range map[string]string{"nobody": "", "another client": second.text("registration_access_token"), "the admin": w.key, "a user": p.tokens(w.party(""), "openid").text("access_token"), "cut": token[:len(token)-1], "its secret": second.text("client_secret")} {
			for _, method := range []string{"GET", "PUT", "DELETE"} {
				header := []string{"Content-Type", "application/json"}
				if bearer != "" {
					header = append(header, "Authorization", "Bearer "+bearer)
				}
				a := w.send(method, "/oauth/register/"+c.id, map[bool]string{true: `{"client_id":"` + c.id + `","redirect_uris":["https://evil.example/cb"]}`}[method == "PUT"], header...)
				if a.status != 401 {
					t.Errorf("%s by %s: %d %s", method, name, a.status, a.body)
				}
			}
		}
		// Nobody reaches a client by it that did not register itself, and it opens nothing else.
		for _, path := range []string{"/oauth/register/" + w.party("").id, "/oauth/register/app_default", "/oauth/register/app_none", "/oauth/userinfo", "/v1/roles"} {
			if a := w.send("GET", path, "", "Authorization", "Bearer "+token); a.status != 401 {
				t.Errorf("%s: %d", path, a.status)
			}
		}
		if a := w.send("DELETE", "/oauth/register/"+c.id, "", "Authorization", "Bearer "+token); a.status != 204 {
			t.Errorf("the honest end: %d %s", a.status, a.body)
		}
		w.stays("after its end", p.authorize(c.ask("scope", "openid")))
	})
}
