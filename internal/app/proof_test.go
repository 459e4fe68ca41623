package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/client/dpop"
	"github.com/admit-id/admit/client/middleware"
	"github.com/admit-id/admit/client/verify"
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/config"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

// proofHouse is a deployment that speaks TLS itself and asks for certificates at a second address.
type proofHouse struct {
	*testing.T
	app        *App
	main, mtls string // base URLs
}

func eachProofHouse(t *testing.T, change func(*config.Config), fn func(h proofHouse)) {
	t.Run("sqlite", func(t *testing.T) {
		fn(newProofHouse(t, sqldbtest.SQLiteURL(t, migrations()), change))
	})
	t.Run("postgres", func(t *testing.T) {
		if os.Getenv(sqldbtest.PostgresEnv) == "" {
			t.Skip("no PostgreSQL")
		}
		fn(newProofHouse(t, sqldbtest.PostgresCopyURL(t, migrations()), change))
	})
}

func newProofHouse(t *testing.T, database string, change func(*config.Config)) proofHouse {
	t.Helper()
	listeners := make([]net.Listener, 2)
	urls := make([]string, 2)
	for i := range listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners[i], urls[i] = l, fmt.Sprintf("https://localhost:%d", l.Addr().(*net.TCPAddr).Port)
	}
	cfg := config.Default()
	cfg.DataDir, cfg.LogLevel = t.TempDir(), "error"
	cfg.StaleAfter = time.Minute // a busy machine is no cut cable
	cfg.MasterKey, cfg.Database = secret.New(base64.StdEncoding.EncodeToString(make([]byte, 32))), secret.New(database)
	cfg.PublicURL, cfg.MTLSURL, cfg.MTLSListen = urls[0], urls[1], "127.0.0.1:0"
	server := newProofKey(t, "localhost")
	cfg.TLSCert, cfg.TLSKey = server.files(t, cfg.DataDir)
	if change != nil {
		change(&cfg)
	}
	a, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	servers, err := a.servers()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- servers.Serve(ctx, listeners) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return proofHouse{t, a, urls[0], urls[1]}
}

// proofKey is a key with a certificate that it has signed itself.
type proofKey struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newProofKey(t *testing.T, name string) proofKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return proofKey{key, cert}
}

func (k proofKey) files(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: k.cert.Raw}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// jwks is the key as a client registers it.
func (k proofKey) jwks(t *testing.T) json.RawMessage {
	t.Helper()
	point, err := k.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	return json.RawMessage(`{"keys":[{"kty":"EC","crv":"P-256","kid":"k","use":"sig","alg":"ES256","x":"` + enc(point[1:33]) + `","y":"` + enc(point[33:]) + `"}]}`)
}

