package token

import (
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/secret"
)

const thumb = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

// keys has one key for each use, and stands in for the ring of one account.
type keys map[keyring.Use]crypto.Signer

var testKeys = sync.OnceValue(func() keys {
	out := keys{}
	for _, alg := range jose.Algorithms() {
		for _, use := range []keyring.Use{keyring.Access.With(alg), keyring.ID.With(alg), keyring.StaticUse(alg)} {
			key, err := jose.GenerateKey(alg)
			if err != nil {
				panic(err)
			}
			out[use] = key
		}
	}
	return out
})

func (k keys) Signer(_ ident.AccountID, use keyring.Use) (keyring.Signer, error) {
	key, ok := k[use]
	if !ok {
		return keyring.Signer{}, errors.New("no key")
	}
	return keyring.Signer{KID: kidOf(use), Alg: use.Alg(), Private: key}, nil
}

func (k keys) Find(account ident.AccountID, kid ident.KeyID) (keyring.Key, bool) {
	for use, key := range k {
		if kidOf(use) == kid && account == accountA {
			return keyring.Key{Account: account, Use: use, KID: kid, Public: key.Public()}, true
		}
	}
	return keyring.Key{}, false
}

func kidOf(use keyring.Use) ident.KeyID {
	return ident.KeyID("k-" + strings.ReplaceAll(string(use), "/", "-"))
}

func provider() *Service {
	return NewService(ServiceDeps{Issuer: issuerOf, Signers: testKeys(), Keys: testKeys()})
}

