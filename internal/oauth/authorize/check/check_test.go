package check

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/oauth"
)

const (
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	issuer    = "https://login.example"
	callback  = "https://app.example/cb"
)

// world stands in for clients, keys and pushed requests.
type world struct {
	clients map[string]oauth.Client
	clk     *clock.Fake
	private ed25519.PrivateKey
	keys    []jose.PublicJWK
	pushed  map[string]Pushed
	err     error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{clients: map[string]oauth.Client{}, clk: clock.NewFake(time.Date(2026, 5, 5, 12, 0, 0, 0, time.UTC)), private: private, pushed: map[string]Pushed{}}
	w.keys = []jose.PublicJWK{{KeyID: "k1", Key: public}}
	settings := application.OAuth{
		Scopes: []string{"openid", "profile", "email"}, Resources: []string{"https://api.example/v1", "https://other.example"},
		AuthorizationDetails: []string{"payment"},
	}
	add := func(id string, change func(*oauth.Client)) {
		c := oauth.Client{Account: "acc_a", ID: id, Application: ident.ApplicationID(id), Name: "App", RedirectURIs: []string{callback}, Settings: settings.Filled()}
		if change != nil {
			change(&c)
		}
		w.clients[id] = c
	}
	add("app_1", nil)
	loopback := []string{"http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"}
	add("app_native", func(c *oauth.Client) { c.RedirectURIs, c.Settings.Native = loopback, true })
	add("app_web", func(c *oauth.Client) { c.RedirectURIs = loopback })
	add("app_par", func(c *oauth.Client) { c.Settings.RequirePAR = true })
	add("app_jar", func(c *oauth.Client) { c.Settings.RequireSignedRequest = true })
	add("app_alg", func(c *oauth.Client) { c.Settings.RequestObjectAlg = "PS256" })
	add("app_machine", func(c *oauth.Client) { c.Settings.GrantTypes = []string{"client_credentials"} })
	add("app_defaults", func(c *oauth.Client) {
		c.Settings.DefaultMaxAge, c.Settings.DefaultACR = 60, []string{"urn:admit:aal1"}
	})
	add("sc_1", func(c *oauth.Client) { c.Kind = oauth.Service })
	return w
}

func (w *world) Client(_ context.Context, account ident.AccountID, id string) (oauth.Client, error) {
	if w.err != nil {
		return oauth.Client{}, w.err
	}
	c, ok := w.clients[id]
	if !ok || c.Account != account {
		return oauth.Client{}, oauth.Fail(oauth.InvalidClient, "There is no such client.")
	}
	return c, nil
}

func (w *world) tools() *Tools {
	return &Tools{
		Clients: w, Issuer: func(ident.AccountID) string { return issuer }, Clock: w.clk,
		TakePushed: func(_ context.Context, _ ident.AccountID, client, uri string) (Pushed, error) {
			p, ok := w.pushed[client+" "+uri]
			delete(w.pushed, client+" "+uri)
			if !ok {
				return p, fault.New(fault.NotFound, "", "none")
			}
			return p, nil
		},
		VerifySigned: func(_ context.Context, _ oauth.Client, text string, algorithms, types []string) (map[string]any, error) {
			_, payload, err := jose.VerifyForeign(text, w.keys, jose.Expect{Algorithms: algorithms, Types: types})
			if err != nil {
				return nil, err
			}
			d := json.NewDecoder(strings.NewReader(string(payload)))
			d.UseNumber()
			var claims map[string]any
			return claims, d.Decode(&claims)
		},
		Hint: func(_ context.Context, account ident.AccountID, token string) (Hint, error) {
			user, ok := strings.CutPrefix(token, "hint:")
			if !ok || account != "acc_a" {
				return Hint{}, errors.New("no token of ours")
			}
			user, client, _ := strings.Cut(user, "@")
			return Hint{User: ident.UserID(user), Audience: []string{client}}, nil
		},
	}
}

func good() url.Values {
	return url.Values{
		"client_id": {"app_1"}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s 1+%"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
}

// with changes a good request; the value "-" takes a parameter out.
func with(pairs ...string) url.Values {
	q := good()
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Set(pairs[i], pairs[i+1]); pairs[i+1] == "-" {
			q.Del(pairs[i])
		}
	}
	return q
}

