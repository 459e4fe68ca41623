package attack

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Codes and refresh tokens at the token endpoint: OAU-01, OAU-06, OAU-08, OAU-12, OAU-19, OAU-29, and
// one kind of token in the place of another.
func TestOAU12_GrantsAreBound(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		p := w.visitor("ann@example.com")
		pub, pub2, conf := w.party(""), w.party(""), w.party(`"tokenEndpointAuthMethod":"client_secret_basic","accessTokenFormat":"opaque","resources":["https://api.example/","https://b.example/"]`)
		// A code with anything else than what it is bound to is refused, and not used up.
		code := p.authorized(pub, "scope", "openid offline_access")
		redeem := func(pairs ...string) answer {
			q := map[string]string{"grant_type": "authorization_code", "client_id": pub.id, "code": code, "redirect_uri": back, "code_verifier": verifier}
			for i := 0; i < len(pairs); i += 2 {
				q[pairs[i]] = pairs[i+1]
			}
			form := []string{}
			for name, value := range q {
				form = append(form, name, value)
			}
			return w.post("/oauth/token", form...)
		}
		for name, pairs := range map[string][]string{
			"no verifier": {"code_verifier", ""}, "another verifier": {"code_verifier", verifier + "x"}, "the challenge as verifier": {"code_verifier", hashed(verifier)}, "undefined": {"code_verifier", "undefined"}, "another client": {"client_id", pub2.id},
			"another redirect": {"redirect_uri", back + "/"}, "a code with a space": {"code", code + " "}, "a code cut": {"code", code[:len(code)-1]}, "a NUL": {"code", code + "\x00"}, "case": {"code", strings.ToLower(code)},
		} {
			if a := redeem(pairs...); a.status != 400 || a.text("error") != "invalid_grant" && a.text("error") != "invalid_request" {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		w.refuses("no redirect", redeem("redirect_uri", ""), 400, "invalid_request")
		w.refuses("as a refresh token", redeem("grant_type", "refresh_token", "refresh_token", code), 400, "invalid_grant")
		w.refuses("as a device code", w.party(`"grantTypes":["`+deviceGT+`"]`).post("/oauth/token", "grant_type", deviceGT, "device_code", code), 400, "invalid_grant")
		first := redeem()
		if !granted(first) {
			t.Fatalf("the honest one: %d %s", first.status, first.body)
		}
		w.refuses("again, by another client", redeem("client_id", pub2.id), 400, "invalid_grant")
		w.refuses("again, without the verifier", redeem("code_verifier", strings.Repeat("x", 43)), 400, "invalid_grant")
		if w.userinfo(first.text("access_token")).status != 200 {
			t.Error("a stranger who knows a used code ends what it gave")
		}
		w.refuses("again", redeem(), 400, "invalid_grant")
		w.ends(t, []*world{w}, "of a code that came twice", first.text("access_token"))
		w.refuses("its refresh token", pub.refresh(first.text("refresh_token")), 400, "invalid_grant")
		w.audited(t, "oauth.grant.reused")

		// A refresh token is its client's, and nobody uses it up for them.
		ours := p.tokens(conf, "openid offline_access", "resource", "https://api.example/")
		token := ours.text("refresh_token")
		for name, a := range map[string]answer{
			"no proof": w.post("/oauth/token", "grant_type", "refresh_token", "refresh_token", token, "client_id", conf.id), "no client": w.post("/oauth/token", "grant_type", "refresh_token", "refresh_token", token),
			"a wrong secret": w.post("/oauth/token", "grant_type", "refresh_token", "refresh_token", token, "Authorization:", "Basic "+base64.StdEncoding.EncodeToString([]byte(conf.id+":x"))),
			"in the body":    w.post("/oauth/token", "grant_type", "refresh_token", "refresh_token", token, "client_id", conf.id, "client_secret", conf.secret),
		} {
			w.refuses("a refresh with "+name, a, 401, "invalid_client")
		}
		w.refuses("a public client's refresh", pub.refresh(token), 400, "invalid_grant")
		w.audited(t, "oauth.grant.foreign")
		for name, text := range map[string]string{"an access token": ours.text("access_token"), "an ID token": ours.text("id_token"), "cut": token[:len(token)-2], "longer": token + "A", "case": strings.ToUpper(token)} {
			w.refuses(name+" as refresh token", conf.refresh(text), 400, "invalid_grant")
		}
		for name, pairs := range map[string][]string{
			"more scope": {"scope", "openid offline_access profile"}, "another resource": {"resource", "https://b.example/"}, "two resources, one of them granted": {"resource", "https://api.example/", "resource", "https://b.example/"}, "the account": {"resource", "acc_default"},
			"a wide space": {"scope", "openid\u3000email"}, "a tab": {"scope", "openid\temail"}, "two spaces": {"scope", "openid  email"},
		} {
			if a := conf.refresh(token, pairs...); a.status != 400 || a.text("error") != "invalid_scope" && a.text("error") != "invalid_target" {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		if a := conf.refresh(token); !granted(a) {
			t.Errorf("the honest refresh: %d %s", a.status, a.body)
		}
		if a := conf.post("/oauth/introspect", "token", ours.text("access_token")); a.text("aud") != "[https://api.example/]" {
			t.Errorf("the audience: %s", a.body)
		}
		// Its access token is for another resource, and opens nothing of ours.
		w.refuses("a token for another resource at userinfo", w.userinfo(ours.text("access_token")), 401)
		if a := w.send("GET", "/v1/roles", "", "Authorization", "Bearer "+ours.text("access_token")); a.status != 401 {
			t.Errorf("a token for another resource opens the API: %d", a.status)
		}

		// What is no access token opens nothing (and nothing of it is one).
		got := p.tokens(pub, "openid offline_access")
		for name, text := range map[string]string{"an ID token": got.text("id_token"), "a refresh token": got.text("refresh_token"), "a code": p.authorized(pub), "a client": pub.id, "a secret": conf.secret, "two": got.text("access_token") + ", " + got.text("access_token")} {
			w.refuses(name+" at userinfo", w.userinfo(text), 401)
			if a := w.send("GET", "/v1/roles", "", "Authorization", "Bearer "+text); a.status != 401 {
				t.Errorf("%s opens the API: %d", name, a.status)
			}
		}
		for name, text := range bentJWTs(nil, head(got.text("access_token")), got.text("access_token")) {
			if strings.ContainsAny(text, "\n") {
				continue
			}
			w.refuses("an access token: "+name, w.userinfo(text), 401)
			if a := conf.post("/oauth/introspect", "token", text); a.body != `{"active":false}` {
				t.Errorf("introspection of an access token: %s: %d %s", name, a.status, a.body)
			}
		}

		// OAU-19: a grant that the client does not have, or nobody has.
		for _, grant := range []string{"password", "implicit", "urn:x", "client_credentials ", "CLIENT_CREDENTIALS", "urn:openid:params:grant-type:ciba", "urn:ietf:params:oauth:grant-type:saml2-bearer"} {
			w.refuses(grant, conf.post("/oauth/token", "grant_type", grant, "username", "x", "password", "x"), 400, "unsupported_grant_type")
		}
		for _, grant := range []string{"client_credentials", deviceGT, swapGT, "urn:ietf:params:oauth:grant-type:jwt-bearer"} {
			w.refuses(grant, conf.post("/oauth/token", "grant_type", grant), 400, "unauthorized_client")
			w.refuses(grant+" of a public client", pub.post("/oauth/token", "grant_type", grant), 400, "unauthorized_client")
		}
		if a := w.admin("POST", "/v1/applications", `{"name":"x","redirectUrls":["`+back+`"],"oauth":{"grantTypes":["client_credentials"]}}`); a.status < 400 {
			t.Errorf("a public client may have tokens for itself: %d", a.status)
		}
		if a := p.tokens(pub, "openid"); a.text("refresh_token") != "" {
			t.Error("a refresh token without offline_access")
		}
		w.shapes(t, p, pub)
	})
}

// head is the header of a JWT.
func head(jwt string) (h map[string]any) {
	json.Unmarshal(mustDecode(strings.Split(jwt, ".")[0]), &h)
	return h
}

// shapes is OAU-29: the token endpoint takes one form of request, and the contract's route that and JSON.
func (w *world) shapes(t *testing.T, p *person, c *party) {
	form := func() string {
		return url.Values{"grant_type": {"authorization_code"}, "client_id": {c.id}, "code": {p.authorized(c)}, "redirect_uri": {back}, "code_verifier": {verifier}}.Encode()
	}
	const kind = "application/x-www-form-urlencoded"
	for _, path := range []string{"/oauth/token", "/api/authentication/oauth/tokens"} {
		for name, x := range map[string]struct {
			method, path, body, kind string
			header                   []string
		}{
			"GET": {"GET", path + "?" + form(), "", "", nil}, "the query": {"POST", path + "?" + form(), "", kind, nil}, "one in the query": {"POST", path + "?x=1", form(), kind, nil}, "multipart": {"POST", path, "--x\r\n\r\n--x--", "multipart/form-data; boundary=x", nil},
			"UTF-16": {"POST", path, form(), kind + "; charset=utf-16", nil}, "text": {"POST", path, form(), "text/plain", nil}, "no type": {"POST", path, form(), "", nil}, "twice": {"POST", path, form() + "&client_id=" + c.id, kind, nil},
			"twice, empty": {"POST", path, form() + "&code=", kind, nil}, "scope twice": {"POST", path, form() + "&scope=a&scope=b", kind, nil}, "semicolons": {"POST", path, strings.ReplaceAll(form(), "&", ";"), kind, nil}, "huge": {"POST", path, form() + "&x=" + strings.Repeat("a", 2<<20), kind, nil},
			"a form that says it is JSON": {"POST", path, form(), "application/json", nil}, "PUT": {"PUT", path, form(), kind, nil}, "override": {"GET", path, "", "", []string{"X-HTTP-Method-Override", "POST"}}, "two types": {"POST", path, form(), kind, []string{"Content-Type", "application/json"}},
			"gzip": {"POST", path, "\x1f\x8b\x08", kind, []string{"Content-Encoding", "gzip"}},
		} {
			header := x.header
			if x.kind != "" {
				header = append([]string{"Content-Type", x.kind}, header...)
			}
			a := w.send(x.method, x.path, x.body, header...)
			if a.status < 400 || a.status >= 500 || strings.Contains(a.body, "eyJ") {
				t.Errorf("%s at %s: %d %.200s", name, path, a.status, a.body)
			}
		}
		if a := w.send("POST", path, form()+"&unknown=x&empty=", "Content-Type", kind+"; charset=UTF-8"); !granted(a) {
			t.Errorf("an honest form at %s: %d %s", path, a.status, a.body)
		}
	}
	member := func(more string) answer {
		return w.send("POST", "/api/authentication/oauth/tokens", `{"grant_type":"authorization_code","client_id":"`+c.id+`","code":"`+p.authorized(c)+`","redirect_uri":"`+back+`","code_verifier":"`+verifier+`"`+more+`}`, "Content-Type", "application/json")
	}
	for _, more := range []string{`,"code":"x"`, `,"client_id":["a","b"]`, `,"client_id":{"a":1}`, `,"CODE":null,"client_id":1`, `,"code_verifier":["` + verifier + `","x"]`} {
		if a := member(more); a.status < 400 || a.status >= 500 {
			t.Errorf("JSON with %s: %d %s", more, a.status, a.body)
		}
	}
	if a := member(""); !granted(a) {
		t.Errorf("honest JSON: %d %s", a.status, a.body)
	}
	if a := w.send("POST", "/oauth/token", `{"grant_type":"client_credentials"}`, "Content-Type", "application/json"); a.status != 400 {
		t.Errorf("JSON at the standard endpoint: %d", a.status)
	}
}

// audited wants an event of that type in the audit trail of the database.
func (w *world) audited(t *testing.T, kind string) {
	t.Helper()
	eventually(t, "an event "+kind, func() bool {
		return slices.ContainsFunc(w.dump()["audit_entries"], func(e string) bool { return strings.Contains(e, kind) })
	})
}

// How clients prove themselves: OAU-16, OAU-18, and JWT-01, JWT-02, JWT-05 and JWT-07 at client assertions.
func TestOAU16_ClientProofs(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		basic, post, public := w.party(`"tokenEndpointAuthMethod":"client_secret_basic","grantTypes":["client_credentials"]`), w.party(`"tokenEndpointAuthMethod":"client_secret_post","grantTypes":["client_credentials"]`), w.party("")
		keyed := w.keyed(`"grantTypes":["client_credentials"]`)
		var from int // each from an address of its own, so that none is held for another's guesses
		try := func(path string, pairs ...string) answer {
			from++
			return w.from(from, path, pairs...)
		}
		header := func(id, secret string) string {
			return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
		}
		for _, path := range []string{"/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/par"} {
			for name, pairs := range map[string][]string{
				"basic in the body": {"client_id", basic.id, "client_secret", basic.secret}, "post in the header": {"Authorization:", header(post.id, post.secret)}, "no secret": {"client_id", basic.id}, "an empty secret": {"Authorization:", header(basic.id, "")},
				"a secret of a public client": {"client_id", public.id, "client_secret", "x"}, "a header of a public client": {"Authorization:", header(public.id, "")}, "a secret of a client with a key": {"client_id", keyed.id, "client_secret", "x"}, "an assertion of a client with a secret": {"client_id", basic.id, "client_assertion_type", jwtCAT, "client_assertion", keyed.assertion()},
				"not UTF-8": {"Authorization:", "Basic " + base64.StdEncoding.EncodeToString([]byte(basic.id+":\xff"))}, "no user": {"Authorization:", header("", basic.secret)}, "no colon": {"Authorization:", "Basic " + base64.StdEncoding.EncodeToString([]byte(basic.id))}, "no base64": {"Authorization:", "Basic x%"}, "Bearer": {"Authorization:", "Bearer " + basic.secret},
				"percent": {"Authorization:", header(basic.id, basic.secret+"%zz")}, "another's secret": {"Authorization:", header(basic.id, post.secret)}, "an unknown client": {"Authorization:", header("app_none", basic.secret)}, "a longer secret": {"Authorization:", header(basic.id, basic.secret+"x")},
			} {
				a := try(path, append([]string{"grant_type", "client_credentials", "token", "x"}, pairs...)...)
				w.refuses(name+" at "+path, a, 401, "invalid_client")
				if name != "no secret" && strings.HasPrefix(pairs[0], "Authorization") && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic") {
					t.Errorf("%s at %s: %q", name, path, a.header.Get("WWW-Authenticate"))
				}
			}
			for name, pairs := range map[string][]string{
				"header and body": {"Authorization:", header(basic.id, basic.secret), "client_secret", basic.secret}, "secret and assertion": {"client_id", keyed.id, "client_secret", "x", "client_assertion_type", jwtCAT, "client_assertion", keyed.assertion()},
				"two headers": {"Authorization:", header(basic.id, basic.secret), "Authorization:", header(post.id, post.secret)}, "another client_id": {"Authorization:", header(basic.id, basic.secret), "client_id", post.id},
			} {
				w.refuses(name+" at "+path, try(path, append([]string{"grant_type", "client_credentials", "token", "x"}, pairs...)...), 400, "invalid_request")
			}
		}
		if a := try("/oauth/token?client_id="+post.id+"&client_secret="+post.secret, "grant_type", "client_credentials"); a.status < 400 {
			t.Error("a secret in the address works")
		}
		good := map[string]any{"alg": "EdDSA", "kid": "k1", "typ": "JWT"}
		bent := bentJWTs(keyed.key, good, keyed.assertion())
		_, other, _ := ed25519.GenerateKey(nil)
		wrong := *keyed
		wrong.key = other
		bent["another key"] = wrong.assertion()
		for name, pairs := range map[string][]any{
			"no iss": {"iss", nil}, "iss": {"iss", basic.id}, "no sub": {"sub", nil}, "sub": {"sub", basic.id}, "no aud": {"aud", nil}, "aud empty": {"aud", ""}, "aud list": {"aud", []string{}}, "aud other": {"aud", "https://evil.example"}, "aud inside": {"aud", w.public + ".evil.example"}, "aud number": {"aud", 1},
			"aud many": {"aud", []string{w.public, "https://evil.example"}}, "no exp": {"exp", nil}, "exp past": {"exp", soon(-60)}, "exp text": {"exp", "9999999999"}, "exp 0": {"exp", 0}, "exp negative": {"exp", -1}, "exp huge": {"exp", 1e300}, "exp far": {"exp", soon(86400)}, "exp list": {"exp", []int{1}}, "no jti": {"jti", nil}, "jti empty": {"jti", ""},
			"jti number": {"jti", 1}, "jti huge": {"jti", strings.Repeat("x", 10<<10)}, "iat ahead": {"iat", soon(120)}, "nbf ahead": {"nbf", soon(120)}, "nbf text": {"nbf", "x"}, "aud of userinfo": {"aud", w.public + "/oauth/userinfo"},
		} {
			bent["claim "+name] = keyed.assertion(pairs...)
		}
		jwk := json.RawMessage(publicJWK(other))
		for name, h := range map[string][]any{"jwk inside": {"jwk", jwk}, "jku": {"jku", "https://evil.example/jwks"}, "x5u": {"x5u", "https://evil.example/x"}, "kid of another": {"kid", "../../k1"}, "kid number": {"kid", 1}, "typ of a proof": {"typ", "dpop+jwt"}, "typ at+jwt": {"typ", "at+jwt"}} {
			bent["header "+name] = forge(other, changed(good, h...), map[string]any{"iss": keyed.id, "sub": keyed.id, "aud": w.public, "exp": soon(60), "jti": unique("j")})
		}
		for name, text := range bent {
			w.refuses("an assertion: "+name, try("/oauth/token", "grant_type", "client_credentials", "client_assertion_type", jwtCAT, "client_assertion", text), 401, "invalid_client")
		}
		for name, c := range map[string]*party{"basic": basic, "post": post, "key": keyed} {
			a := c.post("/oauth/token", "grant_type", "client_credentials")
			if name == "post" {
				a = w.post("/oauth/token", "grant_type", "client_credentials", "client_id", c.id, "client_secret", c.secret)
			}
			if !granted(a) {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
			if a := w.userinfo(a.text("access_token")); a.status != 401 {
				t.Errorf("a client's own token tells of a person: %d", a.status)
			}
		}
		once := keyed.assertion()
		for i, want := range []int{200, 401} {
			if a := try("/oauth/token", "grant_type", "client_credentials", "client_assertion_type", jwtCAT, "client_assertion", once); a.status != want {
				t.Errorf("an assertion, use %d: %d %s", i, a.status, a.body)
			}
		}

		// OAU-18: guesses from one network, then from many; the client itself goes on, and somebody hears of it.
		limited := 0
		for range 300 {
			if a := w.from(1001, "/oauth/token", "grant_type", "client_credentials", "Authorization:", header(basic.id, unique("x"))); a.status == 429 {
				limited++
			} else if a.status != 401 {
				t.Errorf("a guess: %d %s", a.status, a.body)
			}
		}
		if limited < 280 {
			t.Errorf("%d of 300 guesses were limited", limited)
		}
		for i := range 200 {
			w.from(1100+i, "/oauth/introspect", "token", "x", "Authorization:", header(basic.id, unique("x")))
		}
		if a := basic.post("/oauth/token", "grant_type", "client_credentials"); !granted(a) {
			t.Errorf("the client itself, while others guess: %d %s", a.status, a.body)
		}
		if a := w.from(1001, "/oauth/token", "grant_type", "authorization_code", "client_id", public.id, "code", "x", "redirect_uri", back, "code_verifier", verifier); a.status != 400 {
			t.Errorf("a public client from a network that guesses: %d", a.status)
		}
		w.audited(t, "oauth.client.guessed")
	})
}
