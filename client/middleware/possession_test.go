package middleware

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/client/dpop"
	"github.com/admit-id/admit/client/verify"
)

// claimed verifies tokens by a table.
type claimed map[string]verify.Claims

func (c claimed) Verify(_ context.Context, token string) (verify.Claims, error) {
	found, err := c.VerifyBound(context.Background(), token)
	if err == nil && found.Confirmation.Bound() {
		err = verify.ErrBound
	}
	return found, err
}

func (c claimed) VerifyBound(_ context.Context, token string) (verify.Claims, error) {
	found, ok := c[token]
	if !ok {
		return verify.Claims{}, verify.ErrMalformed
	}
	return found, nil
}

// onlyBearer is a verifier that knows no bindings.
type onlyBearer struct{ Verifier }

const base = "https://api.example.test"

func newKey(t *testing.T) (*ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jkt, err := dpop.Thumbprint(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key, jkt
}

func newCertificate(t *testing.T) (*x509.Certificate, string) {
	t.Helper()
	key, _ := newKey(t)
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, base64.RawURLEncoding.EncodeToString(sum[:])
}

func proofFor(t *testing.T, key crypto.Signer, method, url, token, nonce string) string {
	t.Helper()
	made, err := dpop.Proof(key, method, url, token, nonce)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// A binding cannot be dropped or changed (DPO-03), and a proof is good for one request (DPO-01).
func TestBoundTokens(t *testing.T) {
	key, jkt := newKey(t)
	other, _ := newKey(t)
	cert, x5t := newCertificate(t)
	another, _ := newCertificate(t)
	table := claimed{
		"plain": {Subject: "u"}, "keyed": {Subject: "u", Confirmation: verify.Confirmation{JKT: jkt}},
		"certified": {Subject: "u", Confirmation: verify.Confirmation{X5T: x5t}}, "both": {Subject: "u", Confirmation: verify.Confirmation{JKT: jkt, X5T: x5t}},
	}
	good := func(token string) string { return proofFor(t, key, "GET", base+"/a%2Fb", token, "") }
	used := good("keyed")
	strict := Options{BaseURL: base, OnlyBound: true}
	normal := Options{BaseURL: base}
	for _, c := range []struct {
		name, authorization string
		proof               []string
		cert                *x509.Certificate
		options             Options
		verifier            Verifier
		why                 error
		challenge           string
	}{
		{"plain", "Bearer plain", nil, nil, normal, table, nil, ""},
		{"plain where only bound ones are taken", "Bearer plain", nil, nil, strict, table, ErrUnbound, `Bearer error="invalid_token"`},
		{"plain as DPoP", "DPoP plain", []string{good("plain")}, nil, normal, table, ErrScheme, `Bearer error="invalid_token"`},
		{"keyed", "DPoP keyed", []string{good("keyed")}, nil, normal, table, nil, ""},
		{"keyed where only bound ones are taken", "DPoP keyed", []string{good("keyed")}, nil, strict, table, nil, ""},
		{"keyed as Bearer", "Bearer keyed", []string{good("keyed")}, nil, normal, table, ErrScheme, `DPoP error="invalid_token"`},
		{"keyed as Bearer, without a base URL", "Bearer keyed", nil, nil, Options{}, table, ErrScheme, `DPoP error="invalid_token"`},
		{"keyed, without a base URL", "DPoP keyed", []string{good("keyed")}, nil, Options{}, table, ErrNoBaseURL, `DPoP error="invalid_token"`},
		{"keyed, by a verifier of bearers", "DPoP keyed", []string{good("keyed")}, nil, normal, onlyBearer{table}, verify.ErrBound, `DPoP error="invalid_token"`},
		{"no proof", "DPoP keyed", nil, nil, normal, table, dpop.ErrMissing, `DPoP error="invalid_dpop_proof"`},
		{"two proofs", "DPoP keyed", []string{good("keyed"), good("keyed")}, nil, normal, table, dpop.ErrProof, `DPoP error="invalid_dpop_proof"`},
		{"of another key", "DPoP keyed", []string{proofFor(t, other, "GET", base+"/a%2Fb", "keyed", "")}, nil, normal, table, ErrProofKey, `DPoP error="invalid_dpop_proof"`},
		{"of another token", "DPoP keyed", []string{good("plain")}, nil, normal, table, dpop.ErrProof, `DPoP error="invalid_dpop_proof"`},
		{"of another path", "DPoP keyed", []string{proofFor(t, key, "GET", base+"/a/b", "keyed", "")}, nil, normal, table, dpop.ErrProof, `DPoP error="invalid_dpop_proof"`},
		{"of another host", "DPoP keyed", []string{proofFor(t, key, "GET", "https://evil.example.test/a%2Fb", "keyed", "")}, nil, normal, table, dpop.ErrProof, `DPoP error="invalid_dpop_proof"`},
		{"of another method", "DPoP keyed", []string{proofFor(t, key, "POST", base+"/a%2Fb", "keyed", "")}, nil, normal, table, dpop.ErrProof, `DPoP error="invalid_dpop_proof"`},
		{"certified", "Bearer certified", nil, cert, normal, table, nil, ""},
		{"certified where only bound ones are taken", "Bearer certified", nil, cert, strict, table, nil, ""},
		{"certified as DPoP", "DPoP certified", []string{good("certified")}, cert, normal, table, ErrScheme, `Bearer error="invalid_token"`},
		{"certified without a certificate", "Bearer certified", nil, nil, normal, table, ErrCertificate, `Bearer error="invalid_token"`},
		{"certified with another", "Bearer certified", nil, another, normal, table, ErrCertificate, `Bearer error="invalid_token"`},
		{"both", "DPoP both", []string{good("both")}, cert, normal, table, nil, ""},
		{"both without a certificate", "DPoP both", []string{good("both")}, nil, normal, table, ErrCertificate, `DPoP error="invalid_token"`},
		{"both without a proof", "DPoP both", nil, cert, normal, table, dpop.ErrMissing, `DPoP error="invalid_dpop_proof"`},
		{"unknown", "DPoP unknown", []string{good("unknown")}, nil, normal, table, verify.ErrMalformed, `DPoP error="invalid_token"`},
		{"two tokens", "DPoP keyed,keyed", []string{used}, nil, normal, table, ErrHeader, `Bearer error="invalid_token"`},
	} {
		var why error
		c.options.Refused = func(_ *http.Request, err error) { why = err }
		h := RequireToken(c.verifier, c.options)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		r := httptest.NewRequest("GET", "http://10.0.0.5/a%2Fb?q=1", nil)
		r.RequestURI = "/a%2Fb?q=1"
		r.Header.Set("Authorization", c.authorization)
		r.Header[http.CanonicalHeaderKey("DPoP")] = c.proof
		if c.cert != nil {
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c.cert}}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !errors.Is(why, c.why) || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), c.challenge) || (w.Code == 200) != (c.why == nil) {
			t.Errorf("%s: %d %q because of %v", c.name, w.Code, w.Header().Values("WWW-Authenticate"), why)
		}
	}
}