func (w *world) run(t *testing.T, q url.Values) (*Request, error) {
	t.Helper()
	r, err := Run(t.Context(), w.tools(), Sent{Account: "acc_a", Query: q})
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		for i := range len(e.Description) {
			if c := e.Description[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
				t.Errorf("%q is no description of RFC 6749", e.Description)
			}
		}
		for _, list := range q {
			for _, v := range list {
				if len(v) > 12 && strings.Contains(e.Description, v) {
					t.Errorf("%q repeats what was sent", e.Description)
				}
			}
		}
	}
	return r, err
}

const (
	local  = false // told on a page of ours
	remote = true  // told to the client
)

func TestMatrix(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("x", 70<<10)
	two := func(name string, values ...string) url.Values { q := good(); q[name] = values; return q }
	for name, c := range map[string]struct {
		q    url.Values
		code oauth.Code
		to   bool
	}{
		"good":                   {good(), "", remote},
		"unknown parameters":     {with("foo", "bar", "display", "popup", "registration", "{}"), "", remote},
		"other case":             {with("client_id", "-", "Client_Id", "app_1"), oauth.InvalidRequest, local},
		"no client":              {with("client_id", "-"), oauth.InvalidRequest, local},
		"unknown client":         {with("client_id", "app_none"), oauth.InvalidClient, local},
		"service client":         {with("client_id", "sc_1"), oauth.UnauthorizedClient, local},
		"two clients":            {two("client_id", "app_1", "app_1"), oauth.InvalidRequest, local},
		"two redirects":          {two("redirect_uri", callback, "https://evil.example"), oauth.InvalidRequest, local},
		"two redirects, one off": {two("redirect_uri", callback, ""), oauth.InvalidRequest, local},
		"redirect_uri[]":         {with("redirect_uri", "-", "redirect_uri[]", callback), oauth.InvalidRequest, local},
		"too many":               {many(), oauth.InvalidRequest, local},
		"too long":               {with("foo", long), oauth.InvalidRequest, local},
		"no UTF-8":               {with("state", "\xff"), oauth.InvalidRequest, local},
		"control":                {with("state", "a\x00"), oauth.InvalidRequest, local},

		"no redirect":              {with("redirect_uri", "-"), oauth.InvalidRequest, local},
		"redirect, another":        {with("redirect_uri", "https://evil.example/cb"), oauth.InvalidRequest, local},
		"redirect, prompt none":    {with("redirect_uri", "https://evil.example/cb", "prompt", "none"), oauth.InvalidRequest, local},
		"redirect, slash":          {with("redirect_uri", callback+"/"), oauth.InvalidRequest, local},
		"redirect, case":           {with("redirect_uri", "https://APP.example/cb"), oauth.InvalidRequest, local},
		"redirect, default port":   {with("redirect_uri", "https://app.example:443/cb"), oauth.InvalidRequest, local},
		"redirect, query":          {with("redirect_uri", callback+"?x=1"), oauth.InvalidRequest, local},
		"redirect, fragment":       {with("redirect_uri", callback+"#x"), oauth.InvalidRequest, local},
		"redirect, dots":           {with("redirect_uri", "https://app.example/x/../cb"), oauth.InvalidRequest, local},
		"redirect, percent":        {with("redirect_uri", "https://app.example/%63b"), oauth.InvalidRequest, local},
		"redirect, user":           {with("redirect_uri", "https://app.example@evil.example/cb"), oauth.InvalidRequest, local},
		"redirect, space":          {with("redirect_uri", callback+" "), oauth.InvalidRequest, local},
		"another client's setting": {with("client_id", "app_native"), oauth.InvalidRequest, local},

		"two states":        {two("state", "a", "b"), oauth.InvalidRequest, remote},
		"two scopes":        {two("scope", "openid", "email"), oauth.InvalidRequest, remote},
		"two challenges":    {two("code_challenge", challenge, challenge), oauth.InvalidRequest, remote},
		"two modes":         {two("response_mode", "query", "fragment"), oauth.InvalidRequest, remote},
		"two resources":     {two("resource", "https://api.example/v1", "https://other.example"), "", remote},
		"web_message":       {with("response_mode", "web_message"), oauth.InvalidRequest, remote},
		"must push":         {with("client_id", "app_par"), oauth.InvalidRequest, remote},
		"must sign":         {with("client_id", "app_jar"), oauth.InvalidRequest, remote},
		"no type":           {with("response_type", "-"), oauth.InvalidRequest, remote},
		"token":             {with("response_type", "token"), oauth.UnsupportedResponseType, remote},
		"id_token token":    {with("response_type", "id_token token"), oauth.UnsupportedResponseType, remote},
		"code token":        {with("response_type", "code token"), oauth.UnsupportedResponseType, remote},
		"none":              {with("response_type", "none"), oauth.UnsupportedResponseType, remote},
		"code code":         {with("response_type", "code code"), oauth.UnsupportedResponseType, remote},
		"Code":              {with("response_type", "Code"), oauth.UnsupportedResponseType, remote},
		"no code grant":     {with("client_id", "app_machine"), oauth.UnauthorizedClient, remote},
		"no challenge":      {with("code_challenge", "-"), oauth.InvalidRequest, remote},
		"empty challenge":   {two("code_challenge", ""), oauth.InvalidRequest, remote},
		"undefined":         {with("code_challenge", "undefined"), oauth.InvalidRequest, remote},
		"challenge, 44":     {with("code_challenge", challenge+"A"), oauth.InvalidRequest, remote},
		"challenge, padded": {with("code_challenge", challenge+"="), oauth.InvalidRequest, remote},
		"challenge, bits":   {with("code_challenge", challenge[:42]+"N"), oauth.InvalidRequest, remote},
		"plain":             {with("code_challenge_method", "plain"), oauth.InvalidRequest, remote},
		"no method":         {with("code_challenge_method", "-"), oauth.InvalidRequest, remote},
		"s256":              {with("code_challenge_method", "s256"), oauth.InvalidRequest, remote},
		"S-256":             {with("code_challenge_method", "S-256"), oauth.InvalidRequest, remote},
		"no scope":          {with("scope", "-"), "", remote},
		"unknown scope":     {with("scope", "openid admin"), oauth.InvalidScope, remote},
		"scope case":        {with("scope", "OpenID"), oauth.InvalidScope, remote},
		"resource, another": {with("resource", "https://evil.example"), oauth.InvalidTarget, remote},
		"resource, slash":   {with("resource", "https://api.example/v1/"), oauth.InvalidTarget, remote},
		"resource, part":    {with("resource", "https://api.example/v1#x"), oauth.InvalidTarget, remote},
		"resource, path":    {with("resource", "/v1"), oauth.InvalidTarget, remote},
		"details":           {with("authorization_details", ` [{"type":"payment","actions":["pay"],"amount":{"v":1}}]`), "", remote},
		"details, type":     {with("authorization_details", `[{"type":"admin"}]`), oauth.InvalidAuthorizationDetails, remote},
		"details, no type":  {with("authorization_details", `[{}]`), oauth.InvalidAuthorizationDetails, remote},
		"details, object":   {with("authorization_details", `{"type":"payment"}`), oauth.InvalidAuthorizationDetails, remote},
		"details, empty":    {with("authorization_details", `[]`), oauth.InvalidAuthorizationDetails, remote},
		"details, member":   {with("authorization_details", `[{"type":"payment","actions":"pay"}]`), oauth.InvalidAuthorizationDetails, remote},
		"details, twice":    {with("authorization_details", `[{"type":"payment","type":"admin"}]`), oauth.InvalidAuthorizationDetails, remote},
		"details, more":     {with("authorization_details", `[{"type":"payment"}] x`), oauth.InvalidAuthorizationDetails, remote},
		"details, null":     {with("authorization_details", `null`), oauth.InvalidAuthorizationDetails, remote},
		"details, null in":  {with("authorization_details", `[null]`), oauth.InvalidAuthorizationDetails, remote},
		"details, blank":    {with("authorization_details", " "), oauth.InvalidAuthorizationDetails, remote},
		"claims":            {with("claims", `{"id_token":{"email":null},"userinfo":{"name":{"essential":true}}}`), "", remote},
		"claims, list":      {with("claims", `[]`), oauth.InvalidRequest, remote},
		"claims, text":      {with("claims", `{"id_token":{"email":"x"}}`), oauth.InvalidRequest, remote},
		"claims, blank":     {with("claims", " "), oauth.InvalidRequest, remote},
		"claims, two subs":  {with("claims", `{"id_token":{"sub":{"value":"u1"}},"userinfo":{"sub":{"value":"u2"}}}`), oauth.InvalidRequest, remote},
		"nonce":             {with("nonce", strings.Repeat("n", 1025)), oauth.InvalidRequest, remote},
		"state":             {with("state", strings.Repeat("n", 4097)), oauth.InvalidRequest, remote},
		"jkt":               {with("dpop_jkt", challenge), "", remote},
		"jkt, short":        {with("dpop_jkt", "abc"), oauth.InvalidRequest, remote},
		"prompts":           {with("prompt", "login consent select_account"), "", remote},
		"prompt none login": {with("prompt", "none login"), oauth.InvalidRequest, remote},
		"prompt create":     {with("prompt", "create"), oauth.InvalidRequest, remote},
		"max_age -1":        {with("max_age", "-1"), oauth.InvalidRequest, remote},
		"max_age +1":        {with("max_age", "+1"), oauth.InvalidRequest, remote},
		"max_age abc":       {with("max_age", "abc"), oauth.InvalidRequest, remote},
		"max_age 1e3":       {with("max_age", "1e3"), oauth.InvalidRequest, remote},
		"max_age 10^20":     {with("max_age", "100000000000000000000"), oauth.InvalidRequest, remote},
		"acr_values":        {with("acr_values", strings.Repeat("a ", 21)), oauth.InvalidRequest, remote},
		"hint":              {with("id_token_hint", "hint:u1@app_1"), "", remote},
		"hint, forged":      {with("id_token_hint", "eyJ.x.y"), oauth.InvalidRequest, remote},
		"hint, another's":   {with("id_token_hint", "hint:u1@app_2"), oauth.InvalidRequest, remote},
		"hint and sub":      {with("id_token_hint", "hint:u1@app_1", "claims", `{"id_token":{"sub":{"value":"u2"}}}`), oauth.InvalidRequest, remote},
	} {
		r, err := w.run(t, c.q)
		if oauth.CodeOf(err) != c.code || (err == nil) != (c.code == "") || r.Trusted != c.to {
			t.Errorf("%s: %v, trusted %v; want %q, %v", name, err, r.Trusted, c.code, c.to)
		}
		if err != nil && name != "two states" && name != "state" && r.Trusted && r.State != "s 1+%" {
			t.Errorf("%s: the state is %q", name, r.State)
		}
	}
}

