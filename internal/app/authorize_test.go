package app

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/app/bridge"
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/config"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/oauth/authorize/check"
)

const (
	oauthIssuer   = "http://localhost:8080"
	oauthCallback = "https://app.example/cb?tab=1"
	oauthVerifier = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH"
)

// deployment is the whole application, spoken to as a browser and as a client.
type deployment struct {
	*testing.T
	app *App
}

// eachDeployment runs a test on both databases.
func eachDeployment(t *testing.T, fn func(d deployment)) {
	eachDeploymentWith(t, func(*config.Config) {}, fn)
}

// eachDeploymentWith is eachDeployment with other settings.
func eachDeploymentWith(t *testing.T, set func(*config.Config), fn func(d deployment)) {
	run := func(database string) func(*testing.T) {
		return func(t *testing.T) {
			cfg := config.Default()
			cfg.DataDir, cfg.Dev, cfg.LogLevel = t.TempDir(), true, "error"
			cfg.StaleAfter = time.Minute // a busy machine is no cut cable
			cfg.MasterKey, cfg.Database = secret.New(base64.StdEncoding.EncodeToString(make([]byte, 32))), secret.New(sqldbtest.SQLiteURL(t, migrations()))
			if database == "postgres" {
				cfg.Database = secret.New(sqldbtest.PostgresCopyURL(t, migrations()))
			}
			set(&cfg)
			a, err := Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := a.Close(); err != nil {
					t.Error(err)
				}
			}()
			fn(deployment{t, a})
		}
	}
	t.Run("sqlite", run("sqlite"))
	t.Run("postgres", func(t *testing.T) {
		if os.Getenv(sqldbtest.PostgresEnv) == "" {
			t.Skip("no PostgreSQL")
		}
		run("postgres")(t)
	})
}

func (d deployment) register(name string, o application.OAuth) string {
	d.Helper()
	a, err := d.app.f.applications.Create(d.Context(), actor.ForOperator(ident.DefaultAccount), application.Application{
		Name: name, RedirectURLs: []string{oauthCallback}, OAuth: o,
	})
	if err != nil {
		d.Fatal(err)
	}
	return string(a.ID)
}

// visitor is one browser.
type visitor struct {
	deployment
	cookies map[string]string
}

func (d deployment) visitor() visitor { return visitor{d, map[string]string{}} }

func (v visitor) do(method, target string, form url.Values, header ...string) *httptest.ResponseRecorder {
	v.Helper()
	target = strings.TrimPrefix(target, oauthIssuer)
	r := httptest.NewRequest(method, "http://localhost:8080"+target, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	v.app.router.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		v.cookies[c.Name] = c.Value
	}
	return w
}

// next follows a redirect of ours.
func (v visitor) next(w *httptest.ResponseRecorder, path string) *httptest.ResponseRecorder {
	v.Helper()
	to := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(to, oauthIssuer+path) && !strings.HasPrefix(to, path) {
		v.Fatalf("%d %s; want %s\n%s", w.Code, to, path, w.Body)
	}
	return v.do("GET", to, nil)
}

// signIn goes through the login box.
func (v visitor) signIn(w *httptest.ResponseRecorder, email string) *httptest.ResponseRecorder {
	v.Helper()
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		v.Fatal(err)
	}
	state := to.Query().Get("state")
	if page := v.next(w, "/login?state="); page.Code != http.StatusOK {
		v.Fatal(page.Code, page.Body)
	}
	if w := v.do("POST", "/login/email", url.Values{"state": {state}, "email": {email}}); w.Code != http.StatusSeeOther {
		v.Fatal(w.Code, w.Body)
	}
	mails, err := bridge.Mailbox{DB: v.app.db, Outbox: v.app.f.outbox}.List(v.Context(), ident.DefaultAccount)
	if err != nil || len(mails) == 0 {
		v.Fatal(err)
	}
	code := regexp.MustCompile(`\b\d{6}\b`).FindString(mails[0].Text)
	return v.do("POST", "/login/code", url.Values{"state": {state}, "code": {code}})
}