func TestReplayAndNonce(t *testing.T) {
	key, jkt := newKey(t)
	nonces, err := dpop.NewNonces(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	table := claimed{"keyed": {Subject: "u", Confirmation: verify.Confirmation{JKT: jkt}}}
	send := func(h http.Handler, proof string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/x", nil)
		r.Header.Set("Authorization", "DPoP keyed")
		r.Header.Set("DPoP", proof)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	open := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	memory := dpop.NewMemory(0)
	one, two := RequireToken(table, Options{BaseURL: base, Memory: memory})(open), RequireToken(table, Options{BaseURL: base, Memory: memory})(open)
	proof := proofFor(t, key, "GET", base+"/x", "keyed", "")
	if w := send(one, proof); w.Code != 200 {
		t.Error(w.Code)
	}
	for _, h := range []http.Handler{one, two} {
		if w := send(h, proof); w.Code != 401 || !strings.Contains(w.Header().Get("WWW-Authenticate"), `error="invalid_dpop_proof"`) {
			t.Errorf("again: %d", w.Code)
		}
	}
	h := RequireToken(table, Options{BaseURL: base, Nonces: nonces})(open)
	w := send(h, proof)
	if w.Code != 401 || !strings.Contains(w.Header().Get("WWW-Authenticate"), `DPoP error="use_dpop_nonce"`) || w.Header().Get("DPoP-Nonce") == "" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if w := send(h, proofFor(t, key, "GET", base+"/x", "keyed", w.Header().Get("DPoP-Nonce"))); w.Code != 200 {
		t.Error(w.Code)
	}
}

// Scopes, and how the person has signed in (RFC 6750 section 3.1, RFC 9470).
func TestNeed(t *testing.T) {
	now := time.Now()
	table := claimed{
		"weak":   {Subject: "u", Scope: "read", ACR: "urn:admit:aal1", AuthTime: now.Add(-time.Hour)},
		"strong": {Subject: "u", Scope: "read write", ACR: "urn:admit:aal2", AuthTime: now.Add(-time.Minute)},
		"silent": {Subject: "u", Scope: "read write"},
	}
	outer := RequireToken(table, Options{Need: Need{Scopes: []string{"read"}}, Metadata: base + wellKnown})
	for _, c := range []struct {
		token     string
		need      Need
		status    int
		challenge string
	}{
		{"weak", Need{}, 200, ""},
		{"strong", Need{Scopes: []string{"write"}, ACR: []string{"urn:admit:aal3", "urn:admit:aal2"}, MaxAge: 5 * time.Minute}, 200, ""},
		{"weak", Need{Scopes: []string{"read", "write"}}, 403, `Bearer error="insufficient_scope", error_description="More scopes are needed.", scope="read write", resource_metadata="` + base + wellKnown + `"`},
		{"weak", Need{ACR: []string{"urn:admit:aal2"}}, 401, `Bearer error="insufficient_user_authentication", error_description="Another sign-in is needed.", acr_values="urn:admit:aal2", resource_metadata="` + base + wellKnown + `"`},
		{"weak", Need{MaxAge: 5 * time.Minute}, 401, `Bearer error="insufficient_user_authentication", error_description="Another sign-in is needed.", max_age="300", resource_metadata="` + base + wellKnown + `"`},
		{"silent", Need{ACR: []string{"urn:admit:aal1"}}, 401, `Bearer error="insufficient_user_authentication"`},
		{"silent", Need{MaxAge: time.Hour}, 401, `Bearer error="insufficient_user_authentication"`},
		{"none", Need{}, 401, `Bearer error="invalid_token", error_description="The access token is not valid.", resource_metadata="`},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+c.token)
		w := httptest.NewRecorder()
		outer(Require(c.need)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))).ServeHTTP(w, r)
		if got := w.Header().Get("WWW-Authenticate"); w.Code != c.status || !strings.HasPrefix(got, c.challenge) {
			t.Errorf("%s, %+v: %d %q", c.token, c.need, w.Code, got)
		}
	}
	w := httptest.NewRecorder()
	Require(Need{})(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 401 {
		t.Errorf("without RequireToken: %d", w.Code)
	}
}

