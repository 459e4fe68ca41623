package issuer_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/connection/connectiontest"
	"github.com/admit-id/admit/internal/connection/oauth2"
	"github.com/admit-id/admit/internal/connection/oidc"
	"github.com/admit-id/admit/internal/issuer"
	"github.com/admit-id/admit/internal/issuer/issuerdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

const account ident.AccountID = "acc_a"

var admin = actor.ForOperator(account)

// world is one account, an issuer that it can trust, and what verifies.
type world struct {
	*connectiontest.Provider
	clock     *clock.Fake
	db        *sqldb.DB
	service   *issuer.Service
	directory *issuer.Directory
	verifier  *issuer.Verifier
}

func newWorld(t *testing.T) *world {
	db, clk := sqldbtest.SQLite(t, issuerdb.Migrations(), nil)
	w := &world{Provider: connectiontest.NewProvider(t, clk), clock: clk, db: db, directory: issuer.NewDirectory(issuerdb.Store{})}
	w.service = issuer.New(issuer.Deps{DB: db, Store: issuerdb.Store{}, Own: func(u string) bool { return strings.HasPrefix(u, "https://login.example") }})
	w.verifier = issuer.NewVerifier(w.directory, oidc.NewBearers(oauth2.Deps{HTTP: connectiontest.HTTP(clk, w.Provider), Clock: clk}), clk)
	return w
}

func (w *world) link(t *testing.T, audience, expression string) issuer.Issuer {
	t.Helper()
	i, err := w.service.Link(t.Context(), admin, issuer.Input{Issuer: w.URL, Audience: audience, Expression: expression})
	if err != nil {
		t.Fatal(err)
	}
	w.load(t)
	w.clock.Advance(time.Second) // links are in the order in which they were made
	return i
}

func (w *world) load(t *testing.T) {
	t.Helper()
	if err := w.db.Read(t.Context(), tx.System(), w.directory.Load); err != nil {
		t.Fatal(err)
	}
}

// token is what a pipeline gets from its issuer, changed.
func (w *world) token(header, claims map[string]any) string {
	now := w.clock.Now()
	h := map[string]any{"alg": w.Keys[0].Algorithm, "kid": w.Keys[0].ID, "typ": "JWT"}
	c := map[string]any{"iss": w.URL, "sub": "repo:acme/shop:ref:refs/heads/main", "aud": "api", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()}
	for from, to := range map[*map[string]any]map[string]any{&header: h, &claims: c} {
		for k, v := range *from {
			if to[k] = v; v == nil {
				delete(to, k)
			}
		}
	}
	return connectiontest.Sign(w.Keys[0], h, c)
}

func (w *world) refused(t *testing.T, name, bearer string) {
	t.Helper()
	if p, err := w.verifier.Verify(t.Context(), account, bearer); err == nil || fault.Is(err, fault.Unavailable) {
		t.Errorf("%s: %+v, %v", name, p, err)
	}
}

type set = map[string]any

