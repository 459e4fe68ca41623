package attack

import (
	"encoding/json"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// What ends a client's access ends the codes that it has not redeemed yet, too; and what is of the login
// API is nothing at the provider, nor the other way round.
func TestPendingCodesEnd(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		p := w.visitor("ann@example.com")
		user := ""
		for name, end := range map[string]func(c *party) answer{
			"the consent is withdrawn": func(c *party) answer { return w.admin("DELETE", "/v1/users/"+user+"/consents/"+c.id, "") },
			"the client's sessions":    func(c *party) answer { return w.admin("DELETE", "/v1/applications/"+c.id+"/sessions", "") },
			"the secret's client":      func(c *party) answer { return w.admin("DELETE", "/v1/applications/"+c.id, "") },
		} {
			c := w.party(`"thirdParty":true`)
			p.allow(c)
			got := p.tokens(c, "openid email")
			user = subject(got.text("access_token"))
			code := p.authorized(c)
			if a := end(c); a.status >= 300 {
				t.Fatalf("%s: %d %s", name, a.status, a.body)
			}
			if a := c.redeem(code); a.text("access_token") != "" {
				info := w.userinfo(a.text("access_token"))
				t.Errorf("%s: a code from before gives tokens: %d %s; userinfo %d", name, a.status, a.body, info.status)
			}
			w.ends(t, []*world{w}, name, got.text("access_token"))
		}
		c := w.party("")
		code := p.authorized(c, "scope", "openid offline_access")
		if a := w.admin("DELETE", "/v1/users/"+user+"/sessions", ""); a.status >= 300 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a := c.redeem(code); a.text("access_token") != "" {
			t.Errorf("signed out everywhere: a code from before gives tokens: %d %s", a.status, a.body)
		}

		// The login API's code and request at the provider, and the provider's there.
		login, q := w.signIn("bob@example.com"), w.visitor("eve@example.com")
		if a := login.start(nil); a.status != 200 {
			t.Fatalf("start: %d", a.status)
		}
		w.refuses("the login's code", w.post("/oauth/token", "grant_type", "authorization_code", "client_id", "app_default", "code", login.code, "redirect_uri", application, "code_verifier", login.verifier), 400, "invalid_grant")
		w.stays("the login's request", q.browse("GET", "/oauth/resume?request="+login.request, ""))
		text, _ := json.Marshal(map[string]string{"grant_type": "authorization_code", "redirect_uri": back, "client_id": c.id, "code": q.authorized(c), "code_verifier": verifier})
		for _, id := range []string{login.request, "areq_x"} {
			if a := w.send("POST", "/api/authentication/"+id+"/tokens", string(text), "Content-Type", "application/json"); a.status < 400 || a.status >= 500 {
				t.Errorf("the provider's code at the login: %d %s", a.status, a.body)
			}
		}
		// The errand of a login is not for others to steer: where it leads to is ours to say.
		a := w.person().authorize(c.ask())
		to, _ := url.Parse(a.header.Get("Location"))
		for _, more := range []string{"&return=https://evil.example", "&redirect_uri=https://evil.example", "&redirectUrl=//evil.example"} {
			if page := w.send("GET", to.RequestURI()+more, "", "Accept", "text/html"); strings.Contains(page.body, "evil") || strings.Contains(page.header.Get("Location"), "evil") {
				t.Errorf("the login box takes %s", more)
			}
		}
		third := w.party(`"thirdParty":true`)
		body, _ := json.Marshal(map[string]string{"redirectUrl": back, "applicationId": third.id, "codeChallenge": hashed(verifier), "codeChallengeMethod": "S256"})
		if a := w.send("POST", "/api/authentication", string(body), "Content-Type", "application/json"); a.status < 400 {
			t.Errorf("a third party goes around its consent by the login API: %d %s", a.status, a.body)
		}
	})
}

// The server connects to nothing that a request or a client's settings name on this machine.
func TestNothingIsFetchedForAttackers(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		sink, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer sink.Close()
		var called atomic.Int32
		go func() {
			for {
				c, err := sink.Accept()
				if err != nil {
					return
				}
				called.Add(1)
				c.Close()
			}
		}()
		p, c := w.visitor("ann@example.com"), w.keyed("")
		_, port, _ := net.SplitHostPort(sink.Addr().String())
		for _, target := range []string{"https://127.0.0.1:" + port, "https://localhost:" + port, "https://[::1]:" + port, "https://127.1:" + port, "https://0x7f000001:" + port, "https://[::ffff:127.0.0.1]:" + port, "https://0.0.0.0:" + port, "http://127.0.0.1:" + port} {
			body, _ := json.Marshal(map[string]any{"name": "x", "redirectUrls": []string{back}, "oauth": map[string]any{"tokenEndpointAuthMethod": "private_key_jwt", "jwksUri": target + "/jwks", "backchannelLogoutUrl": target + "/out", "logoUri": target + "/logo"}})
			if a := w.admin("POST", "/v1/applications", string(body)); a.status >= 500 {
				t.Errorf("%s: %d %s", target, a.status, a.body)
			}
			w.stays("a client id document at "+target, p.authorize(url.Values{"client_id": {target + "/client"}, "redirect_uri": {back}, "response_type": {"code"}}))
			w.refuses("a client id document at "+target, w.post("/oauth/token", "grant_type", "authorization_code", "client_id", target+"/client", "code", "x", "redirect_uri", back, "code_verifier", verifier), 401, "invalid_client")
			p.authorize(c.ask("request_uri", target+"/r"))
			w.post("/oauth/par", append(c.as(), "request_uri", target, "response_type", "code")...)
			for _, iss := range []string{target, target + "/"} {
				w.post("/oauth/token", "grant_type", "client_credentials", "client_assertion_type", jwtCAT, "client_assertion", c.assertion("iss", iss, "sub", iss))
				w.userinfo(forge(c.key, map[string]any{"alg": "EdDSA", "kid": "k", "jku": target, "typ": "at+jwt"}, map[string]any{"iss": iss, "sub": "x", "aud": "acc_default", "exp": soon(60)}))
			}
		}
		if n := called.Load(); n != 0 {
			t.Errorf("the server called %d times", n)
		}
	})
}
