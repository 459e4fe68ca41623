package attack

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// How tokens travel to userinfo and the endpoints beside it: OAU-28, OAU-30, OAU-34 and JWT-13.
func TestOAU30_ProviderTransport(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		p, c := w.visitor("ann@example.com"), w.party("")
		w.party(`"thirdParty":true`, "https://third.example/cb")
		token := p.tokens(c, "openid").text("access_token")
		bearer := "Bearer " + token
		for _, method := range []string{"GET", "POST"} {
			for _, ok := range []string{bearer, "bearer " + token, "BEARER " + token} {
				if a := w.send(method, "/oauth/userinfo", "", "Authorization", ok); a.status != 200 || a.text("sub") != subject(token) {
					t.Errorf("%s %.8s: %d %s", method, ok, a.status, a.body)
				}
			}
			for name, header := range map[string][]string{
				"none": nil, "twice": {"Authorization", bearer, "Authorization", bearer}, "good and bad": {"Authorization", bearer, "Authorization", "Bearer x"}, "comma": {"Authorization", bearer + ", " + bearer}, "two spaces": {"Authorization", "Bearer  " + token}, "bare": {"Authorization", "Bearer"}, "not ASCII": {"Authorization", "Bearer \u00fc"},
				"basic": {"Authorization", "Basic " + token}, "the session": {"Cookie", p.jar()}, "tail": {"Authorization", bearer + "x"}, "a tab": {"Authorization", "Bearer\t" + token}, "64 KiB": {"Authorization", "Bearer " + strings.Repeat("a", 60<<10)}, "dots": {"Authorization", "Bearer " + strings.Repeat(".", 8<<10)}, "DPoP": {"Authorization", "DPoP " + token},
			} {
				a := w.send(method, "/oauth/userinfo", "", header...)
				if a.status != 401 && a.status != 400 && a.status != 431 || a.status == 401 && a.header.Get("WWW-Authenticate") == "" || a.took > 30*time.Second {
					t.Errorf("%s, %s: %d %q %v", method, name, a.status, a.header.Get("WWW-Authenticate"), a.took)
				}
			}
		}
		if a := w.send("GET", "/oauth/userinfo?access_token="+token, ""); a.status != 401 {
			t.Errorf("in the address: %d", a.status)
		}
		if a := w.send("POST", "/oauth/userinfo", "access_token="+token, "Content-Type", "application/x-www-form-urlencoded"); a.status != 401 {
			t.Errorf("in the body: %d", a.status)
		}
		for _, path := range []string{"/oauth/userinfo/x.css", "/oauth/userinfo;x.css", "/oauth/userinfo%2fx.js", "/oauth/userinfo.json", "/oauth/token/x.css", "/oauth/introspect;x", "/oauth//userinfo", "/oauth/./userinfo", "/oauth/bc-authorize", "/oauth/ciba"} {
			if a := w.send("GET", path, "", "Authorization", bearer); a.status == 200 || a.status >= 500 {
				t.Errorf("%s: %d", path, a.status)
			}
		}
		for _, path := range []string{"/oauth/token", "/oauth/par", "/oauth/userinfo", "/oauth/revoke", "/oauth/device", "/oauth/introspect", "/oauth/authorize", "/oauth/register", "/oauth/logout", "/consent", "/device"} {
			for _, origin := range []string{"https://evil.example", "null", "https://app.example.evil.example", "https://app.example:444", "http://app.example", "https://APP.example", "https://third.example", ""} {
				for _, method := range []string{"OPTIONS", "POST", "GET"} {
					a := w.send(method, path, "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,dpop")
					if a.header.Get("Access-Control-Allow-Origin") != "" && (origin != "https://third.example" || a.header.Get("Access-Control-Allow-Credentials") != "") || a.status >= 500 {
						t.Errorf("%s %s from %q: %d %v", method, path, origin, a.status, a.header)
					}
				}
			}
		}
		if a := w.send("POST", "/oauth/token", "", "Origin", "https://app.example"); a.header.Get("Access-Control-Allow-Origin") != "https://app.example" {
			t.Errorf("the registered origin: %d %v", a.status, a.header)
		}
		for _, path := range []string{"/oauth/authorize?" + c.ask().Encode(), "/oauth/introspect"} {
			if a := w.send("OPTIONS", path, "", "Origin", "https://app.example", "Access-Control-Request-Method", "GET"); a.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s has CORS", path)
			}
		}
	})
}