func TestABearerOfALinkedIssuer(t *testing.T) {
	for _, algorithm := range []string{"ES256", "ES384", "EdDSA", "RS256", "PS256"} {
		w := newWorld(t)
		w.Keys = []connectiontest.Key{connectiontest.NewKey(t, "k1", algorithm)}
		i := w.link(t, "api", "")
		for _, header := range []set{nil, {"typ": nil}, {"typ": "at+jwt"}, {"typ": "application/at+JWT"}} {
			p, err := w.verifier.Verify(t.Context(), account, w.token(header, set{"aud": []string{"other", "api"}, "jti": "t1"}))
			if err != nil || string(p.User) != i.Namespace()+"|repo:acme~shop:ref:refs~heads~main" || p.Trust != i.ID || p.TokenID != "t1" || !p.Expires.Equal(w.clock.Now().Add(5*time.Minute+issuer.Leeway).Truncate(time.Second)) {
				t.Errorf("%s %v: %+v, %v", algorithm, header, p, err)
			}
		}
		if _, err := w.verifier.Verify(t.Context(), "acc_b", w.token(nil, nil)); !errors.Is(err, issuer.ErrNobodys) {
			t.Error("another account takes it:", err)
		}
		if n := w.Count(connectiontest.PathKeys); n != 1 {
			t.Errorf("%s: %d fetches", algorithm, n)
		}
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.link(t, "api", "")
	now := w.clock.Now().Unix()
	for name, claims := range map[string]set{
		"another issuer": {"iss": "https://evil.example"}, "issuer with a slash": {"iss": w.URL + "/"}, "issuer in capitals": {"iss": strings.ToUpper(w.URL)}, "no issuer": {"iss": nil},
		"no audience": {"aud": nil}, "another audience": {"aud": "API"}, "star": {"aud": "*"}, "part of it": {"aud": "api/v1"}, "audiences without it": {"aud": []string{"a", "b"}},
		"audience of another type": {"aud": set{"api": true}}, "a list of lists": {"aud": []any{[]string{"api"}}}, "very many audiences": {"aud": strings.Split("api"+strings.Repeat(",x", 40), ",")},
		"expired": {"exp": now - 10}, "no expiry": {"exp": nil}, "expiry as text": {"exp": fmt.Sprint(now + 60)}, "expiry beyond": {"exp": 1e30}, "negative": {"exp": -1},
		"no issue time": {"iat": nil}, "from the future": {"iat": now + 11}, "not yet": {"nbf": now + 11}, "nbf as text": {"nbf": "x"}, "issued after its end": {"iat": now, "exp": now},
		"too long": {"exp": now + 24*3600 + 1}, "an old one that lives long": {"iat": now - 48*3600, "exp": now + 60},
		"of a sign-in": {"nonce": "n"}, "with a code": {"c_hash": "x"}, "beside an access token": {"at_hash": "x"}, "logout": {"events": set{"http://schemas.openid.net/event/backchannel-logout": set{}}},
		"bound to a key": {"cnf": set{"jkt": "x"}},
		"no subject":     {"sub": nil}, "empty subject": {"sub": ""}, "subject of another type": {"sub": []string{"a"}}, "a space": {"sub": "a b"}, "a star": {"sub": "*"}, "a line": {"sub": "a\nb"},
		"a letter that looks alike": {"sub": "аdmin"}, "too long a name": {"sub": strings.Repeat("a", 110)}, "a percent": {"sub": "a%2fb"}, "a nul": {"sub": "a\x00"}, "a name that a slash would give": {"sub": "repo:acme~shop"},
	} {
		w.refused(t, name, w.token(nil, claims))
	}
	for name, header := range map[string]set{
		"none": {"alg": "none"}, "HS256": {"alg": "HS256"}, "another alg": {"alg": "ES384"}, "RS256": {"alg": "RS256"}, "no alg": {"alg": nil}, "no kid": {"kid": nil}, "unknown kid": {"kid": "k2"},
		"crit": {"crit": []string{"x"}}, "jku": {"jku": w.URL}, "x5u": {"x5u": w.URL}, "jwk": {"jwk": set{"kty": "EC"}}, "b64": {"b64": false}, "x5c": {"x5c": []string{"AA"}},
		"logout": {"typ": "logout+jwt"}, "event": {"typ": "secevent+jwt"}, "request": {"typ": "oauth-authz-req+jwt"}, "dpop": {"typ": "dpop+jwt"}, "empty typ": {"typ": ""}, "cty": {"cty": "JWT"}, "zip": {"zip": "DEF"},
	} {
		w.refused(t, name, w.token(header, nil))
	}
	good := w.token(nil, nil)
	parts := strings.Split(good, ".")
	stranger := connectiontest.NewKey(t, "k1", "ES256")
	header := []byte(`{"alg":"ES256","kid":"k1"}`)
	payload := func(more string) []byte {
		return fmt.Appendf(nil, `{"iss":%q,"sub":"x","aud":"api","iat":%d,"exp":%d%s}`, w.URL, now, now+60, more)
	}
	for name, bearer := range map[string]string{
		"": "", "dots": "..", "no signature": parts[0] + "." + parts[1] + ".", "another's signature": parts[0] + "." + parts[1] + "." + strings.Split(w.token(nil, set{"sub": "y"}), ".")[2],
		"padded": good + "=", "four parts": good + ".AA", "a line break": parts[0] + "." + parts[1] + "\n." + parts[2], "huge": good + strings.Repeat("A", 1<<20),
		"another's key of that name": connectiontest.SignBytes(stranger, header, payload("")),
		"two subjects":               connectiontest.SignBytes(w.Keys[0], header, payload(`,"sub":"y"`)), "two subjects in two cases": connectiontest.SignBytes(w.Keys[0], header, payload(`,"Sub":"y","SUB":"z"`)),
		"two issuers": connectiontest.SignBytes(w.Keys[0], header, payload(`,"iss":"https://evil.example"`)), "JSON behind": connectiontest.SignBytes(w.Keys[0], header, append(payload(""), payload("")...)),
		"no object": connectiontest.SignBytes(w.Keys[0], header, []byte(`[]`)),
	} {
		w.refused(t, name, bearer)
	}
	if _, err := w.verifier.Verify(t.Context(), account, good); err != nil {
		t.Error(err)
	}
	if _, err := w.verifier.Verify(t.Context(), account, w.token(nil, set{"exp": now - 9, "iat": now - 60})); err != nil {
		t.Error("the documented leeway:", err)
	}
}

// Whoever is trusted names people of a namespace of their own, and nobody else.
func TestNamespaces(t *testing.T) {
	w := newWorld(t)
	i := w.link(t, "api", "")
	for _, sub := range []string{"usr_1", "sc_1", "ext_1", "crm|1", "|", i.Namespace() + "|x", "..", "Authress:Owner"} {
		p, err := w.verifier.Verify(t.Context(), account, w.token(nil, set{"sub": sub}))
		if err != nil || string(p.User) != i.Namespace()+"|"+sub {
			t.Errorf("%q is %+v, %v", sub, p, err)
		}
		if user.Usable(p.User) {
			t.Errorf("%s can be chosen for a person of the account", p.User)
		}
	}
	other, sameIssuer := i, i
	other.URL, sameIssuer.Expression = i.URL+"/", "{email}"
	if n := i.Namespace(); n == other.Namespace() || n == sameIssuer.Namespace() || len(n) != len("iss_")+16 {
		t.Error("namespaces", n)
	}
	again := i
	again.ID, again.Audience = "idn_2", "other"
	if again.Namespace() != i.Namespace() {
		t.Error("the same issuer's people have other ids for another audience")
	}
	if user.Usable("ISS_x") {
		t.Error("an id that looks like a foreign one can be chosen")
	}
}

func TestSeveralLinksOfOneIssuer(t *testing.T) {
	w := newWorld(t)
	byName := w.link(t, "api", "")
	byMail := w.link(t, "mail", "{email}")
	w.link(t, "more", "")
	claims := func(aud any) set { return set{"aud": aud, "email": "a@b.example"} }
	if p, err := w.verifier.Verify(t.Context(), account, w.token(nil, claims("mail"))); err != nil || string(p.User) != byMail.Namespace()+"|a@b.example" {
		t.Error(p, err)
	}
	if p, err := w.verifier.Verify(t.Context(), account, w.token(nil, claims([]string{"more", "api"}))); err != nil || p.Trust != byName.ID {
		t.Error(p, err)
	}
	w.refused(t, "one token, two readings", w.token(nil, claims([]string{"api", "mail"})))
	if err := w.service.Unlink(t.Context(), admin, byMail.ID); err != nil {
		t.Fatal(err)
	}
	w.load(t)
	if w.directory.Trusted(account, byMail.ID) || !w.directory.Trusted(account, byName.ID) || w.directory.Trusted("acc_b", byName.ID) {
		t.Error("what is trusted")
	}
	w.refused(t, "an audience that is linked no more", w.token(nil, claims("mail")))
}

// Strangers' tokens make the issuer be asked once a minute at most, and nobody else ever.
func TestIssuersAreAskedSeldom(t *testing.T) {
	w := newWorld(t)
	w.link(t, "api", "")
	for n := range 200 {
		w.refused(t, "random key", w.token(set{"kid": fmt.Sprint("r", n)}, nil))
		w.refused(t, "wrong audience", w.token(nil, set{"aud": "x"}))
		w.clock.Advance(250 * time.Millisecond)
	}
	if n := w.Count(connectiontest.PathKeys); n > 2 {
		t.Errorf("%d fetches within a minute", n)
	}
	w.clock.Advance(time.Minute)
	w.Change(func() { w.Keys = []connectiontest.Key{connectiontest.NewKey(t, "k2", "RS256")} })
	if _, err := w.verifier.Verify(t.Context(), account, w.token(nil, nil)); err != nil {
		t.Error("a new key is not picked up:", err)
	}
	before := w.Count(connectiontest.PathKeys)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := w.verifier.Verify(t.Context(), account, w.token(nil, nil)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := w.Count(connectiontest.PathKeys) - before; n != 0 {
		t.Errorf("%d fetches for keys that are known", n)
	}
}

// An issuer that hangs, lies or is gone keeps its own people out, and nobody waits long.
func TestIssuersThatFail(t *testing.T) {
	reply := func(text string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, text) }
	}
	for name, spoil := range map[string]func(w *world){
		"discovery of another": func(w *world) {
			w.Discovery = func(o map[string]any) { o["issuer"] = "https://evil.example" }
		},
		"discovery is 500": func(w *world) {
			w.Handle[connectiontest.PathDiscovery] = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) }
		},
		"keys are gone":   func(w *world) { w.Handle[connectiontest.PathKeys] = http.NotFound },
		"keys are no set": func(w *world) { w.Handle[connectiontest.PathKeys] = reply(`[]`) },
		"keys over http":  func(w *world) { w.Discovery = func(o map[string]any) { o["jwks_uri"] = "http://127.0.0.1:1/keys" } },
		"keys of the metadata service": func(w *world) {
			w.Discovery = func(o map[string]any) { o["jwks_uri"] = "https://169.254.169.254/keys" }
		},
		"keys in a file": func(w *world) { w.Discovery = func(o map[string]any) { o["jwks_uri"] = "file:///etc/passwd" } },
		"a redirect": func(w *world) {
			w.Handle[connectiontest.PathKeys] = func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, "https://evil.example/", http.StatusFound)
			}
		},
		"an endless answer": func(w *world) {
			w.Handle[connectiontest.PathKeys] = func(rw http.ResponseWriter, _ *http.Request) {
				for block := []byte(strings.Repeat(" ", 64<<10)); ; {
					if _, err := rw.Write(block); err != nil {
						return
					}
				}
			}
		},
	} {
		w := newWorld(t)
		w.link(t, "api", "")
		spoil(w)
		began := time.Now()
		for range 3 {
			if p, err := w.verifier.Verify(t.Context(), account, w.token(nil, nil)); !fault.Is(err, fault.Unavailable) {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
		}
		if d := time.Since(began); d > time.Minute {
			t.Errorf("%s: it took %v", name, d)
		}
	}
	for name, spoil := range map[string]func(k map[string]any){
		"symmetric": func(k map[string]any) { k["kty"], k["k"] = "oct", "AA" }, "for encryption": func(k map[string]any) { k["use"] = "enc" },
		"private": func(k map[string]any) { k["d"] = "AA" }, "another algorithm": func(k map[string]any) { k["alg"] = "ES384" },
	} {
		w := newWorld(t)
		w.link(t, "api", "")
		w.KeySet = func(o map[string]any) { spoil(o["keys"].([]map[string]any)[0]) }
		w.refused(t, name, w.token(nil, nil))
	}
}