// client speaks to the house, with a certificate or without.
func (h proofHouse) client(with *proofKey) *http.Client {
	c := &tls.Config{InsecureSkipVerify: true} // the server's name is not what is tested
	if with != nil {
		c.Certificates = []tls.Certificate{{Certificate: [][]byte{with.cert.Raw}, PrivateKey: with.key}}
	}
	transport := &http.Transport{TLSClientConfig: c}
	h.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

type said struct {
	status int
	header http.Header
	body   map[string]any
}

func (h proofHouse) send(c *http.Client, r *http.Request) said {
	h.Helper()
	response, err := c.Do(r)
	if err != nil {
		h.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		h.Fatal(err)
	}
	out := said{status: response.StatusCode, header: response.Header}
	json.Unmarshal(data, &out.body)
	return out
}

func (h proofHouse) post(c *http.Client, to string, form url.Values, proofs ...string) said {
	h.Helper()
	r, err := http.NewRequest("POST", to, strings.NewReader(form.Encode()))
	if err != nil {
		h.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, p := range proofs {
		r.Header.Add("DPoP", p)
	}
	return h.send(c, r)
}

func (h proofHouse) get(c *http.Client, from, authorization string, proofs ...string) said {
	h.Helper()
	r, err := http.NewRequest("GET", from, nil)
	if err != nil {
		h.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	for _, p := range proofs {
		r.Header.Add("DPoP", p)
	}
	return h.send(c, r)
}

// service makes a service client that may do everything, and returns its form at the token endpoint.
func (h proofHouse) service() url.Values {
	h.Helper()
	key, err := h.app.CreateAccessKey(h.Context(), "ci", true)
	if err != nil {
		h.Fatal(err)
	}
	id, _, _ := strings.Cut(key.Reveal(), ".")
	made, err := newClients(h.app.db).CreateKey(h.Context(), actor.ForOperator(ident.DefaultAccount), ident.ServiceClientID(id))
	if err != nil {
		h.Fatal(err)
	}
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {made.ClientSecret.Reveal()}}
}

func edProofKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func (h proofHouse) proof(key, method, url, token, nonce string) string {
	h.Helper()
	made, err := dpop.Proof(edProofKey(key), method, url, token, nonce)
	if err != nil {
		h.Fatal(err)
	}
	return made
}

// From the token endpoint to the API: a token that is bound to a key is good with that key only, and
// a proof once (DPO-01, DPO-03).
func TestProofsOfPossession(t *testing.T) {
	eachProofHouse(t, nil, func(h proofHouse) {
		form, c := h.service(), h.client(nil)
		endpoint, api := h.main+"/oauth/token", h.main+"/v1/clients"
		made := h.post(c, endpoint, form, h.proof("a", "POST", endpoint, "", ""))
		token, _ := made.body["access_token"].(string)
		if made.status != 200 || made.body["token_type"] != "DPoP" || token == "" {
			h.Fatalf("%+v", made)
		}
		plain, _ := h.post(c, endpoint, form).body["access_token"].(string)
		good := func() string { return h.proof("a", "GET", api, token, "") }
		used := good()
		for _, s := range []struct {
			name, authorization string
			proofs              []string
			status              int
			code                string
		}{
			{"bound", "DPoP " + token, []string{used}, 200, ""},
			{"replayed", "DPoP " + token, []string{used}, 401, "invalid_dpop_proof"},
			{"replayed at another URL", "DPoP " + token, []string{h.proof("a", "GET", h.main+"/v1/users", token, "")}, 401, "invalid_dpop_proof"},
			{"as Bearer", "Bearer " + token, []string{good()}, 401, "invalid_token"},
			{"without a proof", "DPoP " + token, nil, 401, "invalid_dpop_proof"},
			{"two proofs", "DPoP " + token, []string{good(), good()}, 401, "invalid_dpop_proof"},
			{"of another key", "DPoP " + token, []string{h.proof("b", "GET", api, token, "")}, 401, "invalid_dpop_proof"},
			{"of another token", "DPoP " + token, []string{h.proof("a", "GET", api, plain, "")}, 401, "invalid_dpop_proof"},
			{"of no token", "DPoP " + token, []string{h.proof("a", "GET", api, "", "")}, 401, "invalid_dpop_proof"},
			{"of another method", "DPoP " + token, []string{h.proof("a", "HEAD", api, token, "")}, 401, "invalid_dpop_proof"},
			{"another spelling of the host", "DPoP " + token, []string{h.proof("a", "GET", strings.Replace(api, "localhost", "LOCALHOST", 1)+"?a=b", token, "")}, 200, ""},
			{"an unbound token with a proof", "DPoP " + plain, []string{h.proof("a", "GET", api, plain, "")}, 401, "invalid_token"},
			{"an unbound token", "Bearer " + plain, nil, 200, ""},
		} {
			got := h.get(c, api, s.authorization, s.proofs...)
			if got.status != s.status || !strings.Contains(got.header.Get("WWW-Authenticate"), s.code) {
				h.Errorf("%s: %d %q", s.name, got.status, got.header.Values("WWW-Authenticate"))
			}
		}
		seen := h.post(c, h.main+"/oauth/introspect", url.Values{"client_id": form["client_id"], "client_secret": form["client_secret"], "token": {token}})
		cnf, _ := seen.body["cnf"].(map[string]any)
		if jkt, _ := dpop.Thumbprint(edProofKey("a").Public()); seen.body["active"] != true || seen.body["token_type"] != "DPoP" || cnf["jkt"] != jkt {
			h.Errorf("introspection: %v", seen.body)
		}
	})
}

// One proof, a hundred requests for a token at once: one token (DPO-01, I-4).
func TestProofIsUsedOnce(t *testing.T) {
	eachProofHouse(t, nil, func(h proofHouse) {
		form, c, endpoint := h.service(), h.client(nil), h.main+"/oauth/token"
		proof := h.proof("a", "POST", endpoint, "", "")
		var made, refused atomic.Int64
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				got := h.post(c, endpoint, form, proof)
				switch {
				case got.status == 200 && got.body["token_type"] == "DPoP":
					made.Add(1)
				case got.status == 400 && got.body["error"] == "invalid_dpop_proof":
					refused.Add(1)
				default:
					h.Errorf("%d %v", got.status, got.body)
				}
			})
		}
		all.Wait()
		if made.Load() != 1 || refused.Load() != 99 {
			h.Errorf("%d made, %d refused", made.Load(), refused.Load())
		}
	})
}