func TestResource(t *testing.T) {
	for id, want := range map[string]string{
		"https://api.example.test":       "https://api.example.test/.well-known/oauth-protected-resource",
		"https://api.example.test/":      "https://api.example.test/.well-known/oauth-protected-resource",
		"https://api.example.test/v1/x":  "https://api.example.test/.well-known/oauth-protected-resource/v1/x",
		"https://api.example.test/a?b=c": "https://api.example.test/.well-known/oauth-protected-resource/a?b=c",
		"http://localhost:3000/mcp":      "http://localhost:3000/.well-known/oauth-protected-resource/mcp",
		"http://api.example.test":        "", "https://u:p@api.example.test": "", "https://api.example.test/#x": "", "api": "",
	} {
		got, err := Resource{ID: id, Issuers: []string{"https://login.example.test"}}.MetadataURL()
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %s, %v", id, got, err)
		}
	}
	if _, err := (Resource{ID: base}).MetadataURL(); err == nil {
		t.Error("no issuer")
	}
	path, h, err := Resource{ID: base + "/v1", Issuers: []string{"https://login.example.test"}, Scopes: []string{"read"}, OnlyBound: true}.Handler()
	if err != nil || path != wellKnown+"/v1" {
		t.Fatal(path, err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got["resource"] != base+"/v1" || got["dpop_bound_access_tokens_required"] != true || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%v, %v", got, err)
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", path, nil))
	if w.Code != 405 {
		t.Error(w.Code)
	}
}
