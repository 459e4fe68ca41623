package oidc

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/keyring/keyringdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/serviceclient"
)

// world stands in for accounts, tokens, origins, limits and clients.
type world struct {
	clients map[ident.ServiceClientID][]serviceclient.Key
}

func (world) ByHost(host string) (ident.AccountID, bool) {
	return map[string]ident.AccountID{"login.a.example": "acc_a", "login.b.example": "acc_b"}[host], host != "unknown.example"
}
func (world) Issuer(account ident.AccountID) string {
	return "https://login." + strings.TrimPrefix(string(account), "acc_") + ".example"
}
func (world) Verify(context.Context, ident.AccountID, string) (actor.Actor, error) {
	return actor.Actor{}, io.EOF
}
func (world) OriginAllowed(ident.AccountID, string) bool { return false }
func (world) Allow(web.LimitClass, netip.Addr) (time.Duration, bool) {
	return 0, true
}
func (w world) Offer(account ident.AccountID) Offer {
	if account == "acc_b" {
		return Offer{}
	}
	return Offer{Registration: true, Documents: true, Certificates: true, MTLS: "https://mtls.a.example"}
}
func (world) Serves(path string) bool {
	return path != "/oauth/device" && path != "/oauth/logout"
}
func (world) GrantTypes() []string { return []string{"authorization_code"} }
func (w world) Keys(account ident.AccountID, id ident.ServiceClientID) ([]serviceclient.Key, bool) {
	keys, ok := w.clients[id]
	return keys, ok && account == "acc_a"
}

type fixture struct {
	handler http.Handler
	service *keyring.Service
	ring    *keyring.Ring
	db      *sqldb.DB
	clk     *clock.Fake
	world   world
}

func start(t testing.TB) *fixture {
	db, clk := sqldbtest.SQLite(t, keyringdb.Migrations(), nil)
	keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{db: db, clk: clk, world: world{clients: map[ident.ServiceClientID][]serviceclient.Key{}}}
	f.service = keyring.New(keyring.Deps{DB: db, Store: keyringdb.Store{}, Janitor: keyringdb.Store{}, Keys: keys})
	f.ring = keyring.NewRing(keyringdb.Store{}, keys, clk)
	for _, account := range []ident.AccountID{"acc_a", "acc_b"} {
		if err := f.service.Ensure(context.Background(), account); err != nil {
			t.Fatal(err)
		}
	}
	f.load(t)
	s := New(Deps{Accounts: f.world, Keys: f.ring, Clients: f.world, Provider: f.world, Clock: clk})
	f.handler, err = web.NewRouter(web.Deps{
		Accounts: f.world, Tokens: f.world, Origins: f.world, Limiter: f.world, Clock: clk, Log: slog.New(slog.DiscardHandler),
	}, s.Routes())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) load(t testing.TB) {
	if err := f.db.Read(context.Background(), tx.System(), f.ring.Load); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) do(method, host, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, "http://"+host+path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w.Result()
}

func (f *fixture) kids(t *testing.T, host, path string) (kids []string) {
	t.Helper()
	res := f.do("GET", host, path)
	var body struct{ Keys []map[string]string }
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res.Status, err)
	}
	for _, k := range body.Keys {
		kids = append(kids, k["kid"])
		x, err := base64.RawURLEncoding.Strict().DecodeString(k["x"])
		if err != nil || len(x) != ed25519.PublicKeySize || k["kty"] != "OKP" || k["crv"] != "Ed25519" || k["alg"] != "EdDSA" || k["use"] != "sig" || len(k) != 6 {
			t.Errorf("%v", k) // no private or other member
		}
	}
	return kids
}

// TestKeySets is JWT-15.
func TestKeySets(t *testing.T) {
	f := start(t)
	a, i, b := f.kids(t, "login.a.example", pathAccessKeys), f.kids(t, "login.a.example", pathIDKeys), f.kids(t, "login.b.example", pathAccessKeys)
	all := slices.Concat(a, i, b)
	slices.Sort(all)
	if len(a) != 1 || len(i) != 1 || len(b) != 1 || len(slices.Compact(all)) != 3 {
		t.Fatalf("the sets are mixed: %v %v %v", a, i, b)
	}
	if s, err := f.ring.Signer("acc_a", keyring.Access); err != nil || string(s.KID) != a[0] {
		t.Fatal("the set of SDKs does not hold the key that signs access tokens")
	}
	for _, header := range [][]string{nil, {"Accept", "text/html"}, {"Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."}, {"Origin", "https://evil.example"}} {
		res := f.do("GET", "login.a.example", pathAccessKeys+"?kid="+a[0]+"&iss=x", header...)
		h := res.Header
		if res.StatusCode != 200 || h.Get("Content-Type") != "application/json; charset=utf-8" || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" || h.Get("Cache-Control") != "public, max-age=300" ||
			h.Get("Etag") == "" || h.Get("Set-Cookie") != "" {
			t.Errorf("%v: %d %v", header, res.StatusCode, h)
		}
	}
	if 300*time.Second > keyring.DefaultAfter {
		t.Error("a key set may be kept longer than a new key waits")
	}
}

