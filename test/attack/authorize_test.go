package attack

import (
	"net/url"
	"strings"
	"testing"
)

// stays wants a page of ours: no redirect, nothing echoed that could be a target.
func (w *world) stays(what string, a answer) {
	w.t.Helper()
	if a.status != 400 || a.header.Get("Location") != "" || strings.Contains(a.body, "evil") || !strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") {
		w.t.Errorf("%s: %d %q %.200s", what, a.status, a.header.Get("Location"), a.body)
	}
}

// hears wants an error that the client is told at its redirect URL, with iss (OAU-27) and its state.
func (w *world) hears(what string, a answer, codes ...string) {
	w.t.Helper()
	told, ok := a.told(), false
	for _, code := range codes {
		ok = ok || told.Get("error") == code
	}
	if !ok || !strings.HasPrefix(a.header.Get("Location"), back+"?") || told.Get("iss") != w.public || told.Get("code") != "" {
		w.t.Errorf("%s: %d %q; want %v", what, a.status, a.header.Get("Location"), codes)
	}
}

// Redirect addresses are compared byte for byte, but for the port of a native client's loopback one.
func TestRED06_LoopbackPorts(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		p := w.visitor("ann@example.com")
		urls := []string{"http://127.0.0.1/cb", "http://[::1]/cb"}
		for _, native := range []bool{true, false} {
			c := w.party(map[bool]string{true: `"native":true`}[native], urls...)
			// Whoever listens at a port of this machine cannot prove to be the client: the person is asked (RFC 8252 section 8.6).
			confirm := func(uri string) answer {
				a := p.authorize(c.ask("redirect_uri", uri))
				if !native {
					return a
				}
				if a.told().Get("code") != "" || !strings.HasPrefix(a.path(), "/consent?") {
					t.Errorf("%s: a code without a question: %d %q", uri, a.status, a.header.Get("Location"))
				}
				return p.consent(a)
			}
			for _, uri := range urls {
				if a := confirm(uri); a.told().Get("code") == "" {
					t.Errorf("%s: %d %s", uri, a.status, a.body)
				}
			}
			for _, uri := range []string{"http://127.0.0.1:1024/cb", "http://127.0.0.1:65535/cb", "http://[::1]:5000/cb"} {
				if !native {
					w.stays(uri, p.authorize(c.ask("redirect_uri", uri)))
					continue
				}
				a := confirm(uri)
				if a.told().Get("code") == "" || !strings.HasPrefix(a.header.Get("Location"), uri+"?") {
					t.Errorf("%s: %d %s", uri, a.status, a.body)
				}
				// The port is part of what the code is bound to.
				other := strings.NewReplacer("1024", "1025", "65535", "65534", "5000", "5001").Replace(uri)
				w.refuses("another port", c.redeemAt(a.told().Get("code"), other), 400, "invalid_grant")
			}
			for _, uri := range []string{
				"http://localhost:9/cb", "http://127.0.0.1.evil.example:80/cb", "http://127.0.0.1:80@evil.example/cb", "http://127.1/cb", "http://0x7f000001/cb", "http://2130706433/cb",
				"http://127.0.0.1:99999/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:80/cb/x", "https://127.0.0.1/cb", "http://127.0.0.1:0/cb", "http://127.0.0.1:-1/cb", "http://127.0.0.1:+80/cb",
				"http://127.0.0.1:080/cb", "http://127.0.0.1:8 0/cb", "http://127.0.0.1:80/cb?x=1", "http://127.0.0.1:80/cb#x", "http://127.0.0.1:80/CB", "http://127.0.0.2:80/cb", "http://[::2]:80/cb", "http://[0:0:0:0:0:0:0:1]:80/cb",
				"http://[::ffff:127.0.0.1]:80/cb", "http://evil@127.0.0.1:80/cb", "HTTP://127.0.0.1:80/cb", "http:/\\127.0.0.1:80/cb", "http://127.0.0.1:80\\@evil.example/cb", "//127.0.0.1:80/cb", "http://127.0.0.1:80/%63b", "http://127.0.0.1:80/./cb",
			} {
				w.stays(uri, p.authorize(c.ask("redirect_uri", uri)))
			}
		}
	})
}

func (c *party) redeemAt(code, uri string) answer {
	return c.post("/oauth/token", "grant_type", "authorization_code", "code", code, "redirect_uri", uri, "code_verifier", verifier)
}

