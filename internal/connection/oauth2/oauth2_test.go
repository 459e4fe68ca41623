package oauth2_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/catalog"
	"github.com/admit-id/admit/internal/connection/connectiondb"
	"github.com/admit-id/admit/internal/connection/connectiontest"
	"github.com/admit-id/admit/internal/connection/oauth2"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/egress"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

type trip struct {
	*connectiontest.Provider
	clock      *clock.Fake
	deps       oauth2.Deps
	service    *connection.Service
	connection connection.Connection
	leg        connection.Leg
}

func newTrip(t *testing.T, change func(*connection.Input)) *trip {
	t.Helper()
	db, clk := sqldbtest.SQLite(t, connectiondb.Migrations(), nil)
	keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	secrets := connection.NewSecrets(keys)
	tr := &trip{Provider: connectiontest.NewProvider(t, clk), clock: clk}
	tr.service = connection.New(connection.Deps{Runner: db, Store: connectiondb.New(), Secrets: secrets})
	tr.deps = oauth2.Deps{HTTP: connectiontest.HTTP(clk, tr.Provider), Secrets: secrets, Clock: clk}
	in := tr.Input("con_plain")
	in.IssuerURL = ""
	in.AuthenticationURL, in.TokenURL, in.UserEndpointURL = tr.URL+"/authorize", tr.URL+connectiontest.PathToken, tr.URL+connectiontest.PathUserinfo
	if change != nil {
		change(&in)
	}
	if tr.connection, err = tr.service.Create(t.Context(), actor.ForSystem(connectiontest.Account), in); err != nil {
		t.Fatal(err)
	}
	tr.leg = connection.Leg{State: secret.Random(""), Nonce: secret.Random(""), Verifier: secret.Random(""), RedirectURI: "https://login.example.com/login"}
	return tr
}

func (tr *trip) run(t *testing.T) (connection.Identity, error) {
	t.Helper()
	u := oauth2.New(tr.deps)
	address, err := u.AuthorizeURL(t.Context(), tr.connection, tr.leg)
	if err != nil {
		t.Fatal(err)
	}
	return u.Finish(t.Context(), tr.connection, tr.Authorize(t, address), tr.leg)
}

func TestPlainOAuth2(t *testing.T) {
	tr := newTrip(t, nil)
	id, err := tr.run(t)
	want := connection.Identity{Issuer: tr.URL, Subject: "person-1", Email: "ada@example.com", Name: "Ada"}
	if err != nil || id != want {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestTokenRequestAsJSON(t *testing.T) {
	tr := newTrip(t, func(in *connection.Input) { in.ContentType = connection.ContentJSON })
	seen := map[string]string{}
	tr.Handle[connectiontest.PathToken] = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") != connection.ContentJSON || json.NewDecoder(r.Body).Decode(&seen) != nil {
			t.Errorf("not JSON: %v", r.Header)
		}
		fmt.Fprint(w, `{"error":"access_denied"}`)
	}
	if _, err := tr.run(t); err == nil {
		t.Error("accepted")
	}
	for _, name := range []string{"grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier"} {
		if seen[name] == "" {
			t.Errorf("the token request has no %s", name)
		}
	}
}

// The authorization request: ours wins over the connection's, and the browser may decide
// only how the provider asks.
func TestAuthorizeURL(t *testing.T) {
	tr := newTrip(t, func(in *connection.Input) {
		in.AuthenticationURL += "?keep=1"
		in.Scope = "read:user user:email"
		in.Properties = map[string]string{"prompt": "login", "audience": "api"}
	})
	tr.leg.LoginHint = "ada@example.com"
	tr.leg.Properties = map[string]string{
		"prompt": "none", "ui_locales": "de", "state": "x", "redirect_uri": "https://evil.example.com", "scope": "admin",
		"client_id": "evil", "response_type": "token", "claims": "{}", "max_age": strings.Repeat("1", 600),
	}
	text, err := oauth2.New(tr.deps).AuthorizeURL(t.Context(), tr.connection, tr.leg)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"keep": "1", "response_type": "code", "client_id": "admit", "redirect_uri": tr.leg.RedirectURI, "scope": "read:user user:email",
		"state": tr.leg.State.Reveal(), "code_challenge_method": "S256", "prompt": "login", "audience": "api", "ui_locales": "de", "login_hint": "ada@example.com",
	}
	q := u.Query()
	for name, value := range want {
		if len(q[name]) != 1 || q.Get(name) != value {
			t.Errorf("%s: %v", name, q[name])
		}
	}
	if len(q) != len(want)+1 || len(q.Get("code_challenge")) != 43 {
		t.Errorf("%v", q)
	}
}