func TestOtherMethods(t *testing.T) {
	f := start(t)
	get := f.do("GET", "login.a.example", pathAccessKeys)
	head := f.do("HEAD", "login.a.example", pathAccessKeys)
	if head.StatusCode != 200 || head.Header.Get("Etag") != get.Header.Get("Etag") || head.Header.Get("Content-Length") != get.Header.Get("Content-Length") {
		t.Error(head.Status, head.Header)
	}
	for _, tag := range []string{get.Header.Get("Etag"), "W/" + get.Header.Get("Etag"), `"x", ` + get.Header.Get("Etag"), "*"} {
		if res := f.do("GET", "login.a.example", pathAccessKeys, "If-None-Match", tag); res.StatusCode != http.StatusNotModified || res.Header.Get("Etag") == "" {
			t.Errorf("%s: %s", tag, res.Status)
		}
	}
	if res := f.do("GET", "login.a.example", pathAccessKeys, "If-None-Match", `"other"`); res.StatusCode != 200 {
		t.Error(res.Status)
	}
	options := f.do("OPTIONS", "login.a.example", pathAccessKeys, "Origin", "https://any.example", "Access-Control-Request-Method", "GET")
	if options.StatusCode != http.StatusNoContent || options.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(options.Header.Get("Access-Control-Allow-Methods"), "GET") {
		t.Error(options.Status, options.Header)
	}
	if res := f.do("POST", "login.a.example", pathAccessKeys); res.StatusCode != http.StatusMethodNotAllowed {
		t.Error(res.Status)
	}
	if res := f.do("GET", "unknown.example", pathAccessKeys); res.StatusCode != http.StatusMisdirectedRequest {
		t.Error(res.Status)
	}
}

func TestTheSetFollowsTheKeys(t *testing.T) {
	f := start(t)
	before := f.kids(t, "login.a.example", pathAccessKeys)
	next, err := f.service.Rotate(t.Context(), actor.ForOperator("acc_a"), keyring.Access, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	f.load(t)
	both := f.kids(t, "login.a.example", pathAccessKeys)
	if len(both) != 2 || both[0] != before[0] || both[1] != string(next.KID) {
		t.Fatalf("a new key must be published before it signs: %v", both)
	}
	f.clk.Advance(time.Hour + keyring.MaxTokenLife)
	if got := f.kids(t, "login.a.example", pathAccessKeys); len(got) != 2 {
		t.Fatalf("the old key is unpublished while its last token lives: %v", got)
	}
	f.clk.Advance(keyring.Margin) // by the clock alone, without a change of the ring
	if got := f.kids(t, "login.a.example", pathAccessKeys); len(got) != 1 || got[0] != string(next.KID) {
		t.Fatalf("the old key is still published: %v", got)
	}
	if got := f.kids(t, "login.b.example", pathAccessKeys); len(got) != 1 {
		t.Fatal("another account's keys changed")
	}
}

func TestDiscovery(t *testing.T) {
	f := start(t)
	for range 2 { // made, then kept
		for host, issuer := range map[string]string{"login.a.example": "https://login.a.example", "login.b.example": "https://login.b.example"} {
			for _, path := range []string{pathDiscovery, pathMetadata} {
				res := f.do("GET", host, path, "X-Forwarded-Host", "evil.example")
				var m map[string]any
				if err := json.NewDecoder(res.Body).Decode(&m); err != nil {
					t.Fatal(err)
				}
				if m["issuer"] != issuer || m["jwks_uri"] != issuer+pathKeys || m["access_token_jwks_uri"] != issuer+pathAccessKeys ||
					m["authorization_endpoint"] != issuer+"/oauth/authorize" || m["token_endpoint"] != issuer+"/oauth/token" ||
					m["pushed_authorization_request_endpoint"] != issuer+"/oauth/par" || m["authorization_response_iss_parameter_supported"] != true ||
					m["request_uri_parameter_supported"] != false || len(m["response_types_supported"].([]any)) != 1 {
					t.Errorf("%v", m)
				}
				if challenges := m["code_challenge_methods_supported"].([]any); len(challenges) != 1 || challenges[0] != "S256" {
					t.Error(challenges)
				}
				for _, absent := range []string{"device_authorization_endpoint", "end_session_endpoint", "backchannel_logout_supported"} {
					if _, there := m[absent]; there {
						t.Errorf("discovery names %s, which does not exist", absent)
					}
				}
				_, registers := m["registration_endpoint"]
				aliases, _ := m["mtls_endpoint_aliases"].(map[string]any)
				if a := host == "login.a.example"; registers != a || (m["client_id_metadata_document_supported"] != nil) != a ||
					(m["tls_client_certificate_bound_access_tokens"] != nil) != a || a != (aliases["token_endpoint"] == "https://mtls.a.example/oauth/token") {
					t.Errorf("%s: %v", host, m)
				}
				if res.Header.Get("Access-Control-Allow-Origin") != "*" {
					t.Error(res.Header)
				}
			}
		}
	}
}

func TestClientKeys(t *testing.T) {
	f := start(t)
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	const path = "/v1/clients/sc_1/.well-known/openid-configuration/jwks"
	if res := f.do("GET", "login.a.example", path); res.StatusCode != http.StatusNotFound {
		t.Fatal(res.Status)
	}
	f.world.clients["sc_1"] = []serviceclient.Key{{KeyID: "k1", PublicKey: public}}
	if got := f.kids(t, "login.a.example", path); len(got) != 1 || got[0] != "k1" {
		t.Fatal(got)
	}
	if res := f.do("GET", "login.b.example", path); res.StatusCode != http.StatusNotFound {
		t.Error("another account's client:", res.Status)
	}
	f.world.clients["sc_1"] = nil
	if got := f.kids(t, "login.a.example", path); len(got) != 0 {
		t.Fatal("a removed key is published")
	}
}

func BenchmarkJWKS(b *testing.B) {
	f := start(b)
	r := httptest.NewRequest("GET", "http://login.a.example"+pathAccessKeys, nil)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		w.Body.Reset()
		f.handler.ServeHTTP(w, r)
	}
}
