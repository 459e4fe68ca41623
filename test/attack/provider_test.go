package attack

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/admit-id/admit/test/process"
)

const (
	back     = "https://app.example/cb"
	verifier = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	deviceGT = "urn:ietf:params:oauth:grant-type:device_code"
	swapGT   = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessTT = "urn:ietf:params:oauth:token-type:access_token"
	jwtCAT   = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// often is for attacks that ask more often than a network may.
var often = process.Options{Env: []string{"ADMIT_RATE_LIMIT_SCALE=1000"}}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return encode(sum[:])
}

func unique(prefix string) string { return prefix + rand.Text() }

// party is a client of the authorization server.
type party struct {
	w          *world
	id, secret string
	key        ed25519.PrivateKey
}

func (w *world) admin(method, path, body string) answer {
	w.t.Helper()
	return w.send(method, path, body, "Authorization", "Bearer "+w.key, "Content-Type", "application/json")
}

// party registers a client; settings are members of the JSON of its "oauth".
func (w *world) party(settings string, redirects ...string) *party {
	w.t.Helper()
	if redirects == nil {
		redirects = []string{back}
	}
	urls, _ := json.Marshal(redirects)
	a := w.admin("POST", "/v1/applications", `{"name":"Client","redirectUrls":`+string(urls)+`,"oauth":{`+settings+`}}`)
	c := &party{w: w, id: a.text("applicationId")}
	if c.id == "" {
		w.t.Fatalf("a client %s: %d %s", settings, a.status, a.body)
	}
	if strings.Contains(settings, "client_secret_") {
		a = w.admin("POST", "/v1/applications/"+c.id+"/secrets", "{}")
		if c.secret = a.text("clientSecret"); c.secret == "" {
			w.t.Fatalf("a secret: %d %s", a.status, a.body)
		}
	}
	return c
}

// keyed registers a client with a key of its own.
func (w *world) keyed(settings string) *party {
	w.t.Helper()
	_, key, _ := ed25519.GenerateKey(nil)
	set := `{"keys":[` + strings.TrimSuffix(publicJWK(key), "}") + `,"kid":"k1","alg":"EdDSA","use":"sig"}]}`
	if settings != "" {
		settings = "," + settings
	}
	c := w.party(`"tokenEndpointAuthMethod":"private_key_jwt","jwks":` + set + settings)
	c.key = key
	return c
}

func publicJWK(key ed25519.PrivateKey) string {
	return `{"kty":"OKP","crv":"Ed25519","x":"` + encode(key.Public().(ed25519.PublicKey)) + `"}`
}

func thumbprint(key ed25519.PrivateKey) string {
	return hashed(`{"crv":"Ed25519","kty":"OKP","x":"` + encode(key.Public().(ed25519.PublicKey)) + `"}`)
}

// forge signs a JWT with whatever is said.
func forge(key ed25519.PrivateKey, header, claims map[string]any) string {
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	text := encode(h) + "." + encode(c)
	return text + "." + encode(ed25519.Sign(key, []byte(text)))
}

func changed(of map[string]any, pairs ...any) map[string]any {
	of = maps.Clone(of)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(of, pairs[i].(string))
			continue
		}
		of[pairs[i].(string)] = pairs[i+1]
	}
	return of
}

// assertion is an honest client assertion, but for what is said.
func (c *party) assertion(pairs ...any) string {
	now := time.Now().Unix()
	return forge(c.key, map[string]any{"alg": "EdDSA", "kid": "k1", "typ": "JWT"}, changed(map[string]any{
		"iss": c.id, "sub": c.id, "aud": c.w.public, "iat": now, "exp": now + 60, "jti": unique("j"),
	}, pairs...))
}

