package oidc_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/connectiondb"
	"github.com/admit-id/admit/internal/connection/connectiontest"
	"github.com/admit-id/admit/internal/connection/oauth2"
	"github.com/admit-id/admit/internal/connection/oidc"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

// trip is one connection to one provider, and what is needed to go there.
type trip struct {
	*connectiontest.Provider
	clock      *clock.Fake
	service    *connection.Service
	upstream   *oidc.Upstream
	connection connection.Connection
	leg        connection.Leg
}

func newTrip(t *testing.T, change ...func(*connection.Input)) *trip {
	t.Helper()
	db, clk := sqldbtest.SQLite(t, connectiondb.Migrations(), nil)
	keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	secrets := connection.NewSecrets(keys)
	tr := &trip{Provider: connectiontest.NewProvider(t, clk), clock: clk}
	tr.service = connection.New(connection.Deps{Runner: db, Store: connectiondb.New(), Secrets: secrets, PlainLoopback: true})
	in := tr.Input("con_test")
	for _, fn := range change {
		fn(&in)
	}
	tr.connection, err = tr.service.Create(t.Context(), actor.ForSystem(connectiontest.Account), in)
	if err != nil {
		t.Fatal(err)
	}
	tr.upstream = oidc.New(oauth2.Deps{HTTP: connectiontest.HTTP(clk, tr.Provider), Secrets: secrets, Clock: clk})
	tr.leg = connection.Leg{State: secret.Random(""), Nonce: secret.Random(""), Verifier: secret.Random(""), RedirectURI: "https://login.example.com/login"}
	return tr
}

// start goes to the provider and comes back with its answer.
func (tr *trip) start(t *testing.T) connection.Callback {
	t.Helper()
	u, err := tr.upstream.AuthorizeURL(t.Context(), tr.connection, tr.leg)
	if err != nil {
		t.Fatal(err)
	}
	return tr.Authorize(t, u)
}

func (tr *trip) run(t *testing.T) (connection.Identity, error) {
	t.Helper()
	return tr.upstream.Finish(t.Context(), tr.connection, tr.start(t), tr.leg)
}

func (tr *trip) refused(t *testing.T) {
	t.Helper()
	id, err := tr.run(t)
	if !fault.Is(err, fault.Unauthenticated) || id != (connection.Identity{}) {
		t.Errorf("accepted, or another fault: %+v, %v", id, err)
	}
}

func TestHonestProvider(t *testing.T) {
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "ES384", "EdDSA"} {
		tr := newTrip(t)
		tr.Keys[0] = connectiontest.NewKey(t, "k1", algorithm)
		id, err := tr.run(t)
		want := connection.Identity{Issuer: tr.URL, Subject: "person-1", Email: "ada@example.com", Name: "Ada"}
		if err != nil || id != want {
			t.Errorf("%s: %+v, %v", algorithm, id, err)
		}
	}
}