func ask(client string, pairs ...string) url.Values {
	sum := sha256.Sum256([]byte(oauthVerifier))
	q := url.Values{
		"client_id": {client}, "redirect_uri": {oauthCallback}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s&1"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}, "nonce": {"n1"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}

func (v visitor) authorize(q url.Values) *httptest.ResponseRecorder {
	v.Helper()
	return v.do("GET", "/oauth/authorize?"+q.Encode(), nil)
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// answer is what the client was told, wherever it wanted it.
func (v visitor) answer(w *httptest.ResponseRecorder, mode string) url.Values {
	v.Helper()
	where, jwt := strings.TrimSuffix(mode, ".jwt"), strings.HasSuffix(mode, "jwt")
	got := url.Values{}
	if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Access-Control-Allow-Origin") != "" || h.Get("Referrer-Policy") == "" {
		v.Errorf("%v", h)
	}
	if where == "form_post" {
		policy := w.Header().Get("Content-Security-Policy")
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `action="`+html.EscapeString(oauthCallback)+`"`) ||
			!strings.Contains(policy, "form-action https://app.example;") || strings.Contains(policy, "unsafe") {
			v.Fatalf("%d %s\n%s", w.Code, policy, w.Body)
		}
		for _, m := range hidden.FindAllStringSubmatch(w.Body.String(), -1) {
			got.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
		}
	} else {
		mark := oauthCallback + "&"
		if where == "fragment" {
			mark = oauthCallback + "#"
		}
		rest, ok := strings.CutPrefix(w.Header().Get("Location"), mark)
		var err error
		if got, err = url.ParseQuery(rest); w.Code != http.StatusSeeOther || !ok || err != nil {
			v.Fatalf("%s: %d %v\n%s", mode, w.Code, w.Header(), w.Body)
		}
	}
	if jwt {
		got = v.readAnswer(got.Get("response"))
	}
	if got.Get("iss") != oauthIssuer || got.Get("state") != "s&1" {
		v.Fatalf("%s: %v", mode, got)
	}
	return got
}

// readAnswer verifies a signed answer by the published keys.
func (v visitor) readAnswer(text string) url.Values {
	v.Helper()
	keys, err := jose.ParseJWKS(v.do("GET", "/.well-known/jwks.json", nil).Body.Bytes())
	if err != nil {
		v.Fatal(err)
	}
	_, claims, err := jose.VerifyForeign(text, keys, jose.Expect{Algorithms: jose.Algorithms()})
	if err != nil {
		v.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(claims, &all); err != nil || all["aud"] == nil || all["exp"] == nil {
		v.Fatalf("%s", claims)
	}
	got := url.Values{}
	for name, one := range all {
		if s, ok := one.(string); ok {
			got.Set(name, s)
		}
	}
	return got
}

// redeem turns a code into tokens, and returns the claims of the ID token.
func (v visitor) redeem(client string, answer url.Values) map[string]any {
	v.Helper()
	w := v.do("POST", "/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {answer.Get("code")}, "client_id": {client}, "redirect_uri": {oauthCallback}, "code_verifier": {oauthVerifier},
	})
	var tokens struct {
		Access string `json:"access_token"`
		ID     string `json:"id_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &tokens); err != nil || w.Code != http.StatusOK || tokens.Access == "" || tokens.ID == "" {
		v.Fatalf("%d %s", w.Code, w.Body)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(tokens.ID, ".")[1])
	if err != nil {
		v.Fatal(err)
	}
	claims := map[string]any{"id_token": tokens.ID}
	if err := json.Unmarshal(payload, &claims); err != nil || claims["nonce"] != "n1" || claims["aud"] != client || claims["acr"] == nil || claims["auth_time"] == nil {
		v.Fatalf("%s", payload)
	}
	return claims
}

// TestAuthorizationCode goes the ways of a person: through the login box, silently, with every
// response mode, with a new proof, and as somebody else.
func TestAuthorizationCode(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client, v := d.register("Shop", application.OAuth{}), d.visitor()
		if got := v.answer(v.authorize(ask(client, "prompt", "none")), "query"); got.Get("error") != "login_required" {
			t.Fatal(got)
		}
		back := v.signIn(v.authorize(ask(client)), "ann@x.example")
		claims := v.redeem(client, v.answer(v.next(back, "/oauth/resume?request="), "query"))
		if claims["email"] != "ann@x.example" && claims["sub"] == nil {
			t.Errorf("%v", claims)
		}
		for _, mode := range check.ResponseModes() {
			v.redeem(client, v.answer(v.authorize(ask(client, "response_mode", mode, "prompt", "none")), mode))
			if got := v.answer(v.authorize(ask(client, "response_mode", mode, "scope", "admin")), mode); got.Get("error") != "invalid_scope" {
				t.Errorf("%s: %v", mode, got)
			}
		}
		v.redeem(client, v.answer(v.do("POST", "/oauth/authorize", ask(client)), "query"))
		hint := claims["id_token"].(string)
		v.redeem(client, v.answer(v.authorize(ask(client, "prompt", "none", "id_token_hint", hint)), "query"))

		// A fresh proof, although somebody is signed in.
		before := claims["auth_time"].(float64)
		time.Sleep(1100 * time.Millisecond)
		back = v.signIn(v.authorize(ask(client, "prompt", "login")), "ann@x.example")
		fresh := v.redeem(client, v.answer(v.next(back, "/oauth/resume?request="), "query"))
		if fresh["auth_time"].(float64) <= before || fresh["sub"] != claims["sub"] {
			t.Errorf("%v, %v", before, fresh)
		}
		back = v.signIn(v.authorize(ask(client, "id_token_hint", hint, "max_age", "0")), "eve@x.example")
		if got := v.answer(v.next(back, "/oauth/resume?request="), "query"); got.Get("error") != "login_required" {
			t.Errorf("another person than the hint's: %v", got)
		}

		// Choosing the account: the living session is offered, and one press goes on.
		w := v.authorize(ask(client, "prompt", "select_account"))
		to, _ := url.Parse(w.Header().Get("Location"))
		if page := v.next(w, "/login?state="); !strings.Contains(page.Body.String(), "/login/continue") {
			t.Fatal(page.Body)
		}
		w = v.do("POST", "/login/continue", url.Values{"state": {to.Query().Get("state")}})
		v.redeem(client, v.answer(v.next(w, "/oauth/resume?request="), "query"))
	})
}

// TestAuthorizationStaysHere is what never leaves: requests that cannot be answered to anybody.
func TestAuthorizationStaysHere(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client, v := d.register("Shop", application.OAuth{}), d.visitor()
		self := d.register("Agent", application.OAuth{Registered: "dynamic", ThirdParty: true})
		for name, w := range map[string]*httptest.ResponseRecorder{
			"redirect":       v.authorize(ask(client, "redirect_uri", "https://evil.example/")),
			"client":         v.authorize(ask("app_none")),
			"twice":          v.do("GET", "/oauth/authorize?"+ask(client).Encode()+"&client_id="+client, nil),
			"query and body": v.do("POST", "/oauth/authorize?prompt=none", ask(client)),
			"semicolons":     v.do("GET", "/oauth/authorize?"+strings.ReplaceAll(ask(client).Encode(), "&", ";"), nil),
			"stranger":       v.authorize(ask(self, "scope", "admin")),
			"stranger none":  v.authorize(ask(self, "prompt", "none")),
			"resume":         v.do("GET", "/oauth/resume?request=areq_x", nil),
			"resume nothing": v.do("GET", "/oauth/resume", nil),
			"json":           v.do("POST", "/oauth/authorize", ask(client), "Content-Type", "application/json"),
		} {
			if w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" || strings.Contains(w.Body.String(), "evil.example") ||
				!strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%s: %d %v\n%s", name, w.Code, w.Header(), w.Body)
			}
		}
		if w := v.do("GET", "/oauth/authorize?"+ask(client).Encode(), nil, "Origin", "https://app.example"); w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Error("the authorization endpoint has CORS")
		}
		if w := v.do("HEAD", "/oauth/authorize?"+ask(client).Encode(), nil); w.Code != http.StatusOK || w.Header().Get("Set-Cookie") != "" {
			t.Error(w.Code, w.Header())
		}
		// The POST of another site comes without cookies; the same as a GET brings them.
		w := v.do("POST", "/oauth/authorize", ask(client), "Sec-Fetch-Site", "cross-site")
		if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/oauth/authorize?") {
			t.Error(w.Code, to)
		}
		if w := v.do("GET", "/?client_id="+client+"&redirect_uri="+url.QueryEscape(oauthCallback)+"&code_challenge=undefined&code_challenge_method=S256", nil); w.Code != http.StatusSeeOther || !strings.Contains(w.Header().Get("Location"), "error=invalid_request") {
			t.Error(w.Code, w.Header())
		}
		if w := v.do("GET", "/", nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/try" { // development's page
			t.Error(w.Code, w.Header())
		}
	})
}

// TestPushedAndSigned goes with a confidential client: pushed requests and signed ones.
func TestPushedAndSigned(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		set, err := json.Marshal(jose.KeySet{Keys: []jose.Key{jose.PublicKey("k1", public)}})
		if err != nil {
			t.Fatal(err)
		}
		v, now := d.visitor(), d.app.clock.Now().Unix()
		client := d.register("Bank", application.OAuth{AuthMethod: application.AuthPrivateKeyJWT, JWKS: set, RequirePAR: true, RequireSignedRequest: true})
		sign := func(typ string, claims map[string]any) string {
			text, err := jose.SignAs(jose.EdDSA, private, "k1", typ, claims)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		object := func(pairs ...string) string {
			claims := map[string]any{"iss": client, "aud": oauthIssuer, "exp": now + 300, "nbf": now}
			for name, list := range ask(client, pairs...) {
				claims[name] = list[0]
			}
			return sign("oauth-authz-req+jwt", claims)
		}
		proof := func() url.Values {
			return url.Values{
				"client_id": {client}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
				"client_assertion": {sign("JWT", map[string]any{
					"iss": client, "sub": client, "aud": oauthIssuer, "exp": now + 60, "iat": now, "jti": ident.New("j_"),
				})},
			}
		}
		push := func(q url.Values) (int, map[string]any) {
			w := v.do("POST", "/oauth/par", q)
			var body map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Header().Get("Cache-Control") != "no-store" {
				t.Fatal(w.Body)
			}
			return w.Code, body
		}
		if code, body := push(url.Values{"client_id": {client}, "request": {object()}}); code != http.StatusUnauthorized || body["error"] != "invalid_client" {
			t.Fatal(code, body)
		}
		q := proof()
		q.Set("request", object("redirect_uri", "https://evil.example/"))
		if code, body := push(q); code != http.StatusBadRequest || body["error"] != "invalid_request" {
			t.Fatal(code, body)
		}
		q = proof()
		for name, list := range ask(client) {
			q[name] = list
		}
		if code, body := push(q); code != http.StatusBadRequest || body["error"] != "invalid_request" {
			t.Fatal("unsigned:", code, body)
		}
		q = proof()
		q.Set("request", object())
		code, body := push(q)
		if code != http.StatusCreated || body["expires_in"] != 90.0 {
			t.Fatal(code, body)
		}
		use := url.Values{"client_id": {client}, "request_uri": {body["request_uri"].(string)}, "scope": {"admin"}, "redirect_uri": {"https://evil.example"}}
		back := v.signIn(v.authorize(use), "ann@x.example")
		if got := v.answer(v.next(back, "/oauth/resume?request="), "query"); got.Get("code") == "" {
			t.Fatal(got)
		}
		if w := v.authorize(use); w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" {
			t.Error("used twice:", w.Code, w.Header())
		}
		if got := v.answer(v.authorize(url.Values{"client_id": {client}, "request": {object()}}), "query"); got.Get("error") != "invalid_request" {
			t.Error("signed and not pushed:", got)
		}
		if w := v.do("GET", "/oauth/par", nil); w.Code != http.StatusMethodNotAllowed {
			t.Error(w.Code)
		}
	})
}