func TestLink(t *testing.T) {
	w := newWorld(t)
	link := func(in issuer.Input) (issuer.Issuer, error) { return w.service.Link(t.Context(), admin, in) }
	first, err := link(issuer.Input{Issuer: "https://ci.example", Audience: "api"})
	if err != nil || first.Expression != "{sub}" || !strings.HasPrefix(string(first.ID), "idn_") {
		t.Fatal(first, err)
	}
	if again, err := link(issuer.Input{Issuer: "https://ci.example", Audience: "api", Expression: "{sub}"}); err != nil || again.ID != first.ID {
		t.Error("a repeated call makes another link", again, err)
	}
	if _, err := link(issuer.Input{Issuer: "https://ci.example", Audience: "api", Expression: "{email}"}); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	jwt := func(payload string) secret.Text {
		return secret.New("e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".AA")
	}
	if i, err := link(issuer.Input{Token: jwt(`{"iss":"https://ci.example","aud":"one"}`)}); err != nil || i.Audience != "one" || i.URL != "https://ci.example" {
		t.Error(i, err)
	}
	if i, err := link(issuer.Input{Token: jwt(`{"iss":"https://ci.example","aud":["one","two"]}`), Audience: "two"}); err != nil || i.Audience != "two" {
		t.Error(i, err)
	}
	for name, in := range map[string]issuer.Input{
		"nothing": {}, "no audience": {Issuer: "https://ci.example"}, "every audience": {Issuer: "https://ci.example", Audience: "*"}, "no issuer": {Audience: "api"},
		"http": {Issuer: "http://ci.example", Audience: "api"}, "loopback over http": {Issuer: "http://127.0.0.1:1", Audience: "api"}, "user": {Issuer: "https://u:p@ci.example", Audience: "api"},
		"fragment": {Issuer: "https://ci.example#x", Audience: "api"}, "query": {Issuer: "https://ci.example?x", Audience: "api"}, "no URL": {Issuer: "ci.example", Audience: "api"},
		"ours": {Issuer: "https://login.example", Audience: "api"}, "our clients'": {Issuer: "https://login.example/v1/clients/sc_1", Audience: "api"},
		"long audience": {Issuer: "https://ci.example", Audience: strings.Repeat("a", 257)}, "space": {Issuer: "https://ci.example", Audience: " api"}, "line": {Issuer: "https://ci.example", Audience: "a\nb"},
		"fixed expression": {Issuer: "https://ci.example", Audience: "api", Expression: "root"}, "glued expression": {Issuer: "https://ci.example", Audience: "api", Expression: "{a}{b}"},
		"no token": {Token: secret.New("x")}, "token without issuer": {Token: jwt(`{"aud":"a"}`)}, "token without audience": {Token: jwt(`{"iss":"https://ci.example"}`)},
		"several audiences": {Token: jwt(`{"iss":"https://ci.example","aud":["one","two"]}`)}, "not its audience": {Token: jwt(`{"iss":"https://ci.example","aud":"one"}`), Audience: "two"},
		"star for a token": {Token: jwt(`{"iss":"https://ci.example","aud":"one"}`), Audience: "*"}, "token for star": {Token: jwt(`{"iss":"https://ci.example","aud":"*"}`)},
		"another issuer's": {Issuer: "https://other.example", Token: jwt(`{"iss":"https://ci.example","aud":"one"}`)}, "our own token": {Token: jwt(`{"iss":"https://login.example","aud":"acc_a"}`)},
	} {
		if i, err := link(in); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %+v, %v", name, i, err)
		}
	}
	if err := w.service.Unlink(t.Context(), actor.ForOperator("acc_b"), first.ID); !fault.Is(err, fault.NotFound) {
		t.Error("another account unlinks:", err)
	}
	for n := range issuer.MaxIssuers - 3 {
		if _, err := link(issuer.Input{Issuer: "https://ci.example", Audience: fmt.Sprint("n", n)}); err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := link(issuer.Input{Issuer: "https://ci.example", Audience: "one too many"}); !fault.Is(err, fault.Unprocessable) {
		t.Error(err)
	}
	if err := w.service.Unlink(t.Context(), admin, first.ID); err != nil {
		t.Error(err)
	}
	if err := w.service.Unlink(t.Context(), admin, first.ID); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("e30.e30.AA")
	f.Add("e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://ci.example","aud":"api"}`)) + ".AA")
	f.Fuzz(func(t *testing.T, bearer string) {
		w := newWorld(t)
		w.link(t, "api", "")
		if p, err := w.verifier.Verify(t.Context(), account, bearer); err == nil {
			t.Fatalf("%q is %+v", bearer, p)
		}
	})
}
