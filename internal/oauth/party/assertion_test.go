package party_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/party"
	"github.com/admit-id/admit/internal/oauth/party/partydb"
)

func rand16() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func publicOf(s signer) ed25519.PublicKey { return s.private.Public().(ed25519.PublicKey) }

// The rules of RFC 7523 section 3, and the audience alone and exact (eprint 2025/629).
func TestPrivateKeyJWT(t *testing.T) {
	r := newRig(t)
	good := map[string]any{"iss": "app_pk", "sub": "app_pk", "aud": issuer, "iat": r.clock.Now().Unix(), "exp": r.clock.Now().Add(5 * time.Minute).Unix()}
	for _, alg := range []string{"EdDSA", "ES256", "RS256", "PS256"} {
		key := newSigner(t, alg)
		r.add("app_pk", application.OAuth{AuthMethod: application.AuthPrivateKeyJWT, JWKS: []byte(set(t, key))})
		for what, aud := range map[string]any{"issuer": issuer, "token endpoint": endpoint, "one in a list": []string{issuer}} {
			r.want(t, alg+" "+what, party.Presented{Form: assertion(key.sign(t, with(good, "aud", aud, "jti", rand16())))}, "")
		}
		r.want(t, alg+" explicit type", party.Presented{Form: assertion(key.sign(t, with(good, "jti", rand16()), "typ", "client-authentication+jwt"))}, "")
	}
	key, other := newSigner(t, "ES256"), newSigner(t, "ES256")
	r.add("app_pk", application.OAuth{AuthMethod: application.AuthPrivateKeyJWT, AuthAlg: "ES256", JWKS: []byte(set(t, key))})
	r.add("app_two", application.OAuth{AuthMethod: application.AuthPrivateKeyJWT, JWKS: []byte(set(t, other))})
	good["jti"] = "once"
	text := key.sign(t, good)
	r.want(t, "control", party.Presented{Form: assertion(text)}, "")
	parts := strings.Split(text, ".")
	raw := func(header, payload string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + parts[2]
	}
	fresh := func(pairs ...any) string { return key.sign(t, with(with(good, "jti", rand16()), pairs...)) }
	for what, f := range map[string]url.Values{
		"again":                           assertion(text),
		"again in another spelling":       assertion(text + "="),
		"iss of another":                  assertion(fresh("iss", "app_two"), "client_id", "app_pk"),
		"sub of another":                  assertion(fresh("sub", "app_two"), "client_id", "app_pk"),
		"both of another":                 assertion(fresh("iss", "app_two", "sub", "app_two")),
		"another client's id beside":      assertion(fresh(), "client_id", "app_two"),
		"signed by another":               assertion(signer{key.alg, key.kid, other.private}.sign(t, with(good, "jti", rand16()))),
		"no aud":                          assertion(fresh("aud", nil)),
		"another server's aud":            assertion(fresh("aud", "https://evil.example")),
		"another account's aud":           assertion(fresh("aud", "https://other.example")),
		"two auds":                        assertion(fresh("aud", []string{issuer, "https://evil.example"})),
		"no auds":                         assertion(fresh("aud", []string{})),
		"aud with a slash":                assertion(fresh("aud", issuer+"/")),
		"aud in other case":               assertion(fresh("aud", strings.ToUpper(issuer))),
		"aud of another endpoint":         assertion(fresh("aud", issuer+"/oauth/revoke")),
		"no exp":                          assertion(fresh("exp", nil)),
		"exp as text":                     assertion(fresh("exp", "4102444800")),
		"expired":                         assertion(fresh("exp", r.clock.Now().Add(-11*time.Second).Unix())),
		"exp far away":                    assertion(fresh("exp", r.clock.Now().Add(2*time.Hour).Unix())),
		"iat in the future":               assertion(fresh("iat", r.clock.Now().Add(time.Minute).Unix())),
		"nbf in the future":               assertion(fresh("nbf", r.clock.Now().Add(time.Minute).Unix())),
		"no jti":                          assertion(fresh("jti", nil)),
		"empty jti":                       assertion(fresh("jti", "")),
		"jti as a number":                 assertion(fresh("jti", 7)),
		"long jti":                        assertion(fresh("jti", strings.Repeat("a", 257))),
		"another type":                    assertion(key.sign(t, with(good, "jti", rand16()), "typ", "at+jwt")),
		"an ID token's type":              assertion(key.sign(t, with(good, "jti", rand16()), "typ", "logout+jwt")),
		"alg none":                        assertion(raw(`{"alg":"none"}`, `{"iss":"app_pk","sub":"app_pk"}`), "client_id", "app_pk"),
		"alg HS256":                       assertion(raw(`{"alg":"HS256","kid":"ES256-1"}`, `{"iss":"app_pk","sub":"app_pk"}`), "client_id", "app_pk"),
		"a header that brings a key":      assertion(raw(`{"alg":"ES256","jwk":{}}`, `{"sub":"app_pk"}`), "client_id", "app_pk"),
		"a header that names an address":  assertion(raw(`{"alg":"ES256","jku":"https://evil.example"}`, `{"sub":"app_pk"}`), "client_id", "app_pk"),
		"a critical header":               assertion(raw(`{"alg":"ES256","crit":["x"],"x":1}`, `{"sub":"app_pk"}`), "client_id", "app_pk"),
		"a header member twice":           assertion(raw(`{"alg":"ES256","alg":"ES256"}`, `{"sub":"app_pk"}`), "client_id", "app_pk"),
		"an unsigned change":              assertion(parts[0]+"."+base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"app_pk","sub":"app_pk","jti":"2"}`))+"."+parts[2], "client_id", "app_pk"),
		"no signature":                    assertion(parts[0]+"."+parts[1]+".", "client_id", "app_pk"),
		"five parts":                      assertion(text+".a.b", "client_id", "app_pk"),
		"JSON serialization":              assertion(`{"payload":"`+parts[1]+`","signatures":[{"protected":"`+parts[0]+`","signature":"`+parts[2]+`"}]}`, "client_id", "app_pk"),
		"a large one":                     assertion(strings.Repeat("a", 40<<10)+".a.a", "client_id", "app_pk"),
		"of a key that is not the client": assertion(other.sign(t, with(good, "jti", rand16()))),
	} {
		r.want(t, what, party.Presented{Form: f}, oauth.InvalidClient)
	}
	// Another algorithm than the registered one.
	ed := newSigner(t, "EdDSA")
	r.add("app_pk", application.OAuth{AuthMethod: application.AuthPrivateKeyJWT, AuthAlg: "ES256", JWKS: []byte(set(t, key, ed))})
	r.want(t, "another algorithm", party.Presented{Form: assertion(ed.sign(t, with(good, "jti", rand16())))}, oauth.InvalidClient)
	// What was used here may be anybody else's jti.
	two := with(good, "iss", "app_two", "sub", "app_two")
	r.want(t, "another client's same jti", party.Presented{Form: assertion(other.sign(t, two))}, "")
}

// A key set at an address is fetched once for many, and seldom again, whatever strangers send.
func TestKeysAtAnAddress(t *testing.T) {
	r := newRig(t)
	const address = "https://c.example/jwks"
	one, two := newSigner(t, "ES256"), newSigner(t, "ES256")
	two.kid = "next"
	r.add("app_pk", application.OAuth{AuthMethod: application.AuthPrivateKeyJWT, JWKSURI: address})
	claims := func() map[string]any {
		return map[string]any{"iss": "app_pk", "sub": "app_pk", "aud": issuer, "exp": r.clock.Now().Add(time.Minute).Unix(), "jti": rand16()}
	}
	if _, err := r.try(t, party.Presented{Form: assertion(one.sign(t, claims()))}); !fault.Is(err, fault.Unavailable) {
		t.Fatal("nobody serves the keys:", err)
	}
	r.web.put(address, set(t, one))
	r.clock.Advance(11 * time.Second)
	var all sync.WaitGroup
	for range 50 {
		text := one.sign(t, claims())
		all.Go(func() { r.want(t, "many at once", party.Presented{Form: assertion(text)}, "") })
	}
	all.Wait()
	if n := r.web.asked[address]; n != 2 {
		t.Fatalf("asked %d times", n)
	}
	r.web.put(address, set(t, one, two))
	r.want(t, "a new key, at once", party.Presented{Form: assertion(two.sign(t, claims()))}, "")
	stranger := newSigner(t, "ES256")
	for i := range 200 {
		stranger.kid = "k" + rand16()
		_, err := r.try(t, party.Presented{Form: assertion(stranger.sign(t, claims()))})
		if oauth.CodeOf(err) != oauth.InvalidClient {
			t.Fatal(i, err)
		}
	}
	if n := r.web.asked[address]; n != 3 {
		t.Fatalf("strangers made it be asked: %d times", n)
	}
	// A host that is gone for a while does not lock the client out; a day later it does.
	r.web.mu.Lock()
	delete(r.web.serves, address)
	r.web.mu.Unlock()
	r.clock.Advance(time.Hour)
	r.want(t, "while the host is away", party.Presented{Form: assertion(one.sign(t, claims()))}, "")
	r.clock.Advance(25 * time.Hour)
	if _, err := r.try(t, party.Presented{Form: assertion(one.sign(t, claims()))}); !fault.Is(err, fault.Unavailable) {
		t.Fatal(err)
	}
}

func TestWorkloads(t *testing.T) {
	r := newRig(t)
	const from, keys = "https://kube.example/cluster", "https://kube.example/keys"
	for _, alg := range []string{"RS256", "ES384"} {
		key, other := newSigner(t, alg), newSigner(t, alg)
		r.web.put(from+"/.well-known/openid-configuration", `{"issuer":"`+from+`","jwks_uri":"`+keys+`"}`)
		r.web.put(keys, set(t, key))
		r.clock.Advance(2 * time.Hour)
		r.add("app_w", application.OAuth{AuthMethod: application.AuthWorkload, Workloads: []application.Workload{
			{Issuer: from, Subject: "system:serviceaccount:shop:api"},
			{Issuer: "spiffe://example.org", Subject: "spiffe://example.org/api", Audience: "admit", JWKS: []byte(set(t, key))},
		}})
		good := map[string]any{
			"iss": from, "sub": "system:serviceaccount:shop:api", "aud": []string{issuer}, "exp": r.clock.Now().Add(time.Hour).Unix(), "iat": r.clock.Now().Unix(),
			"kubernetes.io": map[string]any{"namespace": "shop"},
		}
		ask := func(what string, text string, code oauth.Code, more ...string) {
			t.Helper()
			r.want(t, alg+" "+what, party.Presented{Form: assertion(text, append([]string{"client_id", "app_w"}, more...)...)}, code)
		}
		ask("control", key.sign(t, good), "")
		ask("again, as platforms do", key.sign(t, good), "")
		spiffe := map[string]any{"sub": "spiffe://example.org/api", "aud": "admit", "exp": r.clock.Now().Add(time.Hour).Unix()}
		ask("spiffe", key.sign(t, spiffe, "typ", "JOSE"), "")
		ask("spiffe with its issuer", key.sign(t, with(spiffe, "iss", "spiffe://example.org")), "")
		for what, claims := range map[string]map[string]any{
			"another subject":             with(good, "sub", "system:serviceaccount:shop:other"),
			"a subject that begins so":    with(good, "sub", "system:serviceaccount:shop:api2"),
			"another issuer":              with(good, "iss", from+"/"),
			"no issuer":                   with(good, "iss", nil),
			"another audience":            with(good, "aud", "https://kubernetes.default.svc"),
			"more audiences":              with(good, "aud", []string{issuer, "https://kubernetes.default.svc"}),
			"no expiry":                   with(good, "exp", nil),
			"expired":                     with(good, "exp", r.clock.Now().Add(-time.Minute).Unix()),
			"for a week":                  with(good, "exp", r.clock.Now().Add(7*24*time.Hour).Unix()),
			"spiffe of another issuer":    with(spiffe, "iss", "https://evil.example"),
			"spiffe for another audience": with(spiffe, "aud", issuer),
			"spiffe of another id":        with(spiffe, "sub", "spiffe://example.org/api/x"),
		} {
			ask(what, key.sign(t, claims), oauth.InvalidClient)
		}
		ask("another key", signer{other.alg, key.kid, other.private}.sign(t, good), oauth.InvalidClient)
		ask("an access token", key.sign(t, good, "typ", "at+jwt"), oauth.InvalidClient)
		r.want(t, "without client_id", party.Presented{Form: assertion(key.sign(t, good))}, oauth.InvalidClient)
	}
	// A document of another issuer is none, and an issuer that is away is no proof of anything.
	r.web.put(from+"/.well-known/openid-configuration", `{"issuer":"https://evil.example","jwks_uri":"https://evil.example/keys"}`)
	fresh := newRig(t)
	fresh.web.put(from+"/.well-known/openid-configuration", `{"issuer":"https://evil.example","jwks_uri":"https://evil.example/keys"}`)
	fresh.add("app_w", application.OAuth{AuthMethod: application.AuthWorkload, Workloads: []application.Workload{{Issuer: from, Subject: "s"}}})
	text := newSigner(t, "ES256").sign(t, map[string]any{"iss": from, "sub": "s", "aud": issuer, "exp": fresh.clock.Now().Add(time.Minute).Unix()})
	if _, err := fresh.try(t, party.Presented{Form: assertion(text, "client_id", "app_w")}); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	if fresh.web.asked["https://evil.example/keys"] != 0 {
		t.Error("another issuer's address was asked")
	}
}

func certificate(t *testing.T, key signer, c *x509.Certificate) *x509.Certificate {
	t.Helper()
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(1), time.Unix(0, 0), time.Unix(4102444800, 0)
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.private.Public(), key.private)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// RFC 8705 section 2: one subject in one place, or one key.
func TestCertificates(t *testing.T) {
	r := newRig(t)
	key, other := newSigner(t, "ES256"), newSigner(t, "ES256")
	spiffe, _ := url.Parse("spiffe://example.org/api")
	cert := certificate(t, key, &x509.Certificate{
		Subject: pkix.Name{CommonName: "api", Organization: []string{"Shop, Inc"}}, DNSNames: []string{"api.shop.example"}, URIs: []*url.URL{spiffe},
		IPAddresses: []net.IP{net.ParseIP("192.0.2.1")}, EmailAddresses: []string{"api@shop.example"},
	})
	look := func(s application.TLSSubject, trusted bool) error {
		r.add("app_tls", application.OAuth{AuthMethod: application.AuthTLS, TLSSubject: &s})
		_, err := r.try(t, party.Presented{Form: form("client_id", "app_tls"), Certificate: cert, Trusted: trusted})
		return err
	}
	for _, s := range []application.TLSSubject{
		{DN: `CN=api,O=Shop\, Inc`}, {DNS: "api.shop.example"}, {URI: "spiffe://example.org/api"}, {IP: "192.0.2.1"}, {IP: "::ffff:192.0.2.1"}, {Email: "api@shop.example"},
	} {
		if err := look(s, true); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
		if err := look(s, false); oauth.CodeOf(err) != oauth.InvalidClient {
			t.Errorf("nobody vouches for it: %+v: %v", s, err)
		}
	}
	for _, s := range []application.TLSSubject{
		{DN: "CN=api"}, {DN: `O=Shop\, Inc,CN=api`}, {DN: `cn=api,o=Shop\, Inc`}, {DNS: "shop.example"}, {DNS: "*.shop.example"}, {DNS: "api"},
		{URI: "spiffe://example.org/ap"}, {IP: "192.0.2.2"}, {Email: "API@shop.example"}, {},
	} {
		if err := look(s, true); oauth.CodeOf(err) != oauth.InvalidClient {
			t.Errorf("%+v: %v", s, err)
		}
	}
	r.want(t, "no certificate", party.Presented{Form: form("client_id", "app_tls")}, oauth.InvalidClient)
	if _, err := r.try(t, party.Presented{Form: form("client_id", "app_tls")}); err == nil || !strings.Contains(err.Error(), "client app_tls") {
		t.Errorf("the log does not learn whose proof was wrong: %v", err)
	}
	r.want(t, "a certificate and a secret", party.Presented{Form: form("client_id", "app_tls", "client_secret", "x"), Certificate: cert, Trusted: true}, oauth.InvalidClient)

	r.add("app_self", application.OAuth{AuthMethod: application.AuthSelfSignedTLS, JWKS: []byte(set(t, key))})
	r.want(t, "self-signed", party.Presented{Form: form("client_id", "app_self"), Certificate: cert}, "")
	same := certificate(t, other, &x509.Certificate{Subject: pkix.Name{CommonName: "api"}})
	r.want(t, "self-signed by another key", party.Presented{Form: form("client_id", "app_self"), Certificate: same, Trusted: true}, oauth.InvalidClient)
	r.want(t, "self-signed without", party.Presented{Form: form("client_id", "app_self")}, oauth.InvalidClient)
	// A certificate beside another method is only there to bind tokens to.
	value := r.secretApp("app_conf", application.AuthSecretBasic)
	r.want(t, "a certificate beside a secret", party.Presented{Authorization: basic("app_conf", value), Certificate: cert}, "")
}

// One assertion, a hundred times at once, on both databases: it is used once.
func TestAnAssertionIsUsedOnce(t *testing.T) {
	sqldbtest.Each(t, partydb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		store := partydb.Store{}
		use := func(account ident.AccountID, hash byte, life time.Duration) (fresh bool) {
			err := db.Write(t.Context(), tx.In(ident.AccountID("acc_"+account)), func(ctx context.Context, x tx.Tx) (err error) {
				fresh, err = store.UseAssertion(ctx, x, ident.AccountID("acc_"+account), []byte{hash}, x.Now().Add(life))
				return err
			})
			if err != nil {
				t.Error(err)
			}
			return fresh
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 100 {
			all.Go(func() {
				if use("a", 1, time.Minute) {
					mu.Lock()
					won++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if won != 1 || !use("b", 1, time.Minute) || !use("a", 2, time.Hour) {
			t.Fatal("won", won)
		}
		clk.Advance(10 * time.Minute)
		var n int64
		err := db.Write(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) (err error) {
			n, err = store.Purge(ctx, x, 100)
			return err
		})
		if err != nil || n != 2 || use("a", 2, time.Hour) {
			t.Fatal(n, err)
		}
	})
}
