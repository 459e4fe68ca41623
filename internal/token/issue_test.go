package token

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
)

type signers map[keyring.Use]string

func (s signers) Signer(_ ident.AccountID, use keyring.Use) (keyring.Signer, error) {
	kid, ok := s[use]
	if !ok {
		return keyring.Signer{}, errors.New("no key")
	}
	return keyring.Signer{KID: ident.KeyID(kid), Private: keyFor(kid)}, nil
}

func issuing(w *world, life time.Duration) *Service {
	return NewService(ServiceDeps{
		Issuer: issuerOf, Signers: signers{keyring.Access: "a1", keyring.ID: "i1"},
		Life: func(ident.AccountID) time.Duration { return life },
	})
}

func person(w *world) Params {
	return Params{
		At: w.clock.Now(), Account: accountA, User: "usr_1", Session: "ses_1", Application: "app_default", Connection: "con_email",
		AuthTime: w.clock.Now().Add(-time.Hour), AMR: []string{"email"}, Audiences: []string{"api", "acc_a"}, Scopes: []string{"extra", "openid"},
		Profile: Profile{Name: "Ann <b>", Email: "ann@x.example"},
	}
}

// decode returns the claims of a token that was signed by the key, without its jti.
func decode(t *testing.T, issued Issued, kid, typ string) map[string]any {
	t.Helper()
	parsed, err := jose.Parse(issued.Token.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if parsed.KeyID() != kid || parsed.Type() != typ {
		t.Fatalf("kid %s, typ %s", parsed.KeyID(), parsed.Type())
	}
	claims, err := parsed.Claims(publicOf(kid))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := claims.Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAccessToken(t *testing.T) {
	w := newWorld()
	issued, err := issuing(w, 0).Access(context.Background(), person(w))
	if err != nil {
		t.Fatal(err)
	}
	now := w.clock.Now()
	got := decode(t, issued, "a1", "at+jwt")
	if id, _ := got["jti"].(string); !strings.HasPrefix(id, "jti_") {
		t.Errorf("jti %v", got["jti"])
	}
	delete(got, "jti")
	want := map[string]any{
		"iss": "https://a.example.test", "sub": "usr_1", "aud": []any{"acc_a", "api"}, "iat": num(now), "exp": num(now.Add(24 * time.Hour)),
		"scope": "openid profile email extra", "azp": "con_email", "client_id": "app_default", "sid": "ses_1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if issued.Life != 24*time.Hour || !issued.Expires.Equal(now.Add(24*time.Hour)) {
		t.Errorf("life %v until %v", issued.Life, issued.Expires)
	}
}

func TestIDToken(t *testing.T) {
	w := newWorld()
	issued, err := issuing(w, time.Minute).ID(context.Background(), person(w))
	if err != nil {
		t.Fatal(err)
	}
	now := w.clock.Now()
	want := map[string]any{
		"iss": "https://a.example.test", "sub": "usr_1", "aud": "app_default", "iat": num(now), "exp": num(now.Add(time.Minute)), "sid": "ses_1",
		"scope": "openid profile email extra", "auth_time": num(now.Add(-time.Hour)), "amr": []any{"email"},
		"name": "Ann <b>", "email": "ann@x.example", "email_verified": false,
	}
	if diff := cmp.Diff(want, decode(t, issued, "i1", "JWT")); diff != "" {
		t.Error(diff)
	}
}

func num(t time.Time) any { return float64(t.Unix()) }

// TestIssuedIsVerified lets our own verifier take what we issue, until its session ends; and
// never the ID token.
func TestIssuedIsVerified(t *testing.T) {
	w := newWorld()
	v := w.verifier()
	s := issuing(w, 48*time.Hour) // more than is allowed
	access, err := s.Access(context.Background(), person(w))
	if err != nil || access.Life != MaxLife {
		t.Fatalf("life %v, %v", access.Life, err)
	}
	a, err := v.Verify(context.Background(), accountA, access.Token.Reveal())
	if err != nil || a.ID != "usr_1" || a.Session != "ses_1" {
		t.Fatalf("%+v, %v", a, err)
	}
	id, err := s.ID(context.Background(), person(w))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(context.Background(), accountA, id.Token.Reveal()); err == nil {
		t.Fatal("an ID token was taken for an access token")
	}
	w.ended["ses_1"] = true
	if _, err := v.Verify(context.Background(), accountA, access.Token.Reveal()); err == nil {
		t.Fatal("the token outlives its session")
	}
}

func TestIncompleteIsRefused(t *testing.T) {
	w := newWorld()
	for name, change := range map[string]func(*Params){
		"user": func(p *Params) { p.User = "" }, "session": func(p *Params) { p.Session = "" }, "application": func(p *Params) { p.Application = "" },
		"now": func(p *Params) { p.At = time.Time{} }, "time": func(p *Params) { p.AuthTime = time.Time{} }, "evidence": func(p *Params) { p.AMR = nil },
	} {
		p := person(w)
		change(&p)
		if got, err := issuing(w, 0).Access(context.Background(), p); err == nil {
			t.Errorf("without %s: %v", name, got)
		}
	}
	none := NewService(ServiceDeps{Issuer: issuerOf, Signers: signers{}})
	if _, err := none.Access(context.Background(), person(w)); err == nil {
		t.Error("issued without a key")
	}
	if b, err := json.Marshal(Issued{}); err != nil || strings.Contains(string(b), "eyJ") {
		t.Errorf("%s, %v", b, err)
	}
}

// Custom claims come behind Admit's own, and never in their place.
func TestCustomClaims(t *testing.T) {
	w := newWorld()
	s, p := issuing(w, time.Minute), person(w)
	p.AccessClaims, p.IDClaims = json.RawMessage(`{"plan":"gold","https://a.example/x":[1]}`), json.RawMessage(` { "plan" : "<silver>" } `)
	access, err := s.Access(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	if got := decode(t, access, "a1", "at+jwt"); got["plan"] != "gold" || got["sub"] != "usr_1" || got["https://a.example/x"] == nil {
		t.Error(got)
	}
	if a, err := w.verifier().Verify(context.Background(), accountA, access.Token.Reveal()); err != nil || a.ID != "usr_1" {
		t.Error(a, err)
	}
	id, err := s.ID(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	if got := decode(t, id, "i1", "JWT"); got["plan"] != "<silver>" || got["email"] != "ann@x.example" {
		t.Error(got)
	}
	for _, bad := range []string{`{"sub":"usr_2"}`, `{"Sub":"usr_2"}`, `{"permissions":[]}`, `{"x":1,"X":2}`, `{"x":1,"x":2}`, `[]`, `{`, `{"x":1}}`, `{"x":1},"sub":"u"}`} {
		p.AccessClaims = json.RawMessage(bad)
		if got, err := s.Access(context.Background(), p); err == nil {
			t.Errorf("%s: %v", bad, got)
		}
	}
	for _, none := range []string{"", "{}", "null"} {
		p.AccessClaims = json.RawMessage(none)
		if _, err := s.Access(context.Background(), p); err != nil {
			t.Errorf("%q: %v", none, err)
		}
	}
}