// With nonces demanded, a client of the library needs nothing else, and the nonces of the two kinds
// of endpoints are apart (DPO-05).
func TestNoncesEndToEnd(t *testing.T) {
	eachProofHouse(t, func(c *config.Config) { c.RequireNonce = true }, func(h proofHouse) {
		form, c, endpoint, api := h.service(), h.client(nil), h.main+"/oauth/token", h.main+"/v1/clients"
		first := h.post(c, endpoint, form, h.proof("a", "POST", endpoint, "", ""))
		nonce := first.header.Get("DPoP-Nonce")
		if first.status != 400 || first.body["error"] != "use_dpop_nonce" || nonce == "" {
			h.Fatalf("%d %v %v", first.status, first.body, first.header)
		}
		signing := &http.Client{Transport: &dpop.Transport{Key: edProofKey("a"), Base: c.Transport}}
		made := h.post(signing, endpoint, form)
		token, _ := made.body["access_token"].(string)
		if made.status != 200 || token == "" {
			h.Fatalf("%d %v", made.status, made.body)
		}
		got := h.get(c, api, "DPoP "+token, h.proof("a", "GET", api, token, nonce))
		if got.status != 401 || !strings.Contains(got.header.Get("WWW-Authenticate"), `error="use_dpop_nonce"`) || got.header.Get("DPoP-Nonce") == "" {
			h.Errorf("the server's nonce at the API: %d %v", got.status, got.header)
		}
		if got := h.get(c, api, "DPoP "+token, h.proof("a", "GET", api, token, got.header.Get("DPoP-Nonce"))); got.status != 200 {
			h.Errorf("the API's nonce: %d %v", got.status, got.header)
		}
		if got := h.get(signing, api, "DPoP "+token); got.status != 200 {
			h.Errorf("a signing client: %d %v", got.status, got.header)
		}
	})
}

// api is somebody's API that asks for certificates.
func (h proofHouse) api() string {
	h.Helper()
	v, err := verify.New(verify.Config{Issuer: h.main, Audience: string(ident.DefaultAccount), HTTPClient: h.client(nil)})
	if err != nil {
		h.Fatal(err)
	}
	server := httptest.NewUnstartedServer(middleware.RequireToken(v, middleware.Options{})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	h.Cleanup(server.Close)
	return server.URL
}

// A client that proves itself by a self-signed certificate gets a token that is good with this
// certificate only (RFC 8705).
func TestMutualTLSEndToEnd(t *testing.T) {
	eachProofHouse(t, nil, func(h proofHouse) {
		mine, other := newProofKey(h.T, "mine"), newProofKey(h.T, "mine")
		a, err := h.app.f.applications.Create(h.Context(), actor.ForOperator(ident.DefaultAccount), application.Application{
			Name: "bank", RedirectURLs: []string{"https://bank.example/cb"},
			OAuth: application.OAuth{AuthMethod: application.AuthSelfSignedTLS, JWKS: mine.jwks(h.T), GrantTypes: []string{"client_credentials"}, CertificateBound: true},
		})
		if err != nil {
			h.Fatal(err)
		}
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {string(a.ID)}}
		for name, s := range map[string]struct {
			base string
			with *proofKey
			ok   bool
		}{
			"its certificate": {h.mtls, &mine, true}, "another of that name": {h.mtls, &other, false}, "none": {h.mtls, nil, false}, "where nobody asks": {h.main, &mine, false},
		} {
			got := h.post(h.client(s.with), s.base+"/oauth/token", form)
			if (got.status == 200) != s.ok || !s.ok && got.body["error"] != "invalid_client" {
				h.Errorf("%s: %d %v", name, got.status, got.body)
			}
			if !s.ok {
				continue
			}
			token, _ := got.body["access_token"].(string)
			parts := strings.Split(token, ".")
			claims, err := base64.RawURLEncoding.DecodeString(parts[1])
			sum := sha256.Sum256(mine.cert.Raw)
			if err != nil || !bytes.Contains(claims, []byte(`"x5t#S256":"`+base64.RawURLEncoding.EncodeToString(sum[:])+`"`)) {
				h.Errorf("claims %s", claims)
			}
			api := h.api()
			for name, with := range map[string]*proofKey{"its certificate": &mine, "another": &other, "none": nil} {
				want := map[bool]int{true: 200, false: 401}[with == &mine]
				if got := h.get(h.client(with), api, "Bearer "+token); got.status != want {
					h.Errorf("at an API with %s: %d", name, got.status)
				}
			}
		}
		var m map[string]any
		response, err := h.client(nil).Get(h.main + "/.well-known/openid-configuration")
		if err != nil {
			h.Fatal(err)
		}
		defer response.Body.Close()
		if err := json.NewDecoder(response.Body).Decode(&m); err != nil {
			h.Fatal(err)
		}
		aliases, _ := m["mtls_endpoint_aliases"].(map[string]any)
		methods := fmt.Sprint(m["token_endpoint_auth_methods_supported"])
		if aliases["token_endpoint"] != h.mtls+"/oauth/token" || m["tls_client_certificate_bound_access_tokens"] != true ||
			!strings.Contains(methods, "self_signed_tls_client_auth") || strings.Contains(methods, " tls_client_auth") {
			h.Errorf("%v", m)
		}
	})
}