// Parameters twice, in two places, or under other names; requests that nobody may be told about; and
// everything that an authorization request may not ask for.
func TestRED09_AuthorizationRequests(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		p, stranger := w.visitor("ann@example.com"), w.person()
		c, other := w.party(""), w.party("", "https://other.example/cb")
		off := w.party("")
		if a := w.admin("DELETE", "/v1/applications/"+off.id, ""); a.status >= 300 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		p.authorized(c)
		raw := func(more string, q url.Values) answer {
			a := p.browse("GET", "/oauth/authorize?"+q.Encode()+more, "")
			w.sober(more, a)
			return a
		}
		honest := c.ask()
		w.stays("two redirect_uri", raw("&redirect_uri="+url.QueryEscape(back), honest))
		w.stays("two redirect_uri, one evil", raw("&redirect_uri=https://evil.example", honest))
		w.stays("two client_id", raw("&client_id="+other.id, honest))
		w.stays("two request_uri", raw("&request_uri=a&request_uri=b", honest))
		w.stays("redirect_uri[]", raw("&redirect_uri[]="+url.QueryEscape(back), c.ask("redirect_uri", "")))
		w.stays("REDIRECT_URI", raw("&REDIRECT_URI="+url.QueryEscape(back), c.ask("redirect_uri", "")))
		w.stays("semicolons", p.browse("GET", "/oauth/authorize?"+strings.ReplaceAll(honest.Encode(), "&", ";"), ""))
		w.stays("query and body", p.browse("POST", "/oauth/authorize?client_id="+c.id, honest.Encode()))
		w.stays("the redirect in the query of a POST", p.browse("POST", "/oauth/authorize?redirect_uri="+url.QueryEscape(back), c.ask("redirect_uri", "").Encode()))
		for _, name := range []string{"state", "scope", "code_challenge", "response_type", "nonce", "prompt", "response_mode", "code_challenge_method"} {
			a := raw("&"+name+"=x", c.ask("response_mode", "query"))
			w.hears("two "+name, a, "invalid_request")
			if name == "state" && a.told().Has("state") {
				t.Error("a state that stands there twice comes back")
			}
		}
		// RED-10: nobody to tell.
		for name, q := range map[string]url.Values{
			"unknown client": c.ask("client_id", "app_none"), "another client's address": c.ask("redirect_uri", "https://other.example/cb"), "deleted client": off.ask(), "no redirect_uri": c.ask("redirect_uri", ""), "no client": c.ask("client_id", ""),
			"evil, silently": c.ask("redirect_uri", "https://evil.example", "prompt", "none"), "a service client": c.ask("client_id", strings.Split(w.key, ".")[0]),
			"javascript": c.ask("redirect_uri", "javascript:alert(1)//evil"), "a prefix": c.ask("redirect_uri", back+"/x"), "a query": c.ask("redirect_uri", back+"?x=1"), "a fragment": c.ask("redirect_uri", back+"#x"),
			"a dot": c.ask("redirect_uri", "https://app.example./cb"), "case": c.ask("redirect_uri", "https://APP.example/cb"), "a port": c.ask("redirect_uri", "https://app.example:443/cb"), "encoded": c.ask("redirect_uri", "https://app.example/%63b"),
			"traversal": c.ask("redirect_uri", "https://app.example/x/../cb"), "a line break": c.ask("redirect_uri", back+"\r\nX: y"), "nul": c.ask("redirect_uri", back+"\x00"), "userinfo": c.ask("redirect_uri", "https://app.example@evil.example/cb"),
		} {
			w.stays(name, p.authorize(q))
			w.stays(name, stranger.authorize(q))
		}
		// What may not be asked for (OAU-06, OAU-19, OAU-32, OAU-36), told to the client with its own state.
		for name, x := range map[string]struct{ pairs, want []string }{
			"no challenge": {[]string{"code_challenge", ""}, []string{"invalid_request"}}, "plain": {[]string{"code_challenge_method", "plain"}, []string{"invalid_request"}}, "no method": {[]string{"code_challenge_method", ""}, []string{"invalid_request"}},
			"s256": {[]string{"code_challenge_method", "s256"}, []string{"invalid_request"}}, "S-256": {[]string{"code_challenge_method", "S-256"}, []string{"invalid_request"}}, "undefined (CMP-07)": {[]string{"code_challenge", "undefined"}, []string{"invalid_request"}},
			"hash of nothing's length": {[]string{"code_challenge", strings.Repeat("A", 44)}, []string{"invalid_request"}}, "padded": {[]string{"code_challenge", hashed(verifier) + "="}, []string{"invalid_request"}},
			"token": {[]string{"response_type", "token"}, []string{"unsupported_response_type"}}, "id_token token": {[]string{"response_type", "id_token token"}, []string{"unsupported_response_type"}}, "code token": {[]string{"response_type", "code token"}, []string{"unsupported_response_type"}},
			"none": {[]string{"response_type", "none"}, []string{"unsupported_response_type"}}, "code code": {[]string{"response_type", "code code"}, []string{"unsupported_response_type"}}, "no type": {[]string{"response_type", ""}, []string{"invalid_request"}},
			"web_message": {[]string{"response_mode", "web_message"}, []string{"invalid_request"}}, "mode": {[]string{"response_mode", "Query"}, []string{"invalid_request"}}, "scope": {[]string{"scope", "openid admin"}, []string{"invalid_scope"}},
			"scope with a tab": {[]string{"scope", "openid\temail"}, []string{"invalid_scope"}}, "scope with a line": {[]string{"scope", "openid\nemail"}, []string{"invalid_scope"}}, "scope with a wide space": {[]string{"scope", "openid\u00a0email"}, []string{"invalid_scope"}},
			"resource": {[]string{"resource", "https://evil.example"}, []string{"invalid_target"}}, "relative resource": {[]string{"resource", "/x"}, []string{"invalid_target"}}, "the account": {[]string{"resource", "acc_default"}, []string{"invalid_target"}},
			"max_age": {[]string{"max_age", "-1"}, []string{"invalid_request"}}, "max_age abc": {[]string{"max_age", "abc"}, []string{"invalid_request"}}, "max_age huge": {[]string{"max_age", "100000000000000000000"}, []string{"invalid_request"}},
			"none login": {[]string{"prompt", "none login"}, []string{"invalid_request"}}, "prompt": {[]string{"prompt", "create"}, []string{"invalid_request"}}, "hint": {[]string{"id_token_hint", "x"}, []string{"invalid_request"}},
			"essential acr": {[]string{"claims", `{"id_token":{"acr":{"essential":true,"values":["urn:admit:aal9"]}}}`}, []string{"unmet_authentication_requirements"}}, "claims": {[]string{"claims", `{`}, []string{"invalid_request"}},
			"claims deep": {[]string{"claims", strings.Repeat(`{"id_token":`, 300) + "1" + strings.Repeat("}", 300)}, []string{"invalid_request"}}, "details": {[]string{"authorization_details", `[{"type":"x"}]`}, []string{"invalid_authorization_details"}},
			"another's request_uri": {[]string{"request_uri", "https://evil.example/r"}, []string{"request_uri_not_supported"}}, "jkt": {[]string{"dpop_jkt", "x"}, []string{"invalid_request"}}, "max_age and none": {[]string{"max_age", "0", "prompt", "none"}, []string{"login_required"}},
		} {
			a := p.authorize(c.ask(x.pairs...))
			w.hears(name, a, x.want...)
			if a.told().Get("state") != "s&1" {
				t.Errorf("%s: the state is %q", name, a.told().Get("state"))
			}
		}
		w.hears("nobody", stranger.authorize(c.ask("prompt", "none")), "login_required")
		// Modes that are there carry the answer to the registered address only.
		for _, mode := range []string{"query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"} {
			a := p.authorize(c.ask("response_mode", mode))
			if at := a.header.Get("Location"); !strings.HasPrefix(at, back+"?") && !strings.HasPrefix(at, back+"#") && !strings.Contains(a.body, `action="`+back+`"`) {
				t.Errorf("%s: %d %q", mode, a.status, at)
			}
		}
		// The address says who is asked for; whoever is signed in does not answer for them.
		bob := w.visitor("bob@example.com")
		hint := p.tokens(c, "openid").text("id_token")
		w.hears("another person's hint", bob.authorize(c.ask("prompt", "none", "id_token_hint", hint)), "login_required")
		w.hears("another client's hint", p.authorize(c.ask("prompt", "none", "id_token_hint", p.tokens(w.party(""), "openid").text("id_token"))), "invalid_request")
		w.hears("an access token as hint", p.authorize(c.ask("prompt", "none", "id_token_hint", p.tokens(c, "openid").text("access_token"))), "invalid_request")
		if a := bob.authorize(c.ask("id_token_hint", hint)); !strings.Contains(a.header.Get("Location"), "/login?") {
			t.Errorf("bob answers for ann: %d %q", a.status, a.header.Get("Location"))
		}
		for _, method := range []string{"PUT", "DELETE", "PATCH", "HEAD"} {
			if a := p.browse(method, "/oauth/authorize?"+c.ask().Encode(), ""); a.told().Get("code") != "" {
				t.Errorf("%s makes a code", method)
			}
		}
		if a := w.send("POST", "/oauth/authorize", c.ask().Encode(), "Content-Type", "application/x-www-form-urlencoded", "X-Http-Method-Override", "DELETE", "Cookie", p.jar(), "Origin", "https://evil.example"); a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("CORS at the authorization endpoint: %v", a.header)
		}
		p.authorized(c)
	})
}

