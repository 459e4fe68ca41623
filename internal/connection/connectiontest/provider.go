package connectiontest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/egress"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
)

// Provider is an identity provider that does what a test tells it. Untouched, it is an honest
// one: it checks client, code, redirect URI and PKCE.
type Provider struct {
	URL          string
	ClientID     string
	ClientSecret string

	mu      sync.Mutex
	server  *httptest.Server
	clock   clock.Clock
	codes   map[string]url.Values
	tokens  map[string]map[string]any
	counts  map[string]int
	Keys    []Key // the key set; the first signs
	Subject string

	// Faults. Each changes what an honest provider would say.
	Discovery, KeySet, Header, Claims, Token, Userinfo func(map[string]any)
	// Sign replaces the signing of ID tokens.
	Sign func(header, claims map[string]any) string
	// Handle replaces the answer of a path.
	Handle map[string]http.HandlerFunc
}

// Key is a signing key of a Provider.
type Key struct {
	ID, Algorithm string
	Private       crypto.Signer
}

// The paths of a Provider.
const (
	PathDiscovery = "/.well-known/openid-configuration"
	PathKeys      = "/keys"
	PathToken     = "/token"
	PathUserinfo  = "/userinfo"
	PathEmails    = "/userinfo/emails"
)

// NewKey makes a signing key.
func NewKey(t testing.TB, id, algorithm string) Key {
	t.Helper()
	var (
		private crypto.Signer
		err     error
	)
	switch algorithm {
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return Key{id, algorithm, private}
}

// NewProvider starts a provider on loopback, over TLS, that ends with the test.
func NewProvider(t testing.TB, c clock.Clock) *Provider {
	t.Helper()
	p := &Provider{
		ClientID: "admit", ClientSecret: "s3cret/+&=", Subject: "person-1", clock: c,
		codes: map[string]url.Values{}, tokens: map[string]map[string]any{}, counts: map[string]int{},
		Handle: map[string]http.HandlerFunc{}, Keys: []Key{NewKey(t, "k1", "ES256")},
	}
	p.server = httptest.NewTLSServer(p)
	p.URL = p.server.URL
	t.Cleanup(p.server.Close)
	return p
}

// HTTP returns the guarded client, allowed to reach loopback and trusting these providers.
func HTTP(c clock.Clock, list ...*Provider) *http.Client {
	pool := x509.NewCertPool()
	for _, p := range list {
		pool.AddCert(p.server.Certificate())
	}
	return egress.New(egress.Options{Clock: c, Roots: pool, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
}

// Input is a connection to the provider, for connection.Service.
func (p *Provider) Input(id ident.ConnectionID) connection.Input {
	return connection.Input{ID: id, Secret: secret.New(p.ClientSecret),
		Spec: connection.Spec{Name: "Test", IssuerURL: p.URL, ClientID: p.ClientID}}
}

// Count returns how often a path was asked for.
func (p *Provider) Count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[path]
}

// Change changes the provider while requests may be under way.
func (p *Provider) Change(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn()
}

// Authorize is the person saying yes: it returns what the browser brings back.
func (p *Provider) Authorize(t testing.TB, authorizeURL string) connection.Callback {
	t.Helper()
	u, err := url.Parse(authorizeURL)
	if err != nil || !strings.HasPrefix(authorizeURL, p.URL+"/authorize?") {
		t.Fatalf("authorize at %s: %v", authorizeURL, err)
	}
	code := rand.Text()
	p.Change(func() { p.codes[code] = u.Query() })
	return connection.Callback{Code: secret.New(code)}
}

// ServeHTTP is the provider.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.counts[r.URL.Path]++
	handle := p.Handle[r.URL.Path]
	p.mu.Unlock()
	if handle != nil {
		handle(w, r)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.URL.Path {
	case PathDiscovery:
		answer(w, 200, p.discovery())
	case PathKeys:
		answer(w, 200, p.keySet())
	case PathToken:
		p.token(w, r)
	case PathUserinfo:
		p.userinfo(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (p *Provider) discovery() map[string]any {
	o := map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + PathToken,
		"userinfo_endpoint": p.URL + PathUserinfo, "jwks_uri": p.URL + PathKeys,
		"id_token_signing_alg_values_supported": []string{"RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256", "none"},
	}
	return changed(p.Discovery, o)
}

func (p *Provider) keySet() map[string]any {
	keys := []map[string]any{}
	for _, k := range p.Keys {
		text, _ := jose.JSONWebKey{Key: k.Private.Public(), KeyID: k.ID, Algorithm: k.Algorithm, Use: "sig"}.MarshalJSON()
		one := map[string]any{}
		_ = json.Unmarshal(text, &one)
		keys = append(keys, one)
	}
	return changed(p.KeySet, map[string]any{"keys": keys})
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	client, password, basic := r.BasicAuth()
	if basic {
		client, _ = url.QueryUnescape(client)
		password, _ = url.QueryUnescape(password)
	} else {
		client, password = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	request, known := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case client != p.ClientID || password != p.ClientSecret:
		answer(w, 401, map[string]any{"error": "invalid_client"})
		return
	case !known, request.Get("redirect_uri") != r.PostFormValue("redirect_uri"), request.Get("code_challenge_method") != "S256",
		request.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]):
		answer(w, 400, map[string]any{"error": "invalid_grant"})
		return
	}
	now := p.clock.Now()
	access := rand.Text()
	claims := map[string]any{
		"iss": p.URL, "sub": p.Subject, "aud": p.ClientID, "nonce": request.Get("nonce"),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "email": "ada@example.com", "email_verified": true, "name": "Ada",
	}
	changed(p.Claims, claims)
	p.tokens[access] = claims
	header := changed(p.Header, map[string]any{"alg": p.Keys[0].Algorithm, "kid": p.Keys[0].ID, "typ": "JWT"})
	sign := p.Sign
	if sign == nil {
		sign = func(header, claims map[string]any) string { return Sign(p.Keys[0], header, claims) }
	}
	answer(w, 200, changed(p.Token, map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": sign(header, claims),
	}))
}

func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	claims, ok := p.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok {
		answer(w, 401, map[string]any{"error": "invalid_token"})
		return
	}
	answer(w, 200, changed(p.Userinfo, maps.Clone(claims)))
}

// Sign makes a compact JWS of any header and claims.
func Sign(k Key, header, claims map[string]any) string {
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	return SignBytes(k, h, c)
}

// SignBytes is Sign for texts that are no JSON of Go's making.
func SignBytes(k Key, header, payload []byte) string {
	input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	var signature []byte
	switch private := k.Private.(type) {
	case ed25519.PrivateKey:
		signature = ed25519.Sign(private, []byte(input))
	case *ecdsa.PrivateKey:
		hash, size := crypto.SHA256, 32
		if private.Curve == elliptic.P384() {
			hash, size = crypto.SHA384, 48
		}
		d := hash.New()
		d.Write([]byte(input))
		r, s, _ := ecdsa.Sign(rand.Reader, private, d.Sum(nil))
		signature = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	case *rsa.PrivateKey:
		sum := sha256.Sum256([]byte(input))
		if k.Algorithm == "PS256" {
			signature, _ = rsa.SignPSS(rand.Reader, private, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: 32})
		} else {
			signature, _ = rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, sum[:])
		}
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func changed(fn func(map[string]any), o map[string]any) map[string]any {
	if fn != nil {
		fn(o)
	}
	return o
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
