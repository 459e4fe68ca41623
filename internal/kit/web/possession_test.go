package web

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mtls"
)

// certificate makes one by its own hand, or by an authority's.
func certificate(t testing.TB, name string, by *x509.Certificate, byKey *ecdsa.PrivateKey, until time.Time) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		IsCA: by == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if by == nil {
		by, byKey = form, key
	}
	der, err := x509.CreateCertificate(rand.Reader, form, by, &key.PublicKey, byKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// bound verifies tokens by their names.
type bound map[string]*actor.Binding

func (b bound) Verify(_ context.Context, account ident.AccountID, token string) (actor.Actor, error) {
	binding, ok := b[token]
	if !ok {
		return actor.Actor{}, fault.New(fault.Unauthenticated, fault.CodeUnauthenticated, "no")
	}
	return actor.Actor{Kind: actor.User, Account: account, ID: "u_1", Bound: binding}, nil
}

// proofs takes the proof "good", and wants another nonce for "old".
type proofs struct{ asked []TokenProof }

func (p *proofs) CheckToken(account ident.AccountID, t TokenProof) error {
	p.asked = append(p.asked, t)
	switch {
	case len(t.Headers) == 1 && t.Headers[0] == "good":
		return nil
	case len(t.Headers) == 1 && t.Headers[0] == "old":
		return &ProofError{"use_dpop_nonce", "again"}
	}
	return &ProofError{"invalid_dpop_proof", "bad"}
}

func (p *proofs) Nonce(ident.AccountID) string { return "n-1" }

func possessionRouter(t *testing.T, change func(*Deps)) (*Router, *proofs) {
	t.Helper()
	p := &proofs{}
	d := deps()
	cert, _ := certificate(t, "other", nil, nil, time.Now().Add(time.Hour))
	d.Proofs = p
	d.Tokens = bound{"plain": nil, "keyed": {JKT: "j"}, "certified": {X5T: mtls.Thumbprint(cert)}, "both": {JKT: "j", X5T: mtls.Thumbprint(cert)}}
	if change != nil {
		change(&d)
	}
	rt, err := NewRouter(d, []Route{{
		Method: "GET", Pattern: "/x/{id}", Auth: Bearer, Permission: "self", Scope: Account, Limit: LimitNone, CORS: RegisteredOrigins,
		Handler: func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("X-Target", TargetURL(r))
			if c := ClientCertificate(r); c != nil {
				w.Header().Set("X-Certificate", c.Subject.CommonName)
			}
			if CertificateTrusted(r) {
				w.Header().Set("X-Trusted", "yes")
			}
			return nil
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return rt, p
}

// A token that is bound to a key is taken with a proof only, and one that is not never (DPO-03).
func TestTokensThatAreBound(t *testing.T) {
	rt, p := possessionRouter(t, nil)
	for _, c := range []struct {
		name, authorization string
		proof               []string
		status              int
		challenge           string
	}{
		{"plain", "Bearer plain", nil, 200, ""},
		{"plain with a proof besides", "Bearer plain", []string{"good"}, 200, ""},
		{"plain as DPoP", "DPoP plain", []string{"good"}, 401, `DPoP realm="admit", error="invalid_token"`},
		{"keyed as Bearer", "Bearer keyed", nil, 401, `DPoP realm="admit", error="invalid_token"`},
		{"keyed as Bearer with a proof", "Bearer keyed", []string{"good"}, 401, `DPoP realm="admit", error="invalid_token"`},
		{"keyed", "DPoP keyed", []string{"good"}, 200, ""},
		{"keyed, scheme in another case", "dpop keyed", []string{"good"}, 200, ""},
		{"no proof", "DPoP keyed", nil, 401, `DPoP realm="admit", error="invalid_dpop_proof", error_description="bad"`},
		{"bad proof", "DPoP keyed", []string{"bad"}, 401, `DPoP realm="admit", error="invalid_dpop_proof"`},
		{"two proofs", "DPoP keyed", []string{"good", "good"}, 401, `DPoP realm="admit", error="invalid_dpop_proof"`},
		{"old nonce", "DPoP keyed", []string{"old"}, 401, `DPoP realm="admit", error="use_dpop_nonce", error_description="again", algs="EdDSA Ed25519 ES256 RS256 PS256"`},
		{"unknown token", "DPoP unknown", []string{"good"}, 401, `DPoP realm="admit", error="invalid_token"`},
		{"empty token", "DPoP ", []string{"good"}, 401, `Bearer realm="admit", error="invalid_request"`},
		{"two tokens", "DPoP keyed, DPoP keyed", []string{"good"}, 401, `Bearer realm="admit", error="invalid_request"`},
		{"certified without a certificate", "Bearer certified", nil, 401, `Bearer realm="admit", error="invalid_token"`},
		{"both without a certificate", "DPoP both", []string{"good"}, 401, `DPoP realm="admit", error="invalid_token"`},
		{"nothing", "", nil, 401, `Bearer realm="admit"`},
	} {
		r := httptest.NewRequest("GET", "https://a.example/x/a%20b?q=1", nil)
		r.RequestURI, r.TLS = "/x/a%20b?q=1", nil
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		if c.proof != nil {
			r.Header["Dpop"] = c.proof
		}
		p.asked = nil
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		if w.Code != c.status || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), c.challenge) {
			t.Errorf("%s: %d %q", c.name, w.Code, w.Header().Values("WWW-Authenticate"))
		}
		if got := w.Header().Get("DPoP-Nonce"); (got == "n-1") != (c.name == "old nonce") {
			t.Errorf("%s: nonce %q", c.name, got)
		}
		if len(p.asked) > 0 && (p.asked[0].URL != "http://a.example/x/a%20b" || p.asked[0].Method != "GET" || p.asked[0].JKT != "j" || p.asked[0].Token != "keyed") {
			t.Errorf("%s: asked %+v", c.name, p.asked)
		}
	}
	r := httptest.NewRequest("GET", "http://a.example/x/1", nil)
	w := httptest.NewRecorder()
	rt.ServeHTTP(w, r)
	if got := w.Header().Values("WWW-Authenticate"); len(got) != 2 || !strings.HasPrefix(got[1], `DPoP realm="admit", algs="`) {
		t.Errorf("without a token: %q", got)
	}
}

// A certificate counts when the client has shown it to us, or to a trusted proxy; a header of
// anybody else does not.
func TestClientCertificates(t *testing.T) {
	mine, _ := certificate(t, "mine", nil, nil, time.Now().Add(time.Hour))
	proxys, _ := certificate(t, "proxy", nil, nil, time.Now().Add(time.Hour))
	rfc9440 := ":" + base64.StdEncoding.EncodeToString(mine.Raw) + ":"
	escaped := url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mine.Raw})))
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	shown := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{mine}}
	proxyShown := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{proxys}}
	for _, c := range []struct {
		name   string
		form   mtls.Form
		remote string
		state  *tls.ConnectionState
		header http.Header
		want   string
	}{
		{"none", mtls.None, "192.0.2.1:1", nil, nil, ""},
		{"direct", mtls.None, "192.0.2.1:1", shown, nil, "mine"},
		{"direct, with a header", mtls.ClientCert, "192.0.2.1:1", shown, http.Header{"Client-Cert": {":AAAA:"}}, "mine"},
		{"RFC 9440", mtls.ClientCert, "10.0.0.1:1", nil, http.Header{"Client-Cert": {rfc9440}}, "mine"},
		{"RFC 9440 from a stranger", mtls.ClientCert, "192.0.2.1:1", nil, http.Header{"Client-Cert": {rfc9440}}, ""},
		{"RFC 9440 through a trusted address that is not the peer", mtls.ClientCert, "192.0.2.1:1", nil, http.Header{"Client-Cert": {rfc9440}, "X-Forwarded-For": {"10.0.0.1"}}, ""},
		{"RFC 9440 while nginx's is meant", mtls.EscapedPEM, "10.0.0.1:1", nil, http.Header{"Client-Cert": {rfc9440}}, ""},
		{"RFC 9440 while nothing is meant", mtls.None, "10.0.0.1:1", nil, http.Header{"Client-Cert": {rfc9440}}, ""},
		{"nginx", mtls.EscapedPEM, "10.0.0.1:1", nil, http.Header{"X-Ssl-Client-Cert": {escaped}}, "mine"},
		{"nginx from a stranger", mtls.EscapedPEM, "192.0.2.1:1", nil, http.Header{"X-Ssl-Client-Cert": {escaped}}, ""},
		{"nginx without one", mtls.EscapedPEM, "10.0.0.1:1", nil, http.Header{"X-Ssl-Client-Cert": {""}}, ""},
		{"twice", mtls.ClientCert, "10.0.0.1:1", nil, http.Header{"Client-Cert": {rfc9440, rfc9440}}, ""},
		{"joined", mtls.ClientCert, "10.0.0.1:1", nil, http.Header{"Client-Cert": {rfc9440 + ", " + rfc9440}}, ""},
		{"the proxy's own", mtls.ClientCert, "10.0.0.1:1", proxyShown, nil, ""},
		{"the proxy's own and the client's", mtls.ClientCert, "10.0.0.1:1", proxyShown, http.Header{"Client-Cert": {rfc9440}}, "mine"},
		{"garbage", mtls.ClientCert, "10.0.0.1:1", nil, http.Header{"Client-Cert": {"x"}}, ""},
	} {
		rt, _ := possessionRouter(t, func(d *Deps) {
			d.TrustedProxies, d.Certificates = trusted, Certificates{Form: c.form}
			d.Tokens = bound{"plain": nil, "certified": {X5T: mtls.Thumbprint(mine)}}
		})
		for token, status := range map[string]int{"plain": 200, "certified": map[bool]int{true: 200, false: 401}[c.want == "mine"]} {
			r := httptest.NewRequest("GET", "http://a.example/x/1", nil)
			r.RemoteAddr, r.TLS = c.remote, c.state
			for name, values := range c.header {
				r.Header[name] = values
			}
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			rt.ServeHTTP(w, r)
			if w.Code != status || status == 200 && w.Header().Get("X-Certificate") != c.want || w.Header().Get("X-Trusted") != "" {
				t.Errorf("%s, %s: %d, %q", c.name, token, w.Code, w.Header().Get("X-Certificate"))
			}
		}
	}
}

// An authority vouches for certificates of its own that have not expired.
func TestCertificateTrusted(t *testing.T) {
	later := time.Now().Add(time.Hour)
	ca, caKey := certificate(t, "authority", nil, nil, later)
	good, _ := certificate(t, "good", ca, caKey, later)
	expired, _ := certificate(t, "expired", ca, caKey, time.Now().Add(-time.Hour))
	own, _ := certificate(t, "good", nil, nil, later)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	for _, c := range []struct {
		cert *x509.Certificate
		want bool
	}{{good, true}, {expired, false}, {own, false}} {
		if got := (mtls.Chain{c.cert}).Verified(pool, time.Now()); got != c.want {
			t.Errorf("%s: %v", c.cert.Subject, got)
		}
		if (mtls.Chain{c.cert}).Verified(nil, time.Now()) {
			t.Error("trusted by nobody")
		}
	}
}