// OIU-01: one fault at a time, each must refuse.
func TestOIU01_IDTokenFaults(t *testing.T) {
	claim := func(name string, value any) func(*trip) {
		return func(tr *trip) { tr.Claims = func(c map[string]any) { c[name] = value } }
	}
	without := func(name string) func(*trip) {
		return func(tr *trip) { tr.Claims = func(c map[string]any) { delete(c, name) } }
	}
	header := func(name string, value any) func(*trip) {
		return func(tr *trip) { tr.Header = func(h map[string]any) { h[name] = value } }
	}
	at := func(d time.Duration) int64 { return sqldbtest.Start.Add(d).Unix() }
	for name, spoil := range map[string]func(*trip){
		"aud wrong":               claim("aud", "other"),
		"aud missing":             without("aud"),
		"aud empty":               claim("aud", ""),
		"aud empty list":          claim("aud", []string{}),
		"aud number":              claim("aud", 7),
		"aud substring":           claim("aud", "xadmitx"),
		"aud several without azp": claim("aud", []string{"admit", "other"}),
		"aud mixed":               claim("aud", []any{"admit", 1}),
		"azp wrong":               claim("azp", "other"),
		"azp not text":            claim("azp", 1),
		"iss other":               claim("iss", "https://other.example.com"),
		"iss missing":             without("iss"),
		"nonce absent":            without("nonce"),
		"nonce empty":             claim("nonce", ""),
		"nonce wrong":             claim("nonce", "x"),
		"nonce number":            claim("nonce", 1),
		"exp absent":              without("exp"),
		"exp past":                claim("exp", at(-11*time.Second)),
		"exp text":                claim("exp", "4102444800"),
		"exp null":                claim("exp", nil),
		"exp float":               claim("exp", 1e300),
		"exp negative":            claim("exp", -1),
		"iat absent":              without("iat"),
		"iat in the future":       claim("iat", at(12*time.Second)),
		"iat long ago":            claim("iat", at(-11*time.Minute)),
		"iat text":                claim("iat", "1"),
		"nbf in the future":       claim("nbf", at(time.Minute)),
		"nbf text":                claim("nbf", "soon"),
		"sub missing":             without("sub"),
		"sub empty":               claim("sub", ""),
		"sub number":              claim("sub", 12),
		"sub of 256":              claim("sub", strings.Repeat("a", 256)),
		"sub with a control":      claim("sub", "a\u0000b"),
		"sub with zero width":     claim("sub", "a\u200bb"),
		"at_hash wrong":           claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
		"at_hash empty":           claim("at_hash", ""),
		"at_hash not text":        claim("at_hash", true),
		"typ at+jwt":              header("typ", "at+jwt"),
		"typ logout+jwt":          header("typ", "logout+jwt"),
		"typ number":              header("typ", 1),
		"kid unknown":             header("kid", "k2"),
		"crit":                    header("crit", []string{"exp"}),
		"b64":                     header("b64", false),
		"jwk in the header":       header("jwk", map[string]any{"kty": "oct", "k": "AA"}),
		"jku in the header":       header("jku", "https://evil.example.com/keys"),
		"x5u in the header":       header("x5u", "https://evil.example.com/cert"),
		"zip":                     header("zip", "DEF"),
		"alg none":                header("alg", "none"),
		"alg nOnE":                header("alg", "nOnE"),
		"alg empty":               header("alg", ""),
		"alg null":                header("alg", nil),
		"alg list":                header("alg", []string{"ES256"}),
		"alg HS256":               header("alg", "HS256"),
		"alg ES512":               header("alg", "ES512"),
		"alg of another key":      header("alg", "RS256"),
		"alg not offered": func(tr *trip) {
			tr.Discovery = func(d map[string]any) { d["id_token_signing_alg_values_supported"] = []string{"RS256"} }
		},
		"alg not offered (default)": func(tr *trip) {
			tr.Discovery = func(d map[string]any) { delete(d, "id_token_signing_alg_values_supported") }
		},
		"no id_token":       func(tr *trip) { tr.Token = func(a map[string]any) { delete(a, "id_token") } },
		"id_token not text": func(tr *trip) { tr.Token = func(a map[string]any) { a["id_token"] = []string{"x"} } },
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrip(t)
			spoil(tr)
			tr.refused(t)
		})
	}
}

func TestOIU01_SignaturesAndForms(t *testing.T) {
	stranger := connectiontest.NewKey(t, "k1", "ES256")
	for name, sign := range map[string]func(k connectiontest.Key, h, c map[string]any) string{
		"another key, same kid": func(_ connectiontest.Key, h, c map[string]any) string { return connectiontest.Sign(stranger, h, c) },
		"no signature": func(k connectiontest.Key, h, c map[string]any) string {
			s := connectiontest.Sign(k, h, c)
			return s[:strings.LastIndex(s, ".")+1]
		},
		"two parts": func(k connectiontest.Key, h, c map[string]any) string {
			s := connectiontest.Sign(k, h, c)
			return s[:strings.LastIndex(s, ".")]
		},
		"four parts": func(k connectiontest.Key, h, c map[string]any) string { return connectiontest.Sign(k, h, c) + ".AAAA" },
		"many dots":  func(connectiontest.Key, map[string]any, map[string]any) string { return strings.Repeat(".", 50000) },
		"too large": func(k connectiontest.Key, h, c map[string]any) string {
			c["pad"] = strings.Repeat("a", 64<<10)
			return connectiontest.Sign(k, h, c)
		},
		"padding":    func(k connectiontest.Key, h, c map[string]any) string { return connectiontest.Sign(k, h, c) + "==" },
		"line break": func(k connectiontest.Key, h, c map[string]any) string { return connectiontest.Sign(k, h, c) + "\n" },
		"JSON form":  func(k connectiontest.Key, h, c map[string]any) string { return `{"payload":"e30","signatures":[]}` },
		"two subs": func(k connectiontest.Key, _, _ map[string]any) string {
			return connectiontest.SignBytes(k, []byte(`{"alg":"ES256","kid":"k1"}`), []byte(`{"sub":"a","sub":"b"}`))
		},
		"two algs": func(k connectiontest.Key, _, _ map[string]any) string {
			return connectiontest.SignBytes(k, []byte(`{"alg":"ES256","alg":"none","kid":"k1"}`), []byte(`{}`))
		},
		"ALG": func(k connectiontest.Key, _, c map[string]any) string {
			return connectiontest.Sign(k, map[string]any{"ALG": "ES256", "kid": "k1"}, c)
		},
		"SUB": func(k connectiontest.Key, h, c map[string]any) string {
			c["SUB"] = "other"
			return connectiontest.Sign(k, h, c)
		},
		"NONCE": func(k connectiontest.Key, h, c map[string]any) string {
			c["NONCE"] = c["nonce"]
			delete(c, "nonce")
			return connectiontest.Sign(k, h, c)
		},
		"ISS": func(k connectiontest.Key, h, c map[string]any) string {
			c["ISS"] = c["iss"]
			delete(c, "iss")
			return connectiontest.Sign(k, h, c)
		},
		"not JSON": func(k connectiontest.Key, h, _ map[string]any) string {
			hb := []byte(`{"alg":"ES256","kid":"k1"}`)
			return connectiontest.SignBytes(k, hb, []byte("x"))
		},
		"zeros": func(k connectiontest.Key, h, c map[string]any) string {
			s := connectiontest.Sign(k, h, c)
			return s[:strings.LastIndex(s, ".")+1] + strings.Repeat("A", 86)
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrip(t)
			tr.Sign = func(h, c map[string]any) string { return sign(tr.Keys[0], h, c) }
			tr.refused(t)
		})
	}
}