// A request waits for its own browser: nobody else goes on with it, answers for it, or signs another in by it.
func TestRequestsBelongToTheirBrowser(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		c, third := w.party(""), w.party(`"thirdParty":true`)
		mallory, victim := w.person(), w.visitor("victim@example.com")
		// Mallory signs in, and lets the victim's browser finish (login CSRF).
		mallory.enter(mallory.authorize(w.party("").ask()), "mallory@example.com")
		waiting := mallory.authorize(third.ask())
		if !strings.Contains(waiting.header.Get("Location"), "/consent?") {
			t.Fatalf("no consent: %d %q", waiting.status, waiting.header.Get("Location"))
		}
		to, _ := url.Parse(waiting.header.Get("Location"))
		id := to.Query().Get("request")
		for name, one := range map[string]*person{"the victim": victim, "nobody": w.person()} {
			w.stays(name+" resumes", one.browse("GET", "/oauth/resume?request="+id, ""))
			form := fields(mallory.browse("GET", to.RequestURI(), "").body)
			form.Set("decision", "allow")
			a := one.browse("POST", "/consent", form.Encode())
			w.sober("foreign consent", a)
			if a = one.browse("GET", "/oauth/resume?request="+id, ""); a.told().Get("code") != "" {
				t.Errorf("%s goes on with another's request", name)
			}
		}
		if a := mallory.browse("GET", "/consent?request="+id+"&decision=allow", ""); a.status != 200 {
			t.Errorf("GET allows: %d", a.status)
		}
		if a := mallory.browse("GET", "/oauth/resume?request="+id, ""); a.told().Get("code") != "" {
			t.Error("a code without consent")
		}
		// The consent of one person is none of another who signs in with the same browser meanwhile.
		form := fields(mallory.browse("GET", to.RequestURI(), "").body)
		form.Set("decision", "allow")
		mallory.enter(mallory.authorize(c.ask("prompt", "login")), "eve@example.com")
		mallory.browse("POST", "/consent", form.Encode())
		if a := mallory.browse("GET", "/oauth/resume?request="+id, ""); a.told().Get("code") != "" {
			t.Error("one person's page is answered by another")
		}
		// Allowed once for these scopes, not for more, and for nobody else.
		a := mallory.authorize(third.ask())
		form = fields(mallory.browse("GET", a.path(), "").body)
		form.Set("decision", "allow")
		a = mallory.browse("POST", "/consent", form.Encode())
		done := a.path()
		if a = mallory.browse("GET", done, ""); a.told().Get("code") == "" {
			t.Fatalf("consent: %d %q %.300s", a.status, a.header.Get("Location"), a.body)
		}
		// What a third party gets opens nothing of ours but userinfo.
		got := third.redeem(a.told().Get("code"))
		if w.userinfo(got.text("access_token")).status != 200 {
			t.Errorf("userinfo: %s", got.body)
		}
		if a := w.send("GET", "/v1/users/"+subject(got.text("access_token"))+"/resources/x/permissions/READ", "", "Authorization", "Bearer "+got.text("access_token")); a.status != 401 {
			t.Errorf("a third party's token opens the API: %d", a.status)
		}
		w.hears("more than allowed", mallory.authorize(third.ask("prompt", "none", "scope", "openid email profile")), "consent_required")
		w.hears("somebody else", victim.authorize(third.ask("prompt", "none")), "consent_required")
		// A finished request is over.
		w.stays("again", mallory.browse("GET", done, ""))
	})
}