// No setting of a client, no claim and no resource makes a token that says what only the server says,
// or that opens what such a client's must not: JWT-16, and third parties at the API.
func TestJWT16_NothingIsOverwritten(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		p := w.visitor("ann@example.com")
		for _, name := range strings.Fields("iss sub aud exp nbf iat jti azp client_id scope cnf act amr acr auth_time sid gid nonce at_hash c_hash typ kid may_act authorization_details events") {
			for _, said := range []string{name, strings.ToUpper(name)} {
				text, _ := json.Marshal(map[string]any{"name": "x", "redirectUrls": []string{back}, "oauth": map[string]any{"claims": map[string]any{said: "evil"}}})
				a := w.admin("POST", "/v1/applications", string(text))
				if a.status >= 500 {
					t.Fatalf("%s: %d", said, a.status)
				}
				if a.status >= 300 {
					continue
				}
				c := &party{w: w, id: a.text("applicationId")}
				got := p.tokens(c, "openid")
				for _, token := range []string{got.text("access_token"), got.text("id_token")} {
					var claims map[string]any
					json.Unmarshal([]byte(claimsOf(token)), &claims)
					if claims[name] == "evil" {
						t.Errorf("a client's settings set %s", name)
					}
				}
				if said == name && name != "may_act" && name != "events" && name != "typ" && name != "kid" && name != "c_hash" {
					if !strings.Contains(claimsOf(got.text("access_token"))+claimsOf(got.text("id_token")), "evil") {
						continue
					}
					t.Errorf("%s was taken", name)
				}
			}
		}
		for _, resource := range []string{"acc_default", "", "https://x.example/#f", "/x", "*"} {
			text, _ := json.Marshal(map[string]any{"name": "x", "redirectUrls": []string{back}, "oauth": map[string]any{"thirdParty": true, "resources": []string{resource}}})
			if a := w.admin("POST", "/v1/applications", string(text)); a.status < 300 {
				t.Errorf("a third party's resource may be %q", resource)
			}
		}
		// The issuer as a resource is the provider's own, and no more than a third party has anyway.
		text, _ := json.Marshal(map[string]any{"name": "x", "redirectUrls": []string{back}, "oauth": map[string]any{"thirdParty": true, "resources": []string{w.public}}})
		if a := w.admin("POST", "/v1/applications", string(text)); a.status < 300 {
			c := &party{w: w, id: a.text("applicationId")}
			form := fields(p.browse("GET", p.authorize(c.ask("resource", w.public)).path(), "").body)
			form.Set("decision", "allow")
			got := c.redeem(p.browse("GET", p.browse("POST", "/consent", form.Encode()).path(), "").told().Get("code"))
			for _, path := range []string{"/v1/users/" + subject(got.text("access_token")+"..") + "/consents", "/v1/accounts", "/api/session/profile"} {
				if a := w.send("GET", path, "", "Authorization", "Bearer "+got.text("access_token")); a.status != 401 {
					t.Errorf("a third party's token for the issuer at %s: %d", path, a.status)
				}
			}
		}
		// Values that a client chooses come back as data.
		c := w.party("")
		code := p.authorize(c.ask("nonce", `","sub":"u_evil","x":"`, "scope", "openid")).told().Get("code")
		if id := c.redeem(code).text("id_token"); subject(id) == "u_evil" || !strings.Contains(claimsOf(id), `\"sub\"`) {
			t.Errorf("a nonce is more than a text: %s", claimsOf(id))
		}
		state := "a\"'<>&%0d%0a ü\u2028" + strings.Repeat("x", 2000)
		if a := p.authorize(c.ask("state", state)); a.told().Get("state") != state {
			t.Errorf("the state comes back as %q", a.told().Get("state"))
		}
		a := p.authorize(c.ask("state", `"><script>evil()</script>`, "response_mode", "form_post"))
		if strings.Contains(a.body, "<script>evil") || !strings.Contains(a.header.Get("Content-Security-Policy"), "form-action https://app.example;") || strings.Contains(a.header.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("form_post: %q %.2000s", a.header.Get("Content-Security-Policy"), a.body)
		}
	})
}