// A nonce of another trip, and a code of another trip.
func TestOIU01_OtherTrips(t *testing.T) {
	tr := newTrip(t)
	b := tr.start(t)
	other := tr.leg
	other.Nonce = secret.Random("")
	if _, err := tr.upstream.Finish(t.Context(), tr.connection, b, other); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("nonce of another trip: %v", err)
	}
	b = tr.start(t)
	other = tr.leg
	other.Verifier = secret.Random("")
	if _, err := tr.upstream.Finish(t.Context(), tr.connection, b, other); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("verifier of another trip: %v", err)
	}
	none := tr.leg
	none.Nonce = secret.Text{}
	if _, err := tr.upstream.AuthorizeURL(t.Context(), tr.connection, none); err == nil {
		t.Error("a trip without a nonce")
	}
}

// A key of one connection's provider is worth nothing at another's.
func TestOIU01_KeyOfAnotherConnection(t *testing.T) {
	evil, good := newTrip(t), newTrip(t)
	good.Keys[0].ID = "good"
	good.Sign = func(h, c map[string]any) string {
		h["kid"] = "k1"
		return connectiontest.Sign(evil.Keys[0], h, c)
	}
	if _, err := evil.run(t); err != nil {
		t.Fatal(err)
	}
	good.refused(t)
}

func TestRFC9207(t *testing.T) {
	for name, c := range map[string]struct {
		sends bool
		iss   func(tr *trip) string
		good  bool
	}{
		"not promised, not there": {false, func(*trip) string { return "" }, true},
		"not promised, right":     {false, func(tr *trip) string { return tr.URL }, true},
		"not promised, wrong":     {false, func(*trip) string { return "https://evil.example.com" }, false},
		"promised, right":         {true, func(tr *trip) string { return tr.URL }, true},
		"promised, not there":     {true, func(*trip) string { return "" }, false},
		"promised, trailing /":    {true, func(tr *trip) string { return tr.URL + "/" }, false},
	} {
		tr := newTrip(t)
		tr.Discovery = func(d map[string]any) { d["authorization_response_iss_parameter_supported"] = c.sends }
		b := tr.start(t)
		b.Issuer = c.iss(tr)
		_, err := tr.upstream.Finish(t.Context(), tr.connection, b, tr.leg)
		if (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
		if !c.good && tr.Count(connectiontest.PathToken) != 0 {
			t.Errorf("%s: the code was sent to the provider", name)
		}
	}
}

func TestDiscoveryFaults(t *testing.T) {
	set := func(name string, value any) func(map[string]any) { return func(d map[string]any) { d[name] = value } }
	for name, change := range map[string]func(map[string]any){
		"other issuer":      set("issuer", "https://evil.example.com"),
		"issuer with slash": func(d map[string]any) { d["issuer"] = d["issuer"].(string) + "/" },
		"no issuer":         func(d map[string]any) { delete(d, "issuer") },
		"http endpoint":     set("token_endpoint", "http://127.0.0.1/token"),
		"file keys":         set("jwks_uri", "file:///etc/passwd"),
		"no keys":           func(d map[string]any) { delete(d, "jwks_uri") },
		"javascript":        set("authorization_endpoint", "javascript:alert(1)"),
		"only HS256":        set("id_token_signing_alg_values_supported", []string{"HS256", "none"}),
	} {
		tr := newTrip(t)
		tr.Discovery = change
		if u, err := tr.upstream.AuthorizeURL(t.Context(), tr.connection, tr.leg); err == nil {
			t.Errorf("%s: %s", name, u)
		}
	}
	tr := newTrip(t)
	tr.Handle[connectiontest.PathDiscovery] = func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }
	if _, err := tr.upstream.AuthorizeURL(t.Context(), tr.connection, tr.leg); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}