func TestOIU05_PlainOAuth2(t *testing.T) {
	for name, spoil := range map[string]func(*trip){
		"no token type":     func(tr *trip) { tr.Token = func(a map[string]any) { delete(a, "token_type") } },
		"token of no one":   func(tr *trip) { tr.Token = func(a map[string]any) { a["access_token"] = "x" } },
		"no sub":            func(tr *trip) { tr.Userinfo = func(u map[string]any) { delete(u, "sub") } },
		"sub is an object":  func(tr *trip) { tr.Userinfo = func(u map[string]any) { u["sub"] = map[string]any{"a": 1} } },
		"sub is a fraction": func(tr *trip) { tr.Userinfo = func(u map[string]any) { u["sub"] = 1.5 } },
		"sub is true":       func(tr *trip) { tr.Userinfo = func(u map[string]any) { u["sub"] = true } },
		"two subs": func(tr *trip) {
			tr.Handle[connectiontest.PathUserinfo] = func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"sub":"a","sub":"b"}`) }
		},
		"a list": func(tr *trip) {
			tr.Handle[connectiontest.PathUserinfo] = func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `[{"sub":"a"}]`) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrip(t, nil)
			spoil(tr)
			if id, err := tr.run(t); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%+v, %v", id, err)
			}
		})
	}
	tr := newTrip(t, nil)
	u := oauth2.New(tr.deps)
	address, _ := u.AuthorizeURL(t.Context(), tr.connection, tr.leg)
	b := tr.Authorize(t, address)
	b.Issuer = "https://evil.example.com"
	if _, err := u.Finish(t.Context(), tr.connection, b, tr.leg); !fault.Is(err, fault.Unauthenticated) || tr.Count(connectiontest.PathToken) != 0 {
		t.Errorf("a mix-up: %v, the code was sent %d times", err, tr.Count(connectiontest.PathToken))
	}
}

// GitHub's shape: a number as identifier, and the primary verified address from a list.
func TestGitHub(t *testing.T) {
	for emails, want := range map[string]string{
		`[{"email":"a@example.com","primary":false,"verified":true},{"email":"b@example.com","primary":true,"verified":true}]`: "b@example.com",
		`[{"email":"b@example.com","primary":true,"verified":false}]`:                                                          "",
		`[{"email":"b@example.com","primary":true,"verified":"true"}]`:                                                         "",
		`[]`: "",
	} {
		tr := newTrip(t, func(in *connection.Input) { in.Provider = "github" })
		tr.Userinfo = func(u map[string]any) {
			clear(u)
			u["id"], u["login"], u["avatar_url"] = 583231, "octocat", "https://avatars.example.com/u/1"
		}
		tr.Handle[connectiontest.PathEmails] = func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, emails) }
		id, err := tr.run(t)
		if err != nil || id.Subject != "583231" || id.Name != "octocat" || id.Picture != "https://avatars.example.com/u/1" || id.Email != want || id.EmailVerified {
			t.Errorf("%+v, %v", id, err)
		}
	}
	tr := newTrip(t, func(in *connection.Input) { in.Provider = "github" })
	tr.Userinfo = func(u map[string]any) { u["id"] = 1; delete(u, "email") }
	tr.Handle[connectiontest.PathEmails] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }
	if id, err := tr.run(t); err != nil || id.Subject != "1" || id.Email != "" {
		t.Errorf("without the list: %+v, %v", id, err)
	}
}

// Apple's client secret is a JWT that the team's key has signed.
func TestSignedClientSecret(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := x509.MarshalPKCS8PrivateKey(private)
	file := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	tr := newTrip(t, func(in *connection.Input) {
		*in = connection.Input{ID: "con_apple", Secret: secret.New(string(file)), Spec: connection.Spec{
			Provider: "apple", ClientID: "com.example.app", SecretID: "KEYID", DeveloperAccountID: "TEAMID"}}
	})
	var got url.Values
	tr.Handle[connectiontest.PathToken] = func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got = r.PostForm
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"x","token_type":"bearer"}`)
	}
	e := oauth2.Endpoint{TokenURL: tr.URL + connectiontest.PathToken, Auth: catalog.Signed, Audience: "https://appleid.apple.com"}
	if _, err := oauth2.NewClient(tr.deps).Exchange(t.Context(), tr.connection, e, secret.New("code"), tr.leg); err != nil {
		t.Fatal(err)
	}
	token, err := jwt.ParseSigned(got.Get("client_secret"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.Claims
	if err := token.Claims(private.Public(), &claims); err != nil {
		t.Fatal(err)
	}
	life := claims.Expiry.Time().Sub(claims.IssuedAt.Time())
	if token.Headers[0].KeyID != "KEYID" || claims.Issuer != "TEAMID" || claims.Subject != "com.example.app" ||
		!claims.Audience.Contains("https://appleid.apple.com") || life <= 0 || life.Minutes() > 5 {
		t.Errorf("%+v", claims)
	}
	address, err := url.Parse(oauth2.NewClient(tr.deps).AuthorizeURL(tr.connection, tr.leg, e, nil))
	if err != nil || address.Query().Get("response_mode") != "form_post" {
		t.Errorf("%v, %v", address, err)
	}
}

// SSR: a connection that names an inside address gets nowhere, and says so as a mistake of
// its set-up.
func TestInsideAddressesAreRefused(t *testing.T) {
	for _, host := range []string{"127.0.0.1:1", "169.254.169.254", "[::1]:1", "[fd00:ec2::254]", "10.0.0.1", "[::ffff:10.0.0.1]", "100.100.100.200", "0.0.0.0"} {
		tr := newTrip(t, func(in *connection.Input) {
			in.TokenURL, in.UserEndpointURL = "https://"+host+"/token", "https://"+host+"/me"
		})
		tr.deps.HTTP = egress.New(egress.Options{Clock: tr.clock})
		if _, err := tr.run(t); !fault.Is(err, fault.Unprocessable) {
			t.Errorf("%s: %v", host, err)
		}
	}
}
