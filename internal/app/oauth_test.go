package app

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/config"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

const (
	testBack     = "https://app.example.test/back"
	testVerifier = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

// testServer is the whole server in one process, with a person who is signed in.
type testServer struct {
	*testing.T
	*App
	user   user.User
	cookie secret.Text
}

// everywhere runs fn on a server over each database.
func everywhere(t *testing.T, fn func(p *testServer)) {
	t.Run("sqlite", func(t *testing.T) { fn(newTestServer(t, sqldbtest.SQLiteURL(t, migrations()))) })
	t.Run("postgres", func(t *testing.T) {
		if os.Getenv(sqldbtest.PostgresEnv) == "" {
			t.Skip("no PostgreSQL")
		}
		fn(newTestServer(t, sqldbtest.PostgresCopyURL(t, migrations())))
	})
}

func newTestServer(t *testing.T, database string) *testServer {
	cfg := config.Default()
	cfg.PublicURL, cfg.DataDir, cfg.LogLevel, cfg.Database = "http://localhost:4000", t.TempDir(), "error", secret.New(database)
	cfg.MasterKey = secret.New("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	cfg.StaleAfter = time.Minute // a busy machine is no cut cable
	a, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	p := &testServer{T: t, App: a}
	p.signIn()
	return p
}

func (p *testServer) signIn() {
	p.Helper()
	a, by := p.App, actor.ForSystem(ident.DefaultAccount)
	err := a.db.Write(p.Context(), tx.In(ident.DefaultAccount), func(ctx context.Context, tt tx.Tx) (err error) {
		p.user, _, err = a.f.users.SignIn(ctx, tt, by, user.Identity{Connection: "con_email", Issuer: "urn:admit:email", Subject: "ada@example.test"},
			user.Profile{Name: "Ada", Email: "ada@example.test", EmailVerified: true})
		if err != nil {
			return err
		}
		_, p.cookie, err = a.f.sessions.Start(ctx, tt, session.NewSession{Actor: by, User: p.user.ID, Evidence: session.Evidence{
			Method: "email", Connection: "con_email", Issuer: "urn:admit:email", Subject: "ada@example.test", At: tt.Now(),
		}})
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
}

func (p *testServer) application(o application.OAuth) (id, password string) {
	p.Helper()
	by := actor.ForSystem(ident.DefaultAccount)
	made, err := p.f.applications.Create(p.Context(), by, application.Application{Name: "test", RedirectURLs: []string{testBack}, OAuth: o, Active: true})
	if err != nil {
		p.Fatal(err)
	}
	if o.AuthMethod == application.AuthSecretBasic || o.AuthMethod == application.AuthSecretPost {
		_, value, err := p.f.applications.AddSecret(p.Context(), by, made.ID, time.Time{})
		if err != nil {
			p.Fatal(err)
		}
		password = value.Reveal()
	}
	return string(made.ID), password
}

type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (p *testServer) send(r *http.Request) reply {
	p.Helper()
	r.Host = "localhost:4000"
	w := httptest.NewRecorder()
	p.router.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		p.Fatal(err)
	}
	out := reply{status: w.Code, header: w.Result().Header, text: string(text)}
	if strings.HasPrefix(out.text, "{") {
		if err := json.Unmarshal(text, &out.body); err != nil {
			p.Fatal(err)
		}
	}
	return out
}

// post sends a form; a pair "Basic" is id:secret.
func (p *testServer) post(path string, pairs ...string) reply {
	p.Helper()
	form, header := url.Values{}, http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		switch pairs[i] {
		case "Basic":
			header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pairs[i+1])))
		case "Accept", "DPoP", "Origin":
			header.Set(pairs[i], pairs[i+1])
		default:
			form.Add(pairs[i], pairs[i+1])
		}
	}
	r := httptest.NewRequest(http.MethodPost, "http://localhost:4000"+path, strings.NewReader(form.Encode()))
	r.Header = header
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.send(r)
}

func (p *testServer) get(path, bearer string) reply {
	r := httptest.NewRequest(http.MethodGet, "http://localhost:4000"+path, http.NoBody)
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	return p.send(r)
}