func many() url.Values {
	q := good()
	for i := range 101 {
		q.Set("x"+strings.Repeat("y", i), "1")
	}
	return q
}

// TestNative is RED-06.
func TestNative(t *testing.T) {
	w := newWorld(t)
	for uri, native := range map[string]bool{
		"http://127.0.0.1/cb": true, "http://127.0.0.1:1024/cb": true, "http://127.0.0.1:65535/cb": true, "http://[::1]:8080/cb": true,
		"http://localhost:9/cb": false, "http://127.0.0.1.evil.example:80/cb": false, "http://127.0.0.1:80@evil.example/cb": false, "http://127.1/cb": false,
		"http://0x7f000001/cb": false, "http://2130706433/cb": false, "http://127.0.0.1:99999/cb": false, "http://127.0.0.1:/cb": false,
		"http://127.0.0.1:80/cb/x": false, "https://127.0.0.1/cb": false, "http://127.0.0.1:080/cb": false, "http://[::1]:80/cb?x": false, "http://[0:0::1]:80/cb": false,
		"com.example.app:/cb": true, "com.example.app:/cb/": false, "com.example.app:80/cb": false,
	} {
		if r, err := w.run(t, with("client_id", "app_native", "redirect_uri", uri)); (err == nil) != native || r.Trusted != native {
			t.Errorf("native %s: %v", uri, err)
		}
		exact := slices.Contains(w.clients["app_web"].RedirectURIs, uri)
		if r, err := w.run(t, with("client_id", "app_web", "redirect_uri", uri)); (err == nil) != exact || r.Trusted != exact {
			t.Errorf("web %s: %v", uri, err)
		}
	}
	if _, err := w.run(t, with("client_id", "app_native", "redirect_uri", "com.example.app:/cb", "response_mode", "form_post")); oauth.CodeOf(err) != oauth.InvalidRequest {
		t.Error("a form to a native application:", err)
	}
}