// proof is an honest DPoP proof, but for what is said.
func (w *world) proof(key ed25519.PrivateKey, path, token string, pairs ...any) string {
	claims := map[string]any{"jti": unique("p"), "htm": "POST", "htu": w.public + path, "iat": time.Now().Unix()}
	if token != "" {
		claims["ath"] = hashed(token)
	}
	return forge(key, map[string]any{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": json.RawMessage(publicJWK(key))}, changed(claims, pairs...))
}

// text is a member of a JSON answer.
func (a answer) text(name string) string {
	var all map[string]any
	json.Unmarshal([]byte(a.body), &all)
	switch v := all[name].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// post sends a form. A name that ends with a colon is a header.
func (w *world) post(path string, pairs ...string) answer {
	w.t.Helper()
	form, header := url.Values{}, []string{"Content-Type", "application/x-www-form-urlencoded"}
	for i := 0; i < len(pairs); i += 2 {
		if name, ok := strings.CutSuffix(pairs[i], ":"); ok {
			header = append(header, name, pairs[i+1])
			continue
		}
		form.Add(pairs[i], pairs[i+1])
	}
	a := w.send("POST", path, form.Encode(), header...)
	w.sober(path, a)
	return a
}

// sober holds every answer of the provider to what holds for all of them.
func (w *world) sober(what string, a answer) {
	w.t.Helper()
	if a.status >= 500 || a.status == 0 {
		w.t.Errorf("%s: %d %.300s", what, a.status, a.body)
	}
	if !strings.Contains(a.header.Get("Cache-Control"), "no-store") && a.status != 404 && a.status != 405 {
		w.t.Errorf("%s may be cached: %d %q", what, a.status, a.header.Get("Cache-Control"))
	}
	if strings.Contains(a.header.Get("Location"), "evil") {
		w.t.Errorf("%s leads to %s", what, a.header.Get("Location"))
	}
}

// from posts a form from the nth address of this machine.
func (w *world) from(n int, path string, pairs ...string) answer {
	w.t.Helper()
	form, header := url.Values{}, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for i := 0; i < len(pairs); i += 2 {
		if name, ok := strings.CutSuffix(pairs[i], ":"); ok {
			header.Add(name, pairs[i+1])
			continue
		}
		form.Add(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequest("POST", "http://"+w.Address+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Host, r.Header = w.host(), header
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(n>>8), byte(n))}}
	elsewhere := http.Client{Timeout: 30 * time.Second, CheckRedirect: client.CheckRedirect, Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	response, err := elsewhere.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	a := answer{status: response.StatusCode, header: response.Header, body: string(text)}
	w.sober(path, a)
	return a
}

// as proves the client in its own way.
func (c *party) as(pairs ...string) []string {
	switch {
	case c.key != nil:
		return append([]string{"client_assertion_type", jwtCAT, "client_assertion", c.assertion()}, pairs...)
	case c.secret != "":
		return append([]string{"Authorization:", "Basic " + base64.StdEncoding.EncodeToString([]byte(c.id+":"+c.secret))}, pairs...)
	}
	return append([]string{"client_id", c.id}, pairs...)
}

func (c *party) post(path string, pairs ...string) answer {
	c.w.t.Helper()
	return c.w.post(path, c.as(pairs...)...)
}

func (c *party) redeem(code string, pairs ...string) answer {
	c.w.t.Helper()
	return c.post("/oauth/token", append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", back, "code_verifier", verifier}, pairs...)...)
}

func (c *party) refresh(token string, pairs ...string) answer {
	c.w.t.Helper()
	return c.post("/oauth/token", append([]string{"grant_type", "refresh_token", "refresh_token", token}, pairs...)...)
}

// ask is an honest authorization request, but for what is said; "" leaves out.
func (c *party) ask(pairs ...string) url.Values {
	q := url.Values{
		"client_id": {c.id}, "redirect_uri": {back}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s&1"},
		"code_challenge": {hashed(verifier)}, "code_challenge_method": {"S256"}, "nonce": {"n1"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			q.Del(pairs[i])
		}
	}
	return q
}

func (p *person) authorize(q url.Values) answer {
	p.w.t.Helper()
	a := p.browse("GET", "/oauth/authorize?"+q.Encode(), "")
	p.w.sober("/oauth/authorize", a)
	return a
}

// push pushes an honest authorization request, but for what is said.
func (c *party) push(pairs ...string) answer {
	c.w.t.Helper()
	form, more := []string{}, []string{}
	for i := 0; i < len(pairs); i += 2 {
		if strings.HasSuffix(pairs[i], ":") {
			form = append(form, pairs[i], pairs[i+1])
			continue
		}
		more = append(more, pairs[i], pairs[i+1])
	}
	for name, list := range c.ask(more...) {
		if name != "client_id" || c.key != nil || c.secret != "" {
			form = append(form, name, list[0])
		}
	}
	return c.post("/oauth/par", form...)
}

// path is where an answer of ours leads to on this server.
func (a answer) path() string {
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.status != 303 {
		return "/nowhere"
	}
	return u.RequestURI()
}

// enter goes through the login box that an answer leads to, and comes back from there.
func (p *person) enter(a answer, address string) answer {
	p.w.t.Helper()
	to, _ := url.Parse(a.header.Get("Location"))
	state := to.Query().Get("state")
	if !strings.HasSuffix(to.Path, "/login") || state == "" {
		p.w.t.Fatalf("no login box: %d %s %.300s", a.status, a.header.Get("Location"), a.body)
	}
	form := fields(p.browse("GET", a.path(), "").body)
	form.Set("state", state)
	form.Set("email", address)
	if a := p.browse("POST", "/login/email?state="+state, form.Encode()); a.status != 303 {
		p.w.t.Fatalf("address: %d %.400s", a.status, a.body)
	}
	form.Set("code", p.w.newestCode(address))
	if a = p.browse("POST", "/login/code?state="+state, form.Encode()); a.status != 303 {
		p.w.t.Fatalf("code: %d %.400s", a.status, a.body)
	}
	return p.browse("GET", a.path(), "")
}

// told is what the client was told in the query.
func (a answer) told() url.Values {
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.status != 303 {
		return url.Values{}
	}
	return u.Query()
}

// visitor is somebody with a living session of the authorization server.
func (w *world) visitor(address string) *person {
	w.t.Helper()
	p, c := w.person(), w.party("")
	if a := p.enter(p.authorize(c.ask()), address); a.told().Get("code") == "" {
		w.t.Fatalf("no code: %d %q %.300s", a.status, a.header.Get("Location"), a.body)
	}
	return p
}

// code is a code that the client got without a page.
func (p *person) authorized(c *party, pairs ...string) string {
	p.w.t.Helper()
	a := p.authorize(c.ask(pairs...))
	code := a.told().Get("code")
	if code == "" || a.told().Get("iss") != p.w.public || a.told().Get("state") != "s&1" {
		p.w.t.Fatalf("no code: %d %q %.300s", a.status, a.header.Get("Location"), a.body)
	}
	return code
}

// allow lets a third party's client in, by its consent page, and returns its id.
func (p *person) allow(c *party) string {
	p.w.t.Helper()
	if a := p.consent(p.authorize(c.ask())); a.told().Get("code") == "" {
		p.w.t.Fatalf("consent: %d %q %.300s", a.status, a.header.Get("Location"), a.body)
	}
	return c.id
}

// consent says yes on the page that an authorization request has led to.
func (p *person) consent(asked answer) answer {
	p.w.t.Helper()
	form := fields(p.browse("GET", asked.path(), "").body)
	form.Set("decision", "allow")
	return p.browse("GET", p.browse("POST", "/consent", form.Encode()).path(), "")
}

// tokens are those of a fresh code.
func (p *person) tokens(c *party, scope string, pairs ...string) answer {
	p.w.t.Helper()
	a := c.redeem(p.authorized(c, append([]string{"scope", scope}, pairs...)...))
	if a.status != 200 {
		p.w.t.Fatalf("no tokens: %d %s", a.status, a.body)
	}
	return a
}

func (w *world) userinfo(token string) answer {
	w.t.Helper()
	a := w.send("GET", "/oauth/userinfo", "", "Authorization", "Bearer "+token)
	w.sober("/oauth/userinfo", a)
	return a
}

// refuses wants an OAuth error, with nothing of a token in it.
func (w *world) refuses(what string, a answer, status int, codes ...string) {
	w.t.Helper()
	ok := a.status == status
	if len(codes) > 0 {
		found := false
		for _, code := range codes {
			found = found || a.text("error") == code
		}
		ok = ok && found
	}
	if !ok || a.text("access_token") != "" || a.text("id_token") != "" || a.text("refresh_token") != "" {
		w.t.Errorf("%s: %d %.300s; want %d %v", what, a.status, a.body, status, codes)
	}
}

// elsewhere is another account of the same server, with an owner's key.
func (w *world) elsewhere() *world {
	w.t.Helper()
	account := w.Run("account", "create", "--name", "Other", "--host", "other.example")
	b := *w
	b.key = w.Run("access-key", "create", "--client", "other", "--admin", "--account", account)
	b.public = "http://other.example"
	b.hear()
	if a := b.send("GET", "/.well-known/openid-configuration", ""); a.text("issuer") != "" {
		b.public = a.text("issuer")
	}
	return &b
}