// code gets an authorization code from the living session, without a page.
func (p *testServer) code(client, scope string) string {
	p.Helper()
	sum := sha256.Sum256([]byte(testVerifier))
	q := url.Values{
		"client_id": {client}, "redirect_uri": {testBack}, "response_type": {"code"}, "scope": {scope}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	r := httptest.NewRequest(http.MethodGet, "http://localhost:4000/oauth/authorize?"+q.Encode(), http.NoBody)
	r.AddCookie(&http.Cookie{Name: session.CookieName(false), Value: p.cookie.Reveal()})
	got := p.send(r)
	to, err := url.Parse(got.header.Get("Location"))
	if err != nil || to.Query().Get("code") == "" || to.Query().Get("iss") != "http://localhost:4000" {
		p.Fatalf("%d %s %s %v", got.status, got.header.Get("Location"), got.text, err)
	}
	return to.Query().Get("code")
}

func text(body map[string]any, name string) string {
	out, _ := body[name].(string)
	return out
}

// A public client comes to tokens, uses them here, refreshes them and gives them back.
func TestProviderPublicClient(t *testing.T) {
	everywhere(t, func(p *testServer) {
		id, _ := p.application(application.OAuth{})
		code := p.code(id, "openid profile email offline_access")
		redeem := []string{"grant_type", "authorization_code", "client_id", id, "code", code, "redirect_uri", testBack, "code_verifier", testVerifier}
		out := p.post("/oauth/token", redeem...)
		if out.status != 200 || out.header.Get("Cache-Control") != "no-store" || text(out.body, "id_token") == "" || out.body["token_type"] != "Bearer" {
			p.Fatalf("%d %s", out.status, out.text)
		}
		access, refresh := text(out.body, "access_token"), text(out.body, "refresh_token")
		if got := p.get("/oauth/userinfo", access); got.status != 200 || got.body["sub"] != string(p.user.ID) || got.body["email"] != "ada@example.test" {
			p.Errorf("userinfo: %d %s", got.status, got.text)
		}
		// It opens Admit's own API, as a token of the login box does.
		if got := p.get("/v1/users/"+string(p.user.ID)+"/resources/x/permissions/READ", access); got.status != 404 {
			p.Errorf("the API: %d %s", got.status, got.text)
		}
		again := p.post("/oauth/token", "grant_type", "refresh_token", "client_id", id, "refresh_token", refresh)
		if again.status != 200 || text(again.body, "refresh_token") == refresh {
			p.Errorf("refresh: %d %s", again.status, again.text)
		}
		if got := p.post("/oauth/revoke", "client_id", id, "token", text(again.body, "refresh_token")); got.status != 200 || got.text != "" {
			p.Errorf("revoke: %d %s", got.status, got.text)
		}
		for _, token := range []string{access, text(again.body, "access_token")} {
			if got := p.get("/oauth/userinfo", token); got.status != 401 {
				p.Errorf("after the end: %d %s", got.status, got.text)
			}
			if got := p.get("/v1/users/"+string(p.user.ID)+"/resources/x/permissions/READ", token); got.status != 401 {
				p.Errorf("the API, after the end: %d", got.status)
			}
		}
		// Who signs out everywhere is out everywhere.
		out = p.post("/oauth/token", "grant_type", "authorization_code", "client_id", id, "code", p.code(id, "openid offline_access"), "redirect_uri", testBack, "code_verifier", testVerifier)
		if out.status != 200 {
			p.Fatalf("%d %s", out.status, out.text)
		}
		if err := p.db.Write(p.Context(), tx.In(ident.DefaultAccount), func(ctx context.Context, t tx.Tx) error {
			return p.f.sessions.EndUser(ctx, t, actor.ForSystem(ident.DefaultAccount), p.user.ID)
		}); err != nil {
			p.Fatal(err)
		}
		if got := p.post("/oauth/token", "grant_type", "refresh_token", "client_id", id, "refresh_token", text(out.body, "refresh_token")); got.status != 400 || got.body["error"] != "invalid_grant" {
			p.Errorf("refresh after signing out everywhere: %d %s", got.status, got.text)
		}
		if got := p.get("/oauth/userinfo", text(out.body, "access_token")); got.status != 401 {
			p.Errorf("userinfo after signing out everywhere: %d", got.status)
		}
		time.Sleep(1100 * time.Millisecond) // tokens tell whole seconds
		p.signIn()
		// A code that comes twice (OAU-01), by the JSON form of the SDKs.
		code = p.code(id, "openid")
		body, err := json.Marshal(map[string]any{"grant_type": "authorization_code", "client_id": id, "code": code, "redirect_uri": testBack, "code_verifier": testVerifier, "x": nil})
		if err != nil {
			p.Fatal(err)
		}
		var first reply
		for i, want := range []int{200, 400} {
			r := httptest.NewRequest(http.MethodPost, "http://localhost:4000/api/authentication/oauth/tokens", strings.NewReader(string(body)))
			r.Header.Set("Content-Type", "application/json")
			got := p.send(r)
			if got.status != want {
				p.Errorf("%d: %d %s", i, got.status, got.text)
			}
			if i == 0 {
				first = got
			}
		}
		if got := p.get("/oauth/userinfo", text(first.body, "access_token")); got.status != 401 {
			p.Error("the token of a code that came twice lives")
		}
	})
}

// A confidential client, its own tokens, introspection, opaque tokens, and the shapes of OAU-16 and OAU-29.
func TestProviderConfidentialClient(t *testing.T) {
	everywhere(t, func(p *testServer) {
		id, password := p.application(application.OAuth{
			AuthMethod: application.AuthSecretBasic, GrantTypes: []string{application.GrantCode, application.GrantRefresh, application.GrantClientCredentials},
			Scopes: []string{"openid", "email", "offline_access", "read"}, AccessTokenFormat: application.FormatOpaque, IntrospectionAudiences: []string{string(ident.DefaultAccount)},
		})
		basic := []string{"Basic", id + ":" + password}
		with := func(more ...string) []string { return append(append([]string{}, basic...), more...) }
		out := p.post("/oauth/token", with("grant_type", "client_credentials", "scope", "read")...)
		if out.status != 200 || !strings.HasPrefix(text(out.body, "access_token"), "aat_") || out.body["scope"] != "read" {
			p.Fatalf("%d %s", out.status, out.text)
		}
		machine := text(out.body, "access_token")
		if got := p.post("/oauth/introspect", with("token", machine)...); got.status != 200 || got.body["active"] != true || got.body["sub"] != id {
			p.Errorf("introspection: %d %s", got.status, got.text)
		}
		if got := p.post("/oauth/introspect", "token", machine); got.status != 401 || got.body["error"] != "invalid_client" {
			p.Errorf("introspection without a client: %d %s", got.status, got.text)
		}
		if got := p.post("/oauth/introspect", with("token", machine, "Accept", "application/token-introspection+jwt")...); got.header.Get("Content-Type") != "application/token-introspection+jwt" {
			p.Errorf("%v", got.header)
		}
		out = p.post("/oauth/token", with("grant_type", "authorization_code", "code", p.code(id, "openid email offline_access"), "redirect_uri", testBack, "code_verifier", testVerifier)...)
		if out.status != 200 {
			p.Fatalf("%d %s", out.status, out.text)
		}
		if got := p.get("/oauth/userinfo", text(out.body, "access_token")); got.status != 200 || got.body["email"] != "ada@example.test" {
			p.Errorf("%d %s", got.status, got.text)
		}
		if got := p.get("/v1/users/"+string(p.user.ID)+"/resources/x/permissions/READ", text(out.body, "access_token")); got.status != 404 {
			p.Errorf("the API with an opaque token: %d %s", got.status, got.text)
		}
		if got := p.post("/oauth/introspect", with("token", text(out.body, "refresh_token"))...); got.body["active"] != true {
			p.Error(got.text)
		}
		for name, c := range map[string]struct {
			got    reply
			status int
			code   string
		}{
			"a wrong secret":      {p.post("/oauth/token", "Basic", id+":wrong", "grant_type", "client_credentials"), 401, "invalid_client"},
			"secret in the body":  {p.post("/oauth/token", "client_id", id, "client_secret", password, "grant_type", "client_credentials"), 401, "invalid_client"},
			"two ways":            {p.post("/oauth/token", with("client_id", id, "client_secret", password, "grant_type", "client_credentials")...), 400, "invalid_request"},
			"no proof":            {p.post("/oauth/token", "client_id", id, "grant_type", "client_credentials"), 401, "invalid_client"},
			"in the query":        {p.post("/oauth/token?grant_type=client_credentials", basic...), 400, "invalid_request"},
			"a parameter twice":   {p.post("/oauth/token", with("grant_type", "client_credentials", "scope", "read", "scope", "read")...), 400, "invalid_request"},
			"password":            {p.post("/oauth/token", with("grant_type", "password")...), 400, "unsupported_grant_type"},
			"an empty grant type": {p.post("/oauth/token", with("grant_type", "")...), 400, "invalid_request"},
		} {
			if c.got.status != c.status || c.got.body["error"] != c.code || c.got.header.Get("Cache-Control") != "no-store" || text(c.got.body, "error_description") == "" {
				p.Errorf("%s: %d %s", name, c.got.status, c.got.text)
			}
		}
		if got := p.post("/oauth/token", "Basic", id+":wrong", "grant_type", "client_credentials"); !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Basic ") {
			p.Error(got.header)
		}
		for _, kind := range []string{"application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=utf-16", ""} {
			r := httptest.NewRequest(http.MethodPost, "http://localhost:4000/oauth/token", strings.NewReader("grant_type=client_credentials"))
			r.Header.Set("Content-Type", kind)
			if got := p.send(r); got.status != 400 {
				p.Errorf("%s: %d", kind, got.status)
			}
		}
		if got := p.get("/oauth/token", ""); got.status != 405 {
			p.Errorf("GET: %d", got.status)
		}
		if got := p.get("/oauth/userinfo?access_token="+machine, ""); got.status != 401 || got.header.Get("WWW-Authenticate") == "" {
			p.Errorf("a token in the query: %d", got.status)
		}
		for _, path := range []string{"/oauth/userinfo/x.css", "/oauth/userinfo;x.css", "/oauth/token/"} {
			if got := p.get(path, ""); got.status != 404 {
				p.Errorf("%s: %d", path, got.status)
			}
		}
		// What ends an application ends its tokens.
		if err := p.f.applications.Delete(p.Context(), actor.ForSystem(ident.DefaultAccount), ident.ApplicationID(id)); err != nil {
			p.Fatal(err)
		}
		if got := p.get("/oauth/userinfo", text(out.body, "access_token")); got.status != 401 {
			p.Errorf("the client is gone: %d", got.status)
		}
		if got := p.get("/v1/users/"+string(p.user.ID)+"/resources/x/permissions/READ", text(out.body, "access_token")); got.status != 401 {
			p.Errorf("the API, the client is gone: %d", got.status)
		}
	})
}