// TestWhere is RED-09: the query of a GET or the body of a POST.
func TestWhere(t *testing.T) {
	w := newWorld(t)
	for name, s := range map[string]Sent{
		"both":          {Query: url.Values{"client_id": {"app_1"}}, Form: good()},
		"one elsewhere": {Query: url.Values{"redirect_uri": {callback}}, Form: with("redirect_uri", "-")},
		"an empty body": {Query: good(), Form: url.Values{}},
		"even unknown":  {Query: url.Values{"utm": {"1"}}, Form: good()},
	} {
		s.Account = "acc_a"
		if r, err := Run(t.Context(), w.tools(), s); oauth.CodeOf(err) != oauth.InvalidRequest || r.Trusted {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Run(t.Context(), w.tools(), Sent{Account: "acc_a", Form: good()}); err != nil {
		t.Error(err)
	}
	if _, err := Run(t.Context(), w.tools(), Sent{Account: "acc_b", Query: good()}); oauth.CodeOf(err) != oauth.InvalidClient {
		t.Error("a client of another account:", err)
	}
	ext := url.Values{"client_id": {"app_1"}, "redirect_uri": {callback}, "code_challenge": {challenge}}
	if _, err := Run(t.Context(), w.tools(), Sent{Account: "acc_a", Query: ext, Extension: true}); err != nil {
		t.Error("an extension:", err)
	}
	ext.Set("code_challenge", "undefined") // CMP-07
	if _, err := Run(t.Context(), w.tools(), Sent{Account: "acc_a", Query: ext, Extension: true}); oauth.CodeOf(err) != oauth.InvalidRequest {
		t.Error("an extension without PKCE:", err)
	}
	w.err = fault.New(fault.Unavailable, "", "not now")
	if r, err := w.run(t, good()); !fault.Is(err, fault.Unavailable) || r.Trusted {
		t.Error("a client that cannot be looked up:", err)
	}
}

func TestResult(t *testing.T) {
	w := newWorld(t)
	q := with("scope", "openid  email openid", "nonce", "n1", "dpop_jkt", challenge, "prompt", "login consent", "max_age", "0",
		"acr_values", "b c", "claims", `{"id_token": {"acr": {"essential": true, "values": ["urn:admit:aal1"]}, "sub": {"value": "u1"}}}`,
		"login_hint", "ann@x.example", "ui_locales", "de en", "response_mode", "form_post.jwt", "authorization_details", `[ {"type": "payment"} ]`)
	q["resource"] = []string{"https://other.example", "https://api.example/v1", "https://other.example"}
	r, err := w.run(t, q)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(r.Scopes, " ") != "openid email" || strings.Join(r.Resources, " ") != "https://other.example https://api.example/v1" || r.Nonce != "n1" ||
		r.JKT != challenge || r.Challenge != challenge || r.Prompt != (Prompt{Login: true, Consent: true}) || r.MaxAge != 0 || strings.Join(r.ACR, " ") != "b c" ||
		strings.Join(r.Essential, " ") != "urn:admit:aal1" || r.Subject != "u1" || r.LoginHint != "ann@x.example" || r.Locales != "de en" ||
		r.Mode != (Mode{FormPost, true}) || string(r.Details) != `[{"type":"payment"}]` || r.State != "s 1+%" || strings.Contains(string(r.Claims), " ") {
		t.Errorf("%+v", r)
	}
	if r, err = w.run(t, with("client_id", "app_defaults")); err != nil || r.MaxAge != time.Minute || len(r.ACR) != 1 {
		t.Errorf("%+v %v", r, err)
	}
	if r, err = w.run(t, with("login_hint", strings.Repeat("x", 129), "ui_locales", "<script>")); err != nil || r.LoginHint != "" || r.Locales != "" || r.MaxAge >= 0 {
		t.Errorf("%+v %v", r, err)
	}
}

// TestPushed is OAU-20 at the authorization endpoint.
func TestPushed(t *testing.T) {
	w := newWorld(t)
	push := func(client, name string, params url.Values) string {
		uri := URN + name
		w.pushed[client+" "+uri] = Pushed{Params: params}
		return uri
	}
	uri := push("app_par", "r1", with("client_id", "app_par"))
	r, err := w.run(t, url.Values{
		"client_id": {"app_par"}, "request_uri": {uri}, "redirect_uri": {"https://evil.example"}, "scope": {"admin"}, "state": {"other"}, "code_challenge": {"x"},
		"response_mode": {"fragment"},
	})
	if err != nil || r.RedirectURI != callback || r.State != "s 1+%" || r.Challenge != challenge || !r.Pushed || r.Mode.Where != Query {
		t.Fatalf("%+v %v", r, err)
	}
	for name, c := range map[string]struct {
		q    url.Values
		code oauth.Code
	}{
		"used before":      {url.Values{"client_id": {"app_par"}, "request_uri": {uri}}, oauth.InvalidRequestURI},
		"another client's": {url.Values{"client_id": {"app_1"}, "request_uri": {push("app_par", "r2", with())}}, oauth.InvalidRequestURI},
		"guessed":          {url.Values{"client_id": {"app_par"}, "request_uri": {URN + "0001"}}, oauth.InvalidRequestURI},
		"fetched":          {with("request_uri", "https://sink.example/r"), oauth.RequestURINotSupported},
		"and an object":    {with("request_uri", uri, "request", "x"), oauth.InvalidRequest},
		"twice":            {url.Values{"client_id": {"app_par"}, "request_uri": {uri, uri}}, oauth.InvalidRequest},
	} {
		if r, err := w.run(t, c.q); oauth.CodeOf(err) != c.code || r.Trusted != (c.code == oauth.RequestURINotSupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	elsewhere := with("request_uri", "https://sink.example/r", "redirect_uri", "https://evil.example")
	if r, err := w.run(t, elsewhere); oauth.CodeOf(err) != oauth.InvalidRequest || r.Trusted {
		t.Errorf("fetched, for another: %v", err)
	}
	c := w.clients["app_1"]
	for name, q := range map[string]url.Values{
		"request_uri inside": with("request_uri", uri), "another client": with("client_id", "app_native"), "a bad redirect": with("redirect_uri", "https://evil.example"),
		"no challenge": with("code_challenge", "-"),
	} {
		if _, err := Run(t.Context(), w.tools(), Sent{Account: "acc_a", Stage: Push, Params: q, Client: c}); oauth.CodeOf(err) != oauth.InvalidRequest {
			t.Errorf("pushed, %s: %v", name, err)
		}
	}
}

func (w *world) object(t *testing.T, change func(map[string]any)) string {
	t.Helper()
	now := w.clk.Now().Unix()
	claims := map[string]any{"iss": "app_1", "aud": issuer, "exp": now + 300, "nbf": now, "iat": now}
	for name, list := range good() {
		claims[name] = list[0]
	}
	if change != nil {
		change(claims)
	}
	signed, err := jose.SignAs(jose.EdDSA, w.private, "k1", "oauth-authz-req+jwt", claims)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// TestObject is OAU-21.
func TestObject(t *testing.T) {
	w := newWorld(t)
	now := w.clk.Now().Unix()
	set := func(name string, v any) func(map[string]any) { return func(c map[string]any) { c[name] = v } }
	unset := func(name string) func(map[string]any) { return func(c map[string]any) { delete(c, name) } }
	r, err := w.run(t, url.Values{
		"client_id": {"app_1"}, "request": {w.object(t, func(c map[string]any) {
			c["max_age"], c["resource"] = 5, []string{"https://api.example/v1"}
			c["claims"] = map[string]any{"id_token": map[string]any{"email": nil}}
		})}, "redirect_uri": {"https://evil.example"}, "scope": {"admin"}, "nonce": {"outside"}, "prompt": {"none"},
	})
	if err != nil || r.Nonce != "" || r.Prompt.None || r.RedirectURI != callback || !r.Signed || r.MaxAge != 5*time.Second || len(r.Resources) != 1 || len(r.Claims) == 0 {
		t.Fatalf("%+v %v", r, err)
	}
	aud := set("aud", []string{"https://x.example", issuer})
	if _, err := w.run(t, url.Values{"client_id": {"app_1"}, "request": {w.object(t, aud)}}); err != nil {
		t.Error("one of several audiences:", err)
	}
	good := w.object(t, nil)
	parts := strings.Split(good, ".")
	for name, text := range map[string]string{
		"none":              "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"HS256":             "eyJhbGciOiJIUzI1NiJ9." + parts[1] + "." + parts[2],
		"signature":         parts[0] + "." + parts[1] + "." + parts[2][:80] + "AAAAAA",
		"encrypted":         "a.b.c.d.e",
		"no token":          "x",
		"large":             strings.Repeat("x", 33<<10),
		"iss":               w.object(t, set("iss", "app_2")),
		"no iss":            w.object(t, unset("iss")),
		"client_id":         w.object(t, set("client_id", "app_2")),
		"no client_id":      w.object(t, unset("client_id")),
		"an assertion":      w.object(t, set("sub", "app_1")),
		"aud":               w.object(t, set("aud", "https://other.example")),
		"aud, part":         w.object(t, set("aud", issuer+"/")),
		"no aud":            w.object(t, unset("aud")),
		"exp":               w.object(t, set("exp", now-11)),
		"no exp":            w.object(t, unset("exp")),
		"exp, text":         w.object(t, set("exp", "9999999999")),
		"exp, far":          w.object(t, set("exp", now+3700)),
		"nbf, old":          w.object(t, set("nbf", now-3700)),
		"nbf, future":       w.object(t, set("nbf", now+60)),
		"nested":            w.object(t, set("request", good)),
		"nested uri":        w.object(t, set("request_uri", URN+"x")),
		"scope, list":       w.object(t, set("scope", []string{"openid"})),
		"redirect, object":  w.object(t, set("redirect_uri", map[string]any{})),
		"resource, numbers": w.object(t, set("resource", []int{1})),
		"control":           w.object(t, set("state", "a\x00")),
	} {
		if r, err := w.run(t, url.Values{"client_id": {"app_1"}, "request": {text}}); oauth.CodeOf(err) != oauth.InvalidRequestObject && name != "large" || r.Trusted || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// redirect_uri only in the query is none.
	if r, err := w.run(t, with("request", w.object(t, unset("redirect_uri")))); oauth.CodeOf(err) != oauth.InvalidRequest || r.Trusted {
		t.Error("merged from outside:", err)
	}
	if _, err := w.run(t, url.Values{"client_id": {"app_alg"}, "request": {w.object(t, func(c map[string]any) { c["iss"], c["client_id"] = "app_alg", "app_alg" })}}); oauth.CodeOf(err) != oauth.InvalidRequestObject {
		t.Error("another algorithm than the registered one:", err)
	}
	jar := func(c map[string]any) { c["iss"], c["client_id"] = "app_jar", "app_jar" }
	if _, err := w.run(t, url.Values{"client_id": {"app_jar"}, "request": {w.object(t, jar)}}); err != nil {
		t.Error("a client that must sign:", err)
	}
	if _, err := w.run(t, url.Values{"client_id": {"app_jar"}, "request": {w.object(t, func(c map[string]any) { jar(c); delete(c, "nbf") })}}); oauth.CodeOf(err) != oauth.InvalidRequestObject {
		t.Error("a client that must sign, without nbf:", err)
	}
	if _, err := w.run(t, url.Values{"client_id": {"app_1"}, "request": {w.object(t, unset("nbf"))}}); err != nil {
		t.Error("a client that may sign, without nbf:", err)
	}
	if _, err := w.run(t, with("client_id", "app_2", "request", good)); oauth.CodeOf(err) != oauth.InvalidClient {
		t.Error("client_id outside:", err)
	}
}

// Every code that a check refuses with is declared, and the names are unique.
func TestList(t *testing.T) {
	names := map[string]bool{}
	for _, c := range List() {
		if names[c.Name] || c.Name == "" || c.Standard == "" || c.Rule == "" || c.run == nil {
			t.Errorf("%+v", c)
		}
		names[c.Name] = true
	}
	if len(slices.Collect(maps.Keys(names))) != len(List()) {
		t.Error("a check stands there twice")
	}
}