// Pushed and signed requests: OAU-20 and OAU-21.
func TestOAU20_PushedAndSignedRequests(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		p := w.visitor("ann@example.com")
		c, other := w.keyed(`"requirePushedAuthorizationRequests":true`), w.keyed("")
		uri := func() string { return c.push().text("request_uri") }
		use := func(id, uri string, pairs ...string) answer {
			q := url.Values{"client_id": {id}, "request_uri": {uri}}
			for i := 0; i < len(pairs); i += 2 {
				q.Set(pairs[i], pairs[i+1])
			}
			return p.authorize(q)
		}
		one := uri()
		if a := use(c.id, one, "redirect_uri", "https://evil.example", "scope", "admin", "code_challenge", hashed("other"), "state", "evil"); a.told().Get("code") == "" || a.told().Get("state") != "s&1" || granted(c.redeem(a.told().Get("code"))) == false {
			t.Errorf("pushed: %d %q", a.status, a.header.Get("Location"))
		}
		w.stays("again", use(c.id, one))
		one = uri()
		w.stays("another client", use(other.id, one))
		if a := use(c.id, one); a.told().Get("code") == "" {
			t.Errorf("another client used it up: %d", a.status)
		}
		w.stays("both", use(c.id, uri(), "request", "x"))
		w.stays("guessed", use(c.id, "urn:ietf:params:oauth:request_uri:1"))
		w.stays("with a suffix", use(c.id, uri()+" "))
		w.hears("not pushed", p.authorize(c.ask()), "invalid_request")
		if got := uri(); len(got) < len("urn:ietf:params:oauth:request_uri:")+22 {
			t.Errorf("short: %s", got)
		}
		w.refuses("request_uri inside", c.push("request_uri", one), 400, "invalid_request")
		w.refuses("an unregistered redirect", c.push("redirect_uri", "https://evil.example/"), 400, "invalid_request")
		w.refuses("no proof", w.post("/oauth/par", "client_id", c.id, "response_type", "code"), 401, "invalid_client")
		w.refuses("another client's proof", w.post("/oauth/par", append(other.as(), "client_id", c.id)...), 401, "invalid_client")

		object := func(header map[string]any, pairs ...any) string {
			all := map[string]any{"iss": other.id, "aud": w.public, "exp": soon(300), "nbf": soon(0)}
			for name, list := range other.ask() {
				all[name] = list[0]
			}
			return forge(other.key, header, changed(all, pairs...))
		}
		good := map[string]any{"alg": "EdDSA", "kid": "k1", "typ": "oauth-authz-req+jwt"}
		signed := func(text string, pairs ...string) answer {
			q := url.Values{"client_id": {other.id}, "request": {text}}
			for i := 0; i < len(pairs); i += 2 {
				q.Set(pairs[i], pairs[i+1])
			}
			return p.authorize(q)
		}
		if a := signed(object(good), "redirect_uri", "https://evil.example", "scope", "admin"); a.told().Get("code") == "" {
			t.Fatalf("signed: %d %q %.400s", a.status, a.header.Get("Location"), a.body)
		}
		for name, text := range map[string]string{
			"iss": object(good, "iss", c.id), "no iss": object(good, "iss", nil), "client_id": object(good, "client_id", c.id), "no client_id": object(good, "client_id", nil), "aud": object(good, "aud", "https://evil.example"), "no aud": object(good, "aud", nil),
			"aud with a slash": object(good, "aud", w.public+"/"), "no exp": object(good, "exp", nil), "exp past": object(good, "exp", soon(-30)), "exp far": object(good, "exp", soon(7200)), "exp text": object(good, "exp", "9999999999"), "nbf old": object(good, "nbf", soon(-4000)), "nbf ahead": object(good, "nbf", soon(100)),
			"nested": object(good, "request", "x"), "nested uri": object(good, "request_uri", "urn:x"), "sub": object(good, "sub", other.id), "evil redirect": object(good, "redirect_uri", "https://evil.example"), "no redirect": object(good, "redirect_uri", nil), "redirect list": object(good, "redirect_uri", []string{back, back}),
			"a client assertion": other.assertion(), "encrypted": "a.b.c.d.e",
		} {
			w.stays("a request object: "+name, signed(text, "redirect_uri", back, "response_type", "code", "code_challenge", hashed(verifier), "code_challenge_method", "S256"))
		}
		for name, text := range bentJWTs(other.key, good, object(good)) {
			w.stays("a request object: "+name, signed(text, "redirect_uri", back))
		}
		w.stays("a huge request object", p.browse("POST", "/oauth/authorize", url.Values{"client_id": {other.id}, "request": {object(good, "x", strings.Repeat("a", 30<<10))}}.Encode()))
		w.hears("without a challenge, with one outside", signed(object(good, "code_challenge", nil), "code_challenge", hashed(verifier)), "invalid_request")
		parts := strings.Split(object(good), ".")
		twice := strings.Replace(string(mustDecode(parts[1])), "{", `{"client_id":"`+other.id+`",`, 1)
		w.stays("a member twice", signed(forgeRaw(other.key, string(mustDecode(parts[0])), twice)))
	})
}
