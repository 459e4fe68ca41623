package oauth

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// server is an authorization server that answers as it is told.
type server struct {
	*httptest.Server
	key     ed25519.PrivateKey
	meta    map[string]any
	answers []string // of the token endpoint, in order; the last one stays
	forms   []url.Values
	basic   string
}

func newServer(t *testing.T) *server {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc(wellKnownPath, func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(s.meta) })
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","alg":"EdDSA","use":"sig","x":"%s"},{"kty":"oct","kid":"k","k":"AAAA"}]}`,
			base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey)))
	})
	mux.HandleFunc("/device", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"device_code":"dc","user_code":"AAAA-BBBB","verification_uri":"http://x/device","expires_in":60,"interval":1}`)
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/token", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		s.forms, s.basic = append(s.forms, r.PostForm), r.Header.Get("Authorization")
		answer := s.answers[0]
		if len(s.answers) > 1 {
			s.answers = s.answers[1:]
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if strings.Contains(answer, `"error"`) {
			w.WriteHeader(http.StatusBadRequest)
		}
		fmt.Fprint(w, answer)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	s.meta = map[string]any{
		"issuer": s.URL, "authorization_endpoint": s.URL + "/authorize", "token_endpoint": s.URL + "/token", "jwks_uri": s.URL + "/jwks",
		"device_authorization_endpoint": s.URL + "/device", "authorization_response_iss_parameter_supported": true,
	}
	return s
}

func (s *server) client(t *testing.T) *Client {
	t.Helper()
	found, err := Discover(t.Context(), nil, s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &Client{Server: found, ID: "app_1"}
}

func (s *server) sign(header string, claims map[string]any) string {
	text, _ := json.Marshal(claims)
	b64 := base64.RawURLEncoding
	signed := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString(text)
	return signed + "." + b64.EncodeToString(ed25519.Sign(s.key, []byte(signed)))
}

const plain = `{"alg":"EdDSA","kid":"k","typ":"JWT"}`

func (s *server) claims(nonce string) map[string]any {
	now := time.Now().Unix()
	return map[string]any{"iss": s.URL, "sub": "usr_1", "aud": "app_1", "iat": now, "exp": now + 60, "nonce": nonce}
}

func TestDiscoverRefuses(t *testing.T) {
	for what, change := range map[string]func(s *server){
		"another issuer":       func(s *server) { s.meta["issuer"] = s.URL + "/" },
		"plain http elsewhere": func(s *server) { s.meta["token_endpoint"] = "http://login.example/token" },
		"another scheme":       func(s *server) { s.meta["jwks_uri"] = "file:///etc/passwd" },
		"no token endpoint":    func(s *server) { delete(s.meta, "token_endpoint") },
		"user information":     func(s *server) { s.meta["token_endpoint"] = "https://a@login.example/token" },
	} {
		s := newServer(t)
		change(s)
		if _, err := Discover(t.Context(), nil, s.URL); err == nil {
			t.Error(what)
		}
	}
	for _, issuer := range []string{"", "login.example", "http://login.example", "https://", "http://127.0.0.1.evil.example", "https://x#y"} {
		if _, err := Discover(t.Context(), nil, issuer); err == nil {
			t.Errorf("%q is no issuer", issuer)
		}
	}
}

func TestCode(t *testing.T) {
	s := newServer(t)
	c := s.client(t)
	a, err := c.Authorize(AuthorizeWish{RedirectURI: "http://127.0.0.1:1/callback", More: url.Values{"prompt": {"login"}, "state": {"mine"}}})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("state") == "mine" || len(q["state"]) != 1 || len(q.Get("nonce")) != 43 || len(q.Get("code_challenge")) != 43 || q.Get("code_challenge_method") != "S256" ||
		q.Get("prompt") != "login" || q.Get("scope") != "openid profile email" {
		t.Fatal(q)
	}
	s.answers = []string{fmt.Sprintf(`{"access_token":"a","token_type":"Bearer","expires_in":900,"id_token":"%s"}`, s.sign(plain, s.claims(q.Get("nonce"))))}
	good := url.Values{"code": {"c"}, "state": {q.Get("state")}, "iss": {s.URL}}
	for what, change := range map[string]func(v url.Values){
		"another state":  func(v url.Values) { v.Set("state", "x") },
		"no state":       func(v url.Values) { v.Del("state") },
		"another issuer": func(v url.Values) { v.Set("iss", "https://evil.example") },
		"no issuer":      func(v url.Values) { v.Del("iss") },
		"two codes":      func(v url.Values) { v.Add("code", "d") },
		"two states":     func(v url.Values) { v.Add("state", "x") },
		"no code":        func(v url.Values) { v.Del("code") },
	} {
		v := url.Values{}
		for name, values := range good {
			v[name] = append([]string(nil), values...)
		}
		change(v)
		if _, err := a.Redeem(t.Context(), v); err == nil || len(s.forms) > 0 {
			t.Errorf("%s: %v; %d codes were sent", what, err, len(s.forms))
		}
	}
	var said *Error
	if _, err := a.Redeem(t.Context(), url.Values{"error": {"access_denied"}, "state": good["state"], "iss": good["iss"]}); !errors.As(err, &said) || said.Code != "access_denied" {
		t.Error(err)
	}
	got, err := a.Redeem(t.Context(), good)
	if err != nil || got.Life() != 15*time.Minute {
		t.Fatal(got, err)
	}
	if f := s.forms[0]; len(f.Get("code_verifier")) != 43 || f.Get("client_id") != "app_1" || f.Get("redirect_uri") != "http://127.0.0.1:1/callback" {
		t.Error(f)
	}
	s.answers = []string{`{"access_token":"a","token_type":"Bearer"}`}
	if _, err := a.Redeem(t.Context(), good); err == nil {
		t.Error("there is no ID token, and nobody is told")
	}
}

func TestIDTokens(t *testing.T) {
	s := newServer(t)
	c := s.client(t)
	if err := c.CheckIDToken(t.Context(), s.sign(plain, s.claims("n")), "n"); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(v map[string]any){
		"another issuer":    func(v map[string]any) { v["iss"] = "https://evil.example" },
		"another audience":  func(v map[string]any) { v["aud"] = "app_2" },
		"several audiences": func(v map[string]any) { v["aud"] = []string{"app_1", "app_2"} },
		"another nonce":     func(v map[string]any) { v["nonce"] = "m" },
		"no nonce":          func(v map[string]any) { delete(v, "nonce") },
		"expired":           func(v map[string]any) { v["exp"] = time.Now().Unix() - 120 },
		"no expiry":         func(v map[string]any) { delete(v, "exp") },
		"from the future":   func(v map[string]any) { v["iat"] = time.Now().Unix() + 300 },
		"nobody":            func(v map[string]any) { v["sub"] = "" },
	} {
		v := s.claims("n")
		change(v)
		if err := c.CheckIDToken(t.Context(), s.sign(plain, v), "n"); err == nil {
			t.Error(what)
		}
	}
	good := s.sign(plain, s.claims("n"))
	parts := strings.Split(good, ".")
	for what, token := range map[string]string{
		"an access token": s.sign(`{"alg":"EdDSA","kid":"k","typ":"at+jwt"}`, s.claims("n")),
		"a logout token":  s.sign(`{"alg":"EdDSA","kid":"k","typ":"logout+jwt"}`, s.claims("n")),
		"another key":     s.sign(`{"alg":"EdDSA","kid":"other"}`, s.claims("n")),
		"alg none":        base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"k"}`)) + "." + parts[1] + ".",
		"HS256":           s.sign(`{"alg":"HS256","kid":"k"}`, s.claims("n")),
		"crit":            s.sign(`{"alg":"EdDSA","kid":"k","crit":["x"]}`, s.claims("n")),
		"two kids":        s.sign(`{"alg":"EdDSA","kid":"k","kid":"k"}`, s.claims("n")),
		"changed":         parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"x"}`)) + "." + parts[2],
		"padded":          good + "=",
		"encrypted":       "a.b.c.d.e",
	} {
		if err := c.CheckIDToken(t.Context(), token, "n"); err == nil {
			t.Error(what)
		}
	}
}

func TestDevice(t *testing.T) {
	s := newServer(t)
	c := s.client(t)
	d, err := c.Device(t.Context(), Wish{Scopes: []string{"openid"}})
	if err != nil || d.UserCode != "AAAA-BBBB" {
		t.Fatal(d, err)
	}
	s.answers = []string{`{"error":"authorization_pending"}`, `{"access_token":"a","token_type":"Bearer"}`}
	if got, err := c.Poll(t.Context(), d); err != nil || got.AccessToken != "a" || s.forms[0].Get("device_code") != "dc" {
		t.Error(got, err)
	}
	var said *Error
	s.answers = []string{`{"error":"access_denied"}`}
	if _, err := c.Poll(t.Context(), d); !errors.As(err, &said) || said.Code != "access_denied" {
		t.Error(err)
	}
	s.answers = []string{`{"error":"slow_down"}`, `{"access_token":"a","token_type":"Bearer"}`}
	d.ExpiresIn, s.forms = 3, nil
	if _, err := c.Poll(t.Context(), d); !errors.As(err, &said) || said.Code != "expired_token" || len(s.forms) != 1 {
		t.Error("slow_down was not heeded:", err, len(s.forms))
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := c.Poll(ctx, d); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestProofs(t *testing.T) {
	s := newServer(t)
	c := s.client(t)
	s.answers = []string{`{"access_token":"a","token_type":"Bearer"}`}
	c.Proof = Basic("a:b c")
	if _, err := c.Credentials(t.Context(), Wish{Resources: []string{"https://a.example", "https://b.example"}}); err != nil {
		t.Fatal(err)
	}
	if s.basic != "Basic "+base64.StdEncoding.EncodeToString([]byte("app_1:a%3Ab+c")) || len(s.forms[0]["resource"]) != 2 || s.forms[0].Has("client_secret") {
		t.Error(s.basic, s.forms[0])
	}
	c.Proof = Post("s")
	if _, err := c.Refresh(t.Context(), "r", Wish{}); err != nil || s.forms[1].Get("client_secret") != "s" || s.basic != "" {
		t.Error(err, s.forms[1])
	}
	c.Proof = Assertion(func(audience string) (string, error) { return "for " + audience, nil })
	if _, err := c.Exchange(t.Context(), Exchange{Subject: "x", Actor: "y"}); err != nil || s.forms[2].Get("client_assertion") != "for "+s.URL || s.forms[2].Get("actor_token_type") != AccessTokenType {
		t.Error(err, s.forms[2])
	}
	if text := fmt.Sprintf("%v %s %#v %+v", Basic("s3cret"), Post("s3cret"), Basic("s3cret"), Client{Proof: Post("s3cret")}); strings.Contains(text, "s3cret") {
		t.Error(text)
	}
	c.Server.TokenEndpoint = s.URL + "/moved"
	if _, err := c.Credentials(t.Context(), Wish{}); err == nil || len(s.forms) != 3 {
		t.Error("secrets follow no redirect:", err)
	}
}

func TestListener(t *testing.T) {
	l, err := Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, path := range []string{"/", "/callback", "/callback/x?code=1", "/callback?x=1"} {
		base := strings.TrimSuffix(l.RedirectURI, CallbackPath)
		if r, err := http.Get(base + path); err != nil || r.StatusCode != http.StatusNotFound {
			t.Error(path, err)
		}
	}
	for _, code := range []string{"first", "second"} {
		if r, err := http.Get(l.RedirectURI + "?code=" + code + "&state=s"); err != nil || r.StatusCode != http.StatusOK || r.Header.Get("Content-Security-Policy") == "" {
			t.Error(r, err)
		}
	}
	back, err := l.Wait(t.Context())
	if err != nil || back.Get("code") != "first" {
		t.Error(back, err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if _, err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