// payload verifies a token with the oracle under the key of a use, and returns its claims.
func payload(t *testing.T, text secret.Text, use keyring.Use, typ string) map[string]any {
	t.Helper()
	parsed, err := gojose.ParseSignedCompact(text.Reveal(), []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(use.Alg())})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := parsed.Verify(testKeys()[use].Public())
	if err != nil {
		t.Fatal(use, err)
	}
	if h := parsed.Signatures[0].Header; h.KeyID != string(kidOf(use)) || h.ExtraHeaders["typ"] != typ {
		t.Fatalf("header %+v", h)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func access(w *world) AccessParams {
	return AccessParams{
		At: w.clock.Now(), Account: accountA, Subject: "usr_1", Client: "app_default", Audience: []string{"https://api.example", string(accountA)},
		Scopes: []string{"openid", "read", "read"}, Grant: "gra_1", Session: "ses_1", AuthTime: w.clock.Now().Add(-time.Minute), AMR: []string{"email"}, ACR: "urn:admit:aal1",
	}
}

func TestProviderAccessToken(t *testing.T) {
	w, s := newWorld(), provider()
	p := access(w)
	p.JKT, p.X5T = thumb, thumb
	p.Actor, p.Details = json.RawMessage(`{"sub":"sc_1"}`), json.RawMessage(`[{"type":"payment"}]`)
	p.Custom = []json.RawMessage{
		json.RawMessage(`{"SUB":"evil","gid":"evil","scope":"all","Cnf":{},"dept":"a","https://x.example/sub":1}`), nil,
		json.RawMessage(`{"Dept":"b","iss":"evil","level":3}`),
	}
	for _, alg := range jose.Algorithms() {
		for _, static := range []bool{false, true} {
			p.Signing = Signing{Alg: alg, Static: static}
			use := p.use(keyring.Access)
			issued, err := s.AccessToken(t.Context(), p)
			if err != nil {
				t.Fatal(use, err)
			}
			got, now := payload(t, issued.Token, use, jose.TypeAccess), w.clock.Now()
			want := map[string]any{
				"iss": issuerOf(accountA), "sub": "usr_1", "aud": []any{"https://api.example", "acc_a"}, "iat": num(now), "exp": num(now.Add(AccessLife)),
				"jti": issued.ID, "client_id": "app_default", "scope": "openid read", "sid": "ses_1", "gid": "gra_1", "auth_time": num(now.Add(-time.Minute)),
				"amr": []any{"email"}, "acr": "urn:admit:aal1", "cnf": map[string]any{"jkt": thumb, "x5t#S256": thumb}, "act": map[string]any{"sub": "sc_1"},
				"authorization_details": []any{map[string]any{"type": "payment"}}, "Dept": "b", "level": 3.0, "https://x.example/sub": 1.0,
			}
			if diff := cmp.Diff(want, got); diff != "" { // JWT-16
				t.Error(use, diff)
			}
			own, err := s.ReadAccess(accountA, issued.Token.Reveal(), now)
			if err != nil || own.ID != issued.ID || own.Grant != "gra_1" || own.Session != "ses_1" || own.Confirm != (Confirmation{thumb, thumb}) || own.Algorithm != alg || own.Scope != "openid read" {
				t.Errorf("%s: %+v %v", use, own, err)
			}
		}
	}
	p.Audience, p.Custom = []string{"one"}, nil
	p.Life = 100 * time.Hour
	issued, err := s.AccessToken(t.Context(), p)
	if err != nil || issued.Life != MaxLife {
		t.Fatal(issued.Life, err)
	}
	if got := payload(t, issued.Token, p.use(keyring.Access), jose.TypeAccess); got["aud"] != "one" {
		t.Errorf("aud %v", got["aud"])
	}
}

func TestProviderRefusesIncomplete(t *testing.T) {
	w, s := newWorld(), provider()
	for name, change := range map[string]func(*AccessParams){
		"subject": func(p *AccessParams) { p.Subject = "" }, "client": func(p *AccessParams) { p.Client = "" }, "audience": func(p *AccessParams) { p.Audience = nil },
		"no end": func(p *AccessParams) { p.Grant, p.Session = "", "" }, "time": func(p *AccessParams) { p.At = time.Time{} },
		"algorithm": func(p *AccessParams) { p.Alg = "HS256" }, "none": func(p *AccessParams) { p.Alg = "none" },
		"custom too long": func(p *AccessParams) {
			p.Custom = []json.RawMessage{json.RawMessage(`{"x":"` + strings.Repeat("x", MaxCustomClaims) + `"}`)}
		},
		"custom twice":     func(p *AccessParams) { p.Custom = []json.RawMessage{json.RawMessage(`{"x":1,"x":2}`)} },
		"custom no object": func(p *AccessParams) { p.Custom = []json.RawMessage{json.RawMessage(`[]`)} },
		"too long": func(p *AccessParams) {
			p.Alg, p.Details = jose.ES256, json.RawMessage(`["`+strings.Repeat("x", 9000)+`"]`)
		},
	} {
		p := access(w)
		change(&p)
		if issued, err := s.AccessToken(t.Context(), p); err == nil {
			t.Errorf("%s: %s", name, issued.Token.Reveal())
		}
	}
	if _, err := s.IDToken(t.Context(), IDParams{At: w.clock.Now(), Account: accountA, Subject: "u", Client: "c", AuthTime: w.clock.Now(), Person: map[string]any{"nonce": "x"}}); err == nil {
		t.Error("a protocol claim passes as one about the person")
	}
	if _, err := s.LogoutToken(t.Context(), LogoutParams{At: w.clock.Now(), Account: accountA, Client: "c"}); err == nil {
		t.Error("a logout token about nobody")
	}
	for _, typ := range []string{"", jose.TypeAccess, jose.TypeLogout} {
		if _, err := s.Response(t.Context(), ResponseParams{Account: accountA, Type: typ, Claims: map[string]string{}}); err == nil {
			t.Errorf("an answer of type %q", typ)
		}
	}
}

func TestProviderIDToken(t *testing.T) {
	w, s := newWorld(), provider()
	now := w.clock.Now()
	p := IDParams{
		At: now, Account: accountA, Subject: "usr_1", Client: "app_default", Session: "ses_1", Nonce: "n", AuthTime: now.Add(-time.Minute), AMR: []string{"email"},
		ACR: "urn:admit:aal1", AccessToken: "at", Code: "co", Person: map[string]any{"email": "a@x.example", "email_verified": true},
		Custom: []json.RawMessage{json.RawMessage(`{"email":"evil@x.example","at_hash":"evil","dept":"a"}`)},
	}
	for _, alg := range jose.Algorithms() {
		p.Signing = Signing{Alg: alg}
		issued, err := s.IDToken(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"iss": issuerOf(accountA), "sub": "usr_1", "aud": "app_default", "iat": num(now), "exp": num(now.Add(IDLife)), "auth_time": num(now.Add(-time.Minute)), "nonce": "n",
			"acr": "urn:admit:aal1", "amr": []any{"email"}, "sid": "ses_1", "at_hash": jose.HalfHash(alg, "at"), "c_hash": jose.HalfHash(alg, "co"),
			"email": "a@x.example", "email_verified": true, "dept": "a",
		}
		if diff := cmp.Diff(want, payload(t, issued.Token, keyring.ID.With(alg), jose.TypeJWT)); diff != "" {
			t.Error(alg, diff)
		}
		own, err := s.ReadID(accountA, issued.Token.Reveal())
		if err != nil || own.Client != "app_default" || own.Subject != "usr_1" || own.Session != "ses_1" {
			t.Errorf("%+v %v", own, err)
		}
	}
	key := testKeys()["static/RS256"]
	p.Encryption = &jose.Encryption{Algorithm: "RSA-OAEP-256", Method: "A256GCM", Key: jose.PublicJWK{KeyID: "e", Key: key.Public()}}
	p.Signing = Signing{}
	issued, err := s.IDToken(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := gojose.ParseEncryptedCompact(issued.Token.Reveal(), []gojose.KeyAlgorithm{gojose.RSA_OAEP_256}, []gojose.ContentEncryption{gojose.A256GCM})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := parsed.Decrypt(key)
	if err != nil || payload(t, secret.New(string(plain)), keyring.ID, jose.TypeJWT)["nonce"] != "n" {
		t.Error(err)
	}
}

func TestProviderLogoutTokenAndResponse(t *testing.T) {
	w, s := newWorld(), provider()
	now := w.clock.Now()
	issued, err := s.LogoutToken(t.Context(), LogoutParams{At: now, Account: accountA, Client: "app_default", Subject: "usr_1", Session: "ses_1", Signing: Signing{Alg: jose.RS256}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"iss": issuerOf(accountA), "sub": "usr_1", "aud": "app_default", "iat": num(now), "exp": num(now.Add(LogoutLife)), "jti": issued.ID, "sid": "ses_1",
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if diff := cmp.Diff(want, payload(t, issued.Token, "id/RS256", "logout+jwt")); diff != "" {
		t.Error(diff)
	}
	text, err := s.Response(t.Context(), ResponseParams{Account: accountA, Type: jose.TypeIntrospection, Claims: map[string]any{"iss": "i", "token_introspection": map[string]any{"active": false}}, Signing: Signing{Alg: jose.ES256}})
	if err != nil {
		t.Fatal(err)
	}
	if got := payload(t, text, "id/ES256", "token-introspection+jwt"); got["iss"] != "i" {
		t.Error(got)
	}
}

// TestOwnTokensAreToldApart: what was made for one purpose is nothing for another (RFC 8725 section 2.8).
func TestOwnTokensAreToldApart(t *testing.T) {
	w, s := newWorld(), provider()
	now := w.clock.Now()
	for _, signing := range []Signing{{}, {Alg: jose.RS256}, {Static: true}} {
		p := access(w)
		p.Signing = signing
		at, err1 := s.AccessToken(t.Context(), p)
		id, err2 := s.IDToken(t.Context(), IDParams{At: now, Account: accountA, Subject: "usr_1", Client: "app_default", AuthTime: now, Signing: signing})
		out, err3 := s.LogoutToken(t.Context(), LogoutParams{At: now, Account: accountA, Client: "app_default", Subject: "usr_1", Signing: signing})
		jarm, err4 := s.Response(t.Context(), ResponseParams{Account: accountA, Type: jose.TypeAuthorization, Claims: map[string]any{"iss": issuerOf(accountA), "aud": "app_default", "exp": now.Unix() + 60}, Signing: signing})
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"an ID token": id.Token.Reveal(), "a logout token": out.Token.Reveal(), "an answer": jarm.Reveal(), "": "", "text": "x.y.z"} {
			if _, err := s.ReadAccess(accountA, text, now); !errors.Is(err, ErrNotOwn) {
				t.Errorf("%s is an access token: %v", name, err)
			}
		}
		for name, text := range map[string]string{"an access token": at.Token.Reveal(), "a logout token": out.Token.Reveal(), "an answer": jarm.Reveal()} {
			if _, err := s.ReadID(accountA, text); !errors.Is(err, ErrNotOwn) {
				t.Errorf("%s is an ID token: %v", name, err)
			}
		}
		if _, err := s.ReadAccess(accountB, at.Token.Reveal(), now); !errors.Is(err, ErrNotOwn) {
			t.Errorf("another account's: %v", err)
		}
		for after, want := range map[time.Duration]bool{AccessLife - time.Second: true, AccessLife: false, -Leeway: true, -Leeway - time.Second: false} { // JWT-17
			if _, err := s.ReadAccess(accountA, at.Token.Reveal(), now.Add(after)); (err == nil) != want {
				t.Errorf("after %s: %v", after, err)
			}
		}
		if _, err := s.ReadID(accountA, id.Token.Reveal()); err != nil {
			t.Error(err)
		}
	}
}

// TestVerifierTakesTokensOfTheProvider: they open Admit's own API as login tokens do, and end with their family.
func TestVerifierTakesTokensOfTheProvider(t *testing.T) {
	for _, signing := range []Signing{{}, {Alg: jose.ES256}, {Static: true}, {Alg: jose.PS256, Static: true}} {
		w, s := newWorld(), provider()
		v := w.verifier(func(d *VerifierDeps) { d.Provider, d.SigningKey = s, signingKey })
		verify := func(p AccessParams) (actor.Actor, error) {
			t.Helper()
			p.Signing = signing
			issued, err := s.AccessToken(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			var last actor.Actor
			for range 2 { // read, and remembered
				if last, err = v.Verify(t.Context(), accountA, issued.Token.Reveal()); err != nil {
					return last, err
				}
			}
			return last, nil
		}
		a, err := verify(access(w))
		if err != nil || a.Kind != actor.User || a.ID != "usr_1" || a.Session != "ses_1" || a.Bound != nil {
			t.Fatalf("%+v: %+v %v", signing, a, err)
		}
		bound := access(w)
		bound.JKT = thumb
		if a, err := verify(bound); err != nil || a.Bound == nil || a.Bound.JKT != thumb {
			t.Errorf("%+v: the binding is dropped: %+v %v", signing, a, err)
		}
		offline := access(w)
		offline.Session = ""
		if _, err := verify(offline); err != nil {
			t.Error(err)
		}
		machineToken := access(w)
		machineToken.Subject, machineToken.Client, machineToken.Session = string(machine), string(machine), ""
		if a, err := verify(machineToken); err != nil || a.Kind != actor.ServiceClient || a.ID != string(machine) {
			t.Errorf("%+v %v", a, err)
		}
		elsewhere := access(w)
		elsewhere.Audience = []string{"https://api.example"}
		appItself := access(w)
		appItself.Subject, appItself.Session = "app_default", ""
		w.off["acc_a/app_default"] = true
		for name, p := range map[string]AccessParams{"another audience": elsewhere, "an application that acts for itself": appItself} {
			if _, err := verify(p); err == nil {
				t.Errorf("%+v: %s is taken", signing, name)
			}
		}
		for _, end := range []string{"grant gra_1", "client app_default"} {
			issued, err := s.AccessToken(t.Context(), withSigning(access(w), signing))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.Verify(t.Context(), accountA, issued.Token.Reveal()); err != nil {
				t.Fatal(err)
			}
			w.off[end] = true
			if _, err := v.Verify(t.Context(), accountA, issued.Token.Reveal()); err == nil {
				t.Errorf("%+v: %s is over and its token is taken", signing, end)
			}
			w.off[end] = false
			w.off["grant "+issued.ID] = true
			if _, err := v.Verify(t.Context(), accountA, issued.Token.Reveal()); err == nil {
				t.Errorf("%+v: a single token that was revoked is taken", signing)
			}
		}
		w.ended["ses_1"] = true
		if _, err := verify(access(w)); err == nil {
			t.Errorf("%+v: the session is over", signing)
		}
	}
}

func withSigning(p AccessParams, s Signing) AccessParams { p.Signing = s; return p }

func BenchmarkProviderAccessToken(b *testing.B) {
	w, s := newWorld(), provider()
	for _, alg := range jose.Algorithms() {
		b.Run(alg, func(b *testing.B) {
			p := withSigning(access(w), Signing{Alg: alg})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.AccessToken(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func signingKey(account ident.AccountID, kid ident.KeyID) (ed25519.PublicKey, bool) {
	key, ok := testKeys().Find(account, kid)
	public, isEd := key.Public.(ed25519.PublicKey)
	return public, ok && isEd && key.Use == keyring.Access
}
